"""The API keys that open something, held in memory.

All of them are read at once, and again when they are asked for and older than KEYS_AGE_MAX_S. So a request costs no question of the
database, and nobody who tries keys costs it more than one small question in that time.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final, Protocol

from integration_monitor.store.keys import OpenKey, hashed

#: A key that was made or revoked is taken up after so long, by each server.
KEYS_AGE_MAX_S: Final = 2.0


class OpenKeys(Protocol):
    """What the key ring needs of a store. Errors: StoreUnavailable, StoreError."""

    async def open(self) -> Mapping[bytes, OpenKey]:
        """The keys that open something, by their hash."""


class KeyRing:
    """Knows keys.

    Errors:
        StoreUnavailable: the keys must be read, and the database is away.
    """

    def __init__(self, store: OpenKeys) -> None:
        self._store = store
        self._keys: Mapping[bytes, OpenKey] = {}
        self._read_at: float | None = None
        # Of many requests at once, one reads.
        self._reading = asyncio.Lock()

    async def find(self, secret: str) -> OpenKey | None:
        """What a key may; None where it is unknown or revoked.

        By its hash in a dictionary: how long that takes tells nothing about the keys there are.
        """
        if self._is_old():
            async with self._reading:
                if self._is_old():
                    self._keys = await self._store.open()
                    self._read_at = time.monotonic()
        return self._keys.get(hashed(secret))

    def _is_old(self) -> bool:
        return self._read_at is None or time.monotonic() - self._read_at > KEYS_AGE_MAX_S
