"""Photographs the dashboard of a running server, for the README: `python -m tests.acceptance.screenshots LINK [FOLDER]`.

LINK is the one-time sign-in link that `serve` or `demo` prints. Writes FOLDER/dashboard-light.png and dashboard-dark.png;
FOLDER is docs/images unless given.
"""

import sys
from pathlib import Path
from typing import Literal

from tests.acceptance.browser import WatchedPage, started_chromium

DOCUMENTS = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1440, "height": 1000}
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
            watched.page.reload()
            watched.page.wait_for_timeout(SETTLE_MS)
            written.append(folder / f"dashboard-{scheme}.png")
            watched.page.screenshot(path=written[-1])
    return written


if __name__ == "__main__":
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    for file in photograph(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) == 3 else DOCUMENTS):
        print(file)  # noqa: T201
