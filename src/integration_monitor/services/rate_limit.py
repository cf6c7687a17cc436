"""What the headers of an answer say of the budget: the names in use agree, their units do not."""

import re
import time
from collections.abc import Mapping
from functools import lru_cache

from integration_monitor.services.exchange import Exchange, RateLimit

_NAMES = tuple(
    (f"{prefix}limit", f"{prefix}remaining", f"{prefix}reset") for prefix in ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
)
_ALL_NAMES = frozenset(name for names in _NAMES for name in names)
# The first number counts where several windows are listed: `100, 100;w=60`.
_DIGITS_MAX = 15
_NUMBER = re.compile(r"\s*([0-9]{1,15})(?:\.\d+)?(?=\s*(?:$|[,;s]))")
# A reset is seconds from now, or a time since the epoch in seconds or milliseconds. No window lasts thirty years.
_EPOCH_S_MIN = 1_000_000_000
_EPOCH_MS_MIN = 1_000_000_000_000
# The year 9999: four digits, as ISO 8601 has them.
_EPOCH_S_MAX = 253_402_300_799


def read_rate_limit(exchange: Exchange) -> RateLimit | None:
    """The budget by `ratelimit-*`, `x-ratelimit-*` or `x-rate-limit-*` headers; None where there are none."""
    headers = exchange.response_headers
    if _ALL_NAMES.isdisjoint(headers):
        return None
    for names in _NAMES:
        if headers.keys().isdisjoint(names):
            continue
        limit, remaining, reset = (number_in(headers, name) for name in names)
        if limit is not None or remaining is not None or reset is not None:
            return RateLimit(
                limit=limit, remaining=remaining, reset_at=None if reset is None else reset_at(reset, exchange.answered_at)
            )
    return None


def number_in(headers: Mapping[str, str], name: str) -> int | None:
    """The number in a header, the first where it lists several; None where there is none."""
    value = headers.get(name)
    if value is None:
        return None
    if value.isdecimal() and len(value) <= _DIGITS_MAX:
        return int(value)
    found = _NUMBER.match(value)
    return int(found[1]) if found else None


def reset_at(value: int, answered_at: float) -> str | None:
    """When the budget is whole again, in ISO 8601, by seconds from the answer or a time since the epoch."""
    if value >= _EPOCH_MS_MIN:
        value //= 1000
    if value > _EPOCH_S_MAX:
        return None
    return _iso(value if value >= _EPOCH_S_MIN else round(answered_at) + value)


@lru_cache(maxsize=64)
def _iso(epoch_s: int) -> str:
    """Most calls of a second have the same reset, so the last ones are remembered."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch_s))
