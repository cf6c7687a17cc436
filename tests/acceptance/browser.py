"""Debian's Chromium, driven by Playwright, and a page that remembers everything that went wrong on it."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, sync_playwright

# Names of the program in Debian, Ubuntu, Fedora, and Google's own packages.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
# How a violation of the Content-Security-Policy becomes a line of the console, whatever the browser writes there itself.
_REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


@contextlib.contextmanager
def started_chromium() -> Iterator[Browser]:
    """The browser, without a window. Skips the test where none is installed."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("no Chromium is installed, and the browser tests need one: apt-get install chromium")
    # Chromium's sandbox refuses to run as root.
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class WatchedPage:
    """A page of the browser, and its troubles: errors of the console and of scripts, and requests to anywhere else."""

    def __init__(self, browser: Browser, base_url: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=base_url, **{"viewport": {"width": 1440, "height": 900}, **options})
        self.context.add_init_script(_REPORT_VIOLATIONS)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.troubles: list[str] = []
        self._base_url = base_url
        self.page.on("console", self._note_line)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("dialog", self._note_dialog)
        self.page.on("request", self._note_request)

    def _note_line(self, line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            self.troubles.append(line.text)

    def _note_dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((self._base_url, "data:")):
            self.troubles.append(f"request to {request.url}")

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width
