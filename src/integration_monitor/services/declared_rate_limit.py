"""Budgets by headers of a vendor's own names, as a description in TOML states them."""

import dataclasses
import re

import msgspec

from integration_monitor.services.exchange import Exchange, RateLimit
from integration_monitor.services.forms import HeaderName
from integration_monitor.services.rate_limit import number_in, reset_at

# `6m0s`, `1.5s`, `17ms`: a duration as Go writes it. Each part at most once, in this order.
_DURATION = re.compile(
    r"(?:(?P<h>\d{1,6})h)?(?:(?P<m>\d{1,6})m(?!s))?(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)s)?(?:(?P<ms>\d{1,12}(?:\.\d{1,9})?)ms)?"
)
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class RateLimitHeaders(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """The headers of one budget: an entry of `[[rate_limits]]`."""

    limit: HeaderName | None = None
    remaining: HeaderName | None = None
    #: holds seconds, a time since the epoch, or a duration such as `6m0s`
    reset: HeaderName | None = None


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class DeclaredRateLimit:
    """The `read_rate_limit` of a service that is described in TOML. Of several budgets it tells the one that is nearest to its end."""

    budgets: tuple[RateLimitHeaders, ...]

    def __call__(self, exchange: Exchange) -> RateLimit | None:
        found = [_read(budget, exchange) for budget in self.budgets]
        return min((one for one in found if one != RateLimit()), key=_share_left, default=None)


def _read(budget: RateLimitHeaders, exchange: Exchange) -> RateLimit:
    headers = exchange.response_headers
    return RateLimit(
        limit=number_in(headers, budget.limit) if budget.limit else None,
        remaining=number_in(headers, budget.remaining) if budget.remaining else None,
        reset_at=_reset_at(headers.get(budget.reset, ""), exchange) if budget.reset else None,
    )


def _reset_at(value: str, exchange: Exchange) -> str | None:
    value = value.strip()
    duration = _DURATION.fullmatch(value)
    if value and duration is not None:
        seconds = sum(float(number) * _SECONDS[unit] for unit, number in duration.groupdict(default="0").items())
        return reset_at(round(seconds), exchange.answered_at)
    number = number_in({"reset": value}, "reset")
    return None if number is None else reset_at(number, exchange.answered_at)


def _share_left(rate_limit: RateLimit) -> float:
    if not rate_limit.limit or rate_limit.remaining is None:
        return 1.0
    return rate_limit.remaining / rate_limit.limit
