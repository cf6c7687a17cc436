"""Which service has which colour, the same in cards, charts and lists, today and tomorrow.

A colour is a slot, 1 to 10: the custom property `--series-<slot>` of frontend/src/styles/tokens.css, which has a value for light and
one for dark. Slot 0 is grey: a service for which no colour is left.
"""

from collections.abc import Iterable, Mapping

SLOT_COUNT = 10
NO_SLOT = 0
# The described vendors keep theirs wherever they appear.
_VENDORS = {"amocrm": 1, "resend": 2, "telegram": 3, "mobizon": 4, "whapi": 5}


def slots(service_names: Iterable[str]) -> Mapping[str, int]:
    """The slot of each service. It changes only when the set of services does, and a vendor's never."""
    names = sorted(set(service_names))
    taken = {_VENDORS[name] for name in names if name in _VENDORS}
    free = iter([*range(len(_VENDORS) + 1, SLOT_COUNT + 1), *sorted(set(_VENDORS.values()) - taken)])
    return {name: _VENDORS[name] if name in _VENDORS else next(free, NO_SLOT) for name in names}
