"""API keys of programs: what is kept of them, and how the secret of one is made and told apart from a token.

A key is `im_` and 256 random bits; what is kept is its SHA-256. Nobody guesses so many bits, so the plain hash cannot be turned back, and a
slow hash, as passwords need it, would only make each request dearer.
"""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Final, Literal

import msgspec

#: ingest: sends records; read: asks questions, under the role `authenticated`
Scope = Literal["ingest", "read"]

#: What every key begins with: people and scanners for leaked secrets know it by that, and no JSON Web Token does.
PREFIX: Final = "im_"
_SECRET_BYTES: Final = 32


class ApiKey(msgspec.Struct, kw_only=True, frozen=True):
    """A key as it is kept, without its secret."""

    id: uuid.UUID
    name: str
    scope: Scope
    #: the one service that it is for; None for all
    service: str | None
    #: UTC, as all times
    created_at: datetime
    created_by: str
    #: None while it opens something
    revoked_at: datetime | None


class OpenKey(msgspec.Struct, kw_only=True, frozen=True):
    """What a key that opens something may."""

    name: str
    scope: Scope
    #: the one service that it is for; None for all
    service: str | None


def new_secret() -> str:
    """A key as its holder gets it, once."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def hashed(secret: str) -> bytes:
    """What is kept of a key. Text that is no text, as a header may hold it, has a hash that no key has."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
