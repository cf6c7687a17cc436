"""Photographs the dashboard of a running server, for the documents: `python -m tests.acceptance.screenshots LINK [FOLDER [TOKEN]]`.

LINK is the one-time sign-in link that `serve` or `demo` prints; with a token (`integration-monitor token --role service_role`) the server's address
does. The page of the monitor itself is empty to anybody but `service_role`, so the documents' pictures take a token. Writes FOLDER/<page>-light.png and <page>-dark.png of each of `PAGES`;
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


def photograph(link: str, folder: Path, token: str | None = None) -> list[Path]:
    """The files written. The link is used up, where there is no token."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with started_chromium() as browser:
        watched = WatchedPage(browser, link.partition("/sign-in/")[0], viewport=SIZE, extra_http_headers=headers)
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
    if len(sys.argv) not in {2, 3, 4}:
        sys.exit(__doc__)
    for file in photograph(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else DOCUMENTS, *sys.argv[3:]):
        print(file)  # noqa: T201
