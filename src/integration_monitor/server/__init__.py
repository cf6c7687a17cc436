"""Answers are shown: HTTP requests come in, JSON and pages go out. There is no SQL here.

mounted.py     what it adds to Litestar: its addresses lead to where it is mounted
app.py         builds everything and joins it: `create_app(settings)`
api/           the JSON endpoints of questions
pages/         the dashboard, with templates/
live/          what arrives, as server-sent events
openapi/       the document of all endpoints, at /schema
assets.py      scripts and styles, from static/
sign_in.py     the ways in and out for people
auth.py        guards and dependencies: who asks, and may they
entrance.py    makes a caller of a token, a key, a cookie or a one-time link
tokens.py      JSON Web Tokens, read and issued
published_keys.py  the public keys by which an issuer's tokens are checked
keyring.py     the API keys that open something
attempts.py    what was refused, counted by address
connections.py closes connections that send too slowly
caller.py      who asks, and the rights of each role
origin.py      refuses what another site's page sends
refusals.py    what the server refuses, as one tree
problems.py    every error as one shape (RFC 9457)
headers.py     security headers of every answer
incidents.py   the JSON endpoints of incidents
liveness.py    /healthz and /readyz
metrics/       /metrics
upkeep.py      the maintenance of the database
watch.py       alerts: rules, messages and probes while the server runs
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from integration_monitor.server.app import create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """`create_app`, loaded when it is asked for: whoever needs one module of this folder does not load all of them."""
    if name == "create_app":
        from integration_monitor.server.app import create_app  # noqa: PLC0415  # late on purpose

        return create_app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
