"""Which service has which colour, the same in cards, charts and lists, today and tomorrow.

A colour is a tone: the name of a custom property of frontend/src/styles/tokens.css, which has a value for light and one for dark.
`series-1` to `series-10` are services; `series-0` is grey: a service for which no colour is left. Faults and percentiles have their own.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from integration_monitor.record import Fault

TONE_COUNT: Final = 10
NO_TONE: Final = "series-0"
# The described vendors keep theirs wherever they appear.
_VENDORS: Final = {"amocrm": 1, "resend": 2, "telegram": 3, "mobizon": 4, "whapi": 5}

#: In the order in which they are stacked: who must act first comes first.
FAULTS: Final[tuple[Fault, ...]] = ("vendor", "auth", "limit", "network", "unclassified", "ours", "recipient")


def tones(service_names: Iterable[str]) -> Mapping[str, str]:
    """The tone of each service. It changes only when the set of services does, and a vendor's never."""
    names = sorted(set(service_names))
    taken = {_VENDORS[name] for name in names if name in _VENDORS}
    free = iter([*range(len(_VENDORS) + 1, TONE_COUNT + 1), *sorted(set(_VENDORS.values()) - taken)])
    return {name: f"series-{_VENDORS[name] if name in _VENDORS else next(free, 0)}" for name in names}
