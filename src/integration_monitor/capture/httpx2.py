"""httpx2, sync and async: httpx carried on under another name, which newer SDKs use. It may also stand in for httpx, as its alias."""

from integration_monitor.capture.httpx import HttpxPatch


class Httpx2Patch(HttpxPatch):
    """Records the calls of httpx2 from `patch` to `unpatch`."""

    library = "httpx2"
