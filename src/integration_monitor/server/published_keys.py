"""The public keys that an issuer of tokens publishes (JWKS, RFC 7517), read from the address or file that the settings name.

They are held in memory and read again when they are old, and when a token names a key that is not among them: so a key that was rotated is
taken up by itself. Nothing in a token says where keys come from: its headers `jku`, `x5u` and `jwk` are never looked at.
"""

import asyncio
import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from integration_monitor.errors import SettingsError
from integration_monitor.server.refusals import KeysUnavailable

#: A key that was withdrawn is taken for so long after that. Supabase has what it publishes cached for ten minutes.
KEYS_AGE_MAX_S: Final = 300.0
#: Between two readings, whatever tokens come: whoever invents names of keys must not have us flood the issuer.
READING_PAUSE_S: Final = 10.0
#: For the whole of a reading; a request waits no longer for it.
READING_TIMEOUT_S: Final = 5.0
#: An issuer has some keys of some hundred bytes each.
DOCUMENT_BYTES_MAX: Final = 64 * 1024
# What is read at a time, so that the deadline is looked at in between.
_PIECE_BYTES: Final = 4096
# Below that an RSA key can be broken (RFC 7518, section 3.3).
_RSA_BITS_MIN: Final = 2048
#: (kty, crv) of a key → the one algorithm that it is used with. No symmetric key is among them: whoever may read those may forge tokens.
_ALGORITHMS: Final = {("EC", "P-256"): "ES256", ("RSA", None): "RS256", ("OKP", "Ed25519"): "EdDSA"}
# What makes a public key, by its type (RFC 7518, section 6; RFC 8037). Whatever else a document holds, a private part included, is left out.
_MEMBERS: Final = {"EC": ("crv", "x", "y"), "RSA": ("n", "e"), "OKP": ("crv", "x")}
# What reading from a bad address, host, file or document raises.
_READING_ERRORS: Final = (OSError, http.client.HTTPException, ValueError, RecursionError, jwt.PyJWTError)

logger = logging.getLogger(__name__)


class PublishedKeys:
    """Knows the keys of one issuer by their `kid`.

    place:
        The setting `jwks`: an http(s) address, or the path of a file.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._keys: Mapping[str, jwt.PyJWK] = {}
        #: monotonic
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._has_failed = False
        self._reading: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> jwt.PyJWK | None:
        """The key of this name; None where the issuer has none.

        While the issuer cannot be reached, the keys that are known stay in use, and nobody who holds a token of theirs waits.

        Errors:
            KeysUnavailable: the key is not known, and whether there is one cannot be told.
        """
        if kid not in self._keys or self._is_older_than(self._read_at, KEYS_AGE_MAX_S):
            reading = self._begin_reading()
            if reading is not None and (kid not in self._keys or not self._has_failed):
                # A request that is given up must not end the reading, on which others wait. Its own deadline does not cover the search for the
                # host's address, nor a head that comes byte by byte.
                await asyncio.wait([reading], timeout=READING_TIMEOUT_S)
        if kid not in self._keys and (self._has_failed or self._reading is not None):
            raise KeysUnavailable("The keys by which this token would be checked cannot be read.")
        return self._keys.get(kid)

    def _begin_reading(self) -> asyncio.Task[None] | None:
        """The reading that is under way, else a new one; None where the last one was a moment ago."""
        if self._reading is None and self._is_older_than(self._tried_at, READING_PAUSE_S):
            self._reading = asyncio.create_task(self._read())
        return self._reading

    async def _read(self) -> None:
        try:
            self._keys = await asyncio.to_thread(read_keys, self._place)
        except _READING_ERRORS as error:
            self._has_failed = True
            logger.warning("the keys of `jwks` cannot be read, those that are known stay in use: %s", error)
        else:
            self._has_failed = False
            self._read_at = time.monotonic()
        finally:
            self._tried_at = time.monotonic()
            self._reading = None

    @staticmethod
    def _is_older_than(moment: float | None, age_s: float) -> bool:
        return moment is None or time.monotonic() - moment > age_s


def check_place(place: str) -> None:
    """Whether a setting names where keys can be read. A host that is away may come later; a file must be there.

    Errors:
        SettingsError: it does not.
    """
    try:
        if not _is_address(place):
            read_keys(place)
        elif not urlsplit(place).hostname or urlsplit(place).username is not None:
            raise ValueError("it is not an address such as https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json")
    except _READING_ERRORS as error:
        raise SettingsError(f"jwks: {place!r} cannot be used: {error}", name="jwks") from error


def is_open_to_others(place: str) -> bool:
    """Whether keys come over a network unprotected, where others could put theirs in their place."""
    return place.lower().startswith("http://") and urlsplit(place).hostname not in {"localhost", "127.0.0.1", "::1"}


def read_keys(place: str) -> Mapping[str, jwt.PyJWK]:
    """The usable keys at a place, by their `kid`. It blocks.

    Errors:
        ValueError: there is none among what is there, or it is too large.
        OSError, http.client.HTTPException, jwt.PyJWTError, RecursionError: it cannot be read.
    """
    document = json.loads(_download(place) if _is_address(place) else _read_file(Path(place)))
    listed = document.get("keys") if isinstance(document, dict) else None
    found = [_usable(entry) for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
    keys = {key.key_id: key for key in found if key is not None and key.key_id is not None}
    if not keys:
        raise ValueError("it holds no key that can be used: RSA of 2048 bits, EC P-256 or Ed25519, with a `kid`")
    return keys


def _usable(entry: Mapping[str, Any]) -> jwt.PyJWK | None:
    """The public key of an entry; None where it is not for signatures, or not of a kind that is used here.

    The algorithm follows from the kind of the key; an entry that names another one is not used at all.
    """
    kind, kid = entry.get("kty"), entry.get("kid")
    algorithm = _ALGORITHMS.get((str(kind), str(entry.get("crv")) if kind != "RSA" else None))
    if algorithm is None or not isinstance(kid, str) or not kid:
        return None
    if entry.get("use", "sig") != "sig" or entry.get("alg", algorithm) != algorithm:
        return None
    members = {name: entry.get(name) for name in _MEMBERS[str(kind)]}
    try:
        key = jwt.PyJWK({"kty": kind, "kid": kid, **members}, algorithm)
    except jwt.PyJWTError:
        return None
    is_weak = isinstance(key.key, RSAPublicKey) and key.key.key_size < _RSA_BITS_MIN
    return None if is_weak else key


def _is_address(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(DOCUMENT_BYTES_MAX + 1))


def _download(address: str) -> bytes:
    """What a GET answers, in time and no longer than it may be."""
    deadline = time.monotonic() + READING_TIMEOUT_S
    request = urllib.request.Request(address, headers={"accept": "application/json"})  # noqa: S310  # by `_is_address`
    with urllib.request.build_opener(_NoRedirects).open(request, timeout=READING_TIMEOUT_S) as answer:
        pieces = bytearray()
        # `read1` gives what has come: so a host that sends a byte a second is given up, too.
        while len(pieces) <= DOCUMENT_BYTES_MAX and (piece := answer.read1(_PIECE_BYTES)):
            pieces += piece
            if time.monotonic() > deadline:
                raise TimeoutError(f"it did not come within {READING_TIMEOUT_S:.0f} seconds")
    return _bounded(bytes(pieces))


def _bounded(document: bytes) -> bytes:
    if len(document) > DOCUMENT_BYTES_MAX:
        raise ValueError(f"it is larger than {DOCUMENT_BYTES_MAX} bytes")
    return document


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The settings name the host, and no answer leads to another one."""

    def redirect_request(self, *_: object) -> None:
        """No request: urllib raises HTTPError for the answer."""
