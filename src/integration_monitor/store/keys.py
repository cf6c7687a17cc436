"""API keys of programs: what is kept of them, and how the secret of one is made and told apart from a token.

A key of ours is `im_` and 256 random bits; what is kept is its SHA-256. Nobody guesses so many bits, so the plain hash cannot be turned back, and
a slow hash, as passwords need it, would only make each request dearer. Keys of a Supabase project, which Supabase makes, are registered and kept
in the same way: `sb_secret_` is followed by 128 random bits and a checksum.
"""

import hashlib
import re
import secrets
import uuid
from datetime import datetime
from typing import Final, Literal

import msgspec

#: Of a key of ours. ingest: sends records; read: asks questions, under the role `authenticated`
OwnScope = Literal["ingest", "read"]
#: Of a key of a Supabase project, the role that it stands for there. anon: nobody
ProjectScope = Literal["service_role", "anon"]
Scope = Literal[OwnScope, ProjectScope]

#: What every key of ours begins with: people and scanners for leaked secrets know it by that, and no JSON Web Token does.
PREFIX: Final = "im_"
#: What the keys of a Supabase project begin with. https://supabase.com/docs/guides/api/api-keys
PROJECT_PREFIX: Final = "sb_"
_SCOPES_OF_PROJECT: Final[dict[str, ProjectScope]] = {"sb_secret_": "service_role", "sb_publishable_": "anon"}
_PROJECT_KEY: Final = re.compile(r"(sb_[a-z]+_)[A-Za-z0-9_-]{20,200}")
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


def is_key(credential: str) -> bool:
    """Whether a credential is an API key, and so no token."""
    return credential.startswith((PREFIX, PROJECT_PREFIX))


def project_scope(secret: str) -> ProjectScope | None:
    """What a key of a Supabase project may; None where it has not the form of one."""
    match = _PROJECT_KEY.fullmatch(secret)
    return None if match is None else _SCOPES_OF_PROJECT.get(match[1])


def hashed(secret: str) -> bytes:
    """What is kept of a key. Text that is no text, as a header may hold it, has a hash that no key has."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
