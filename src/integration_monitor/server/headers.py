"""Security headers of every answer, errors included."""

from typing import Final

from litestar.types import Message, Scope

# Vendors' payloads are hostile input: nothing in them may run, style anything, or load anything. Only files of our own
# may, and no code or style stands in a page itself.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: under it a browser sends `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Answers hold what only their reader may see. Static files bring a header of their own.
    "cache-control": "no-store",
}
# As ASGI has them.
_ENCODED: Final = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
# A year; only said where the dashboard is known to be reached over TLS.
_TRANSPORT_SECURITY: Final = (b"strict-transport-security", b"max-age=31536000")


async def add_security_headers(message: Message, scope: Scope) -> None:
    """Adds what an answer does not have yet. A `before_send` hook, so that it also sees errors of the router."""
    if message["type"] != "http.response.start":
        return
    headers = [*message.get("headers", ())]
    present = {name.lower() for name, _value in headers}
    headers += [header for header in _ENCODED if header[0] not in present]
    public_url = scope["litestar_app"].state.settings.public_url or ""
    if public_url.startswith("https://") and _TRANSPORT_SECURITY[0] not in present:
        headers.append(_TRANSPORT_SECURITY)
    message["headers"] = headers
