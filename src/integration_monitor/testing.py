"""For the tests of an application: what it would have recorded, in a list.

with im.testing.capture() as records:
    place_order()
assert [record.action for record in records] == ["create_lead", "send_message"]
"""

import contextlib
from collections.abc import Iterator

from integration_monitor import settings as settings_table
from integration_monitor.instrumentation import divert
from integration_monitor.record import IntegrationLog


@contextlib.contextmanager
def capture(**settings: object) -> Iterator[list[IntegrationLog]]:
    """Records what is called inside into a list, cleaned as in production, each as soon as its call has ended. Nothing is written.

    No database is needed, and `instrument()` may have been called or not; called inside, it changes nothing.

    settings:
        Any setting by name, where `instrument()` has not been called before.

    Errors:
        SettingsError: a setting is unknown or wrong.
    """
    records: list[IntegrationLog] = []
    with divert(records.append, settings_table.load(settings)):
        yield records
