"""Photographs the dashboard of a running server, for the documents: `python -m tests.acceptance.screenshots LINK [FOLDER]`.

LINK is the one-time sign-in link that `serve` or `demo` prints. Writes FOLDER/<page>-light.png and <page>-dark.png of each of `PAGES`;
FOLDER is docs/images unless given.
"""

import sys
from pathlib import Path
from typing import Literal

from tests.acceptance.browser import WatchedPage, started_chromium

DOCUMENTS = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1440, "height": 1000}
#: file → address; the record is the first of its list
PAGES = {
    "dashboard": "/",
    "errors": "/errors",
    "record": "/logs?status=failed&service=telegram&action=send_message",
    "service": "/service",
    "system": "/system",
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# The charts' first movement is over, and the list has its figures.
SETTLE_MS = 1_500


def photograph(link: str, folder: Path) -> list[Path]:
    """The files written. The link is used up."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    with started_chromium() as browser:
        watched = WatchedPage(browser, link.partition("/sign-in/")[0], viewport=SIZE)
        watched.page.goto(link)
        for scheme in SCHEMES:
            watched.page.emulate_media(color_scheme=scheme)
            for name, address in PAGES.items():
                watched.page.goto(address)
                if name == "record":
                    watched.page.locator(".log .log-service").first.click()
                watched.page.wait_for_timeout(SETTLE_MS)
                written.append(folder / f"{name}-{scheme}.png")
                watched.page.screenshot(path=written[-1])
    return written


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    for file in photograph(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) == 3 else DOCUMENTS):
        print(file)  # noqa: T201
