"""Makes a caller of what a request carries: a token, an API key, a session's cookie, or a one-time link.

A session is a cookie that holds a signed token of our own. Its key lies in the database, so every worker and every server
of one installation takes the same sessions, and none of them has to remember any.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import jwt
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

from integration_monitor import record
from integration_monitor.server import tokens
from integration_monitor.server.attempts import Attempts, address_of
from integration_monitor.server.caller import Caller, Right
from integration_monitor.server.keyring import KeyRing
from integration_monitor.server.published_keys import PublishedKeys
from integration_monitor.server.refusals import KeyRefused, LinkRefused, NotSignedIn, TokenExpired, TokenRefused
from integration_monitor.settings import Settings
from integration_monitor.store import keys
from integration_monitor.store.answers import KeyPurpose, Role
from integration_monitor.store.keys import OpenKey, OwnScope

COOKIE_NAME: Final = "integration_monitor_session"
SESSION_LIFETIME: Final = timedelta(hours=12)
# Whoever starts a server in the morning may want to look at it in the afternoon.
LINK_LIFETIME: Final = timedelta(hours=12)
# 256 random bits cannot be guessed, and their plain hash cannot be turned back.
_LINK_BYTES: Final = 32
# A key that was replaced in the database is taken up after this long; until then no request has to ask for it.
_KEY_AGE_MAX_S: Final = 60
_RIGHTS_OF_SCOPE: Final[dict[OwnScope, frozenset[Right]]] = {
    "ingest": frozenset({"ingest"}),
    "read": frozenset({"statistics", "records"}),
}


class EntranceStore(Protocol):
    """What the entrance needs of a store. Errors: StoreUnavailable, StoreError."""

    async def secret(self, purpose: KeyPurpose) -> bytes:
        """The signing key of a purpose, made on first use; everyone gets the same."""

    async def add_link(self, token_hash: bytes, *, role: Role, lifetime: timedelta) -> datetime:
        """Keeps a one-time link and gives the time it expires."""

    async def use_link(self, token_hash: bytes) -> Role | None:
        """Uses up a one-time link and gives its role; None where it is unknown, used or expired."""


class Entrance:
    """Knows callers.

    Errors, of every method:
        StoreUnavailable: a key is needed from the database, and it is away.
    """

    def __init__(self, settings: Settings, store: EntranceStore, key_ring: KeyRing) -> None:
        self._jwt_secret = settings.jwt_secret
        self._published_keys = PublishedKeys(settings.jwks) if settings.jwks else None
        self._required_claims: Mapping[str, str] = settings.required_claims
        self._is_public_https = (settings.public_url or "").startswith("https://")
        self._store = store
        self._key_ring = key_ring
        #: purpose → (secret, monotonic time it was read)
        self._keys: dict[KeyPurpose, tuple[bytes, float]] = {}
        #: of requests; whoever has a right credential gets in whatever was refused to the address before
        self._attempts = Attempts()
        #: of people, at the sign-in page and its links; beyond them the address waits, since a try there may cost the database a question
        self.sign_in_attempts = Attempts()

    async def caller(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
        """Who sent a request: by its bearer token or key, else by the header `apikey`, else by its session.

        Supabase's clients send `apikey` with every request, and the same in `authorization` unless a user has signed in.

        Errors:
            NotSignedIn, TokenRefused, KeyRefused, NotAllowed, KeysUnavailable
            TooManyAttempts: it would be TokenRefused or KeyRefused, and was too often of late.
        """
        try:
            return await self._caller(connection)
        except TokenExpired:
            raise
        except TokenRefused:
            self._attempts.note(address_of(connection))
            raise

    async def _caller(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Caller:
        authorization = connection.headers.get("authorization")
        if authorization is not None:
            scheme, _, token = authorization.strip().partition(" ")
            if scheme.lower() != "bearer":
                raise NotSignedIn("The Authorization header holds no bearer token.")
            return await self._holder(token.strip())
        api_key = connection.headers.get("apikey")
        if api_key is not None:
            return await self._holder(api_key.strip())
        cookie = connection.cookies.get(COOKIE_NAME)
        if cookie is not None:
            claims = tokens.read(cookie, await self._key("session"))
            # What a session may was judged when it began.
            return tokens.caller(claims, {}, via="cookie")
        raise NotSignedIn("The request carries neither a token nor a key nor a session.")

    async def token_holder(self, token: str) -> tuple[Caller, datetime]:
        """Who holds a token, and until when.

        Errors:
            TokenRefused, NotAllowed, KeysUnavailable
        """
        if not token:
            raise TokenRefused("The token is empty.")
        if keys.is_key(token):
            # A session would outlive the key.
            raise TokenRefused("This is an API key, which opens no session.", hint="Sign in with a token.")
        kid = tokens.named_key(token)
        claims = tokens.read(token, self._jwt_secret or await self._key("jwt") if kid is None else await self._published_key(kid))
        return tokens.caller(claims, self._required_claims), tokens.expires_at(claims)

    async def _published_key(self, kid: str) -> jwt.PyJWK:
        if self._published_keys is None:
            raise TokenRefused(
                f"The token must be signed with {tokens.SHARED_ALGORITHM}.",
                hint="Whoever administers this server names the issuer's keys in the setting `jwks`.",
            )
        key = await self._published_keys.find(kid)
        if key is None:
            raise TokenRefused("The token names a key that its issuer does not have.", hint="Sign in again for a new token.")
        return key

    async def _holder(self, secret: str) -> Caller:
        if not keys.is_key(secret):
            return (await self.token_holder(secret))[0]
        key = await self._key_ring.find(secret)
        if key is None:
            if secret.startswith(keys.PROJECT_PREFIX):
                raise KeyRefused(
                    "This key of a Supabase project is not registered here.",
                    hint="Whoever administers this server registers it with `integration-monitor keys register`.",
                )
            raise KeyRefused("The key is unknown, or was revoked.")
        return _key_holder(key)

    async def new_link(self, role: Role = "authenticated") -> str:
        """The secret part of a new one-time link."""
        link = secrets.token_urlsafe(_LINK_BYTES)
        await self._store.add_link(_hash(link), role=role, lifetime=LINK_LIFETIME)
        return link

    async def link_holder(self, link: str) -> Caller:
        """Uses up a one-time link.

        Errors:
            LinkRefused: it is unknown, used or expired.
        """
        role = await self._store.use_link(_hash(link))
        if role is None:
            raise LinkRefused("The link is unknown, was used before, or has expired.")
        return Caller(role=role, name="sign-in link", via="cookie")

    async def session_cookie(
        self, caller: Caller, connection: ASGIConnection[Any, Any, Any, Any], *, until: datetime | None = None
    ) -> Cookie:
        """The cookie of a new session: for twelve hours, but no longer than `until`."""
        lifetime = SESSION_LIFETIME if until is None else min(SESSION_LIFETIME, until - record.now())
        value = tokens.issue(caller.role, await self._key("session"), lifetime=lifetime, name=caller.name)
        return self._cookie(connection, value, max_age_s=max(0, int(lifetime.total_seconds())))

    def ended_cookie(self, connection: ASGIConnection[Any, Any, Any, Any]) -> Cookie:
        """The cookie that ends a session in the browser."""
        return self._cookie(connection, "", max_age_s=0)

    def _cookie(self, connection: ASGIConnection[Any, Any, Any, Any], value: str, *, max_age_s: int) -> Cookie:
        is_https = self._is_public_https or connection.scope["scheme"] == "https"
        # Of an application that this one is mounted in, the other pages get no session of ours.
        path = connection.scope.get("root_path") or "/"
        # Lax and not Strict: a link to the dashboard in a chat must open it.
        return Cookie(COOKIE_NAME, value=value, max_age=max_age_s, path=path, secure=is_https, httponly=True, samesite="lax")

    async def _key(self, purpose: KeyPurpose) -> bytes:
        key = self._keys.get(purpose)
        if key is None or time.monotonic() - key[1] > _KEY_AGE_MAX_S:
            key = (await self._store.secret(purpose), time.monotonic())
            self._keys[purpose] = key
        return key[0]


def _key_holder(key: OpenKey) -> Caller:
    if key.scope == "anon":
        raise NotSignedIn(
            f"The key `{key.name}` is publishable: who sends it is nobody in particular.",
            hint="Send the token of a user who has signed in, in Authorization.",
        )
    if key.scope == "service_role":
        return Caller(role="service_role", name=key.name, via="key", service=key.service)
    # Both scopes go with the role that only reads; what is ingested is written by the server's own login.
    return Caller(role="authenticated", name=key.name, via="key", rights=_RIGHTS_OF_SCOPE[key.scope], service=key.service)


def _hash(link: str) -> bytes:
    return hashlib.sha256(link.encode()).digest()
