"""Integration Monitor: one record of every call that your backend makes to other companies' APIs.

import integration_monitor as im

im.instrument("postgresql://…")
"""

from integration_monitor import testing
from integration_monitor.capture.operation import Attempt, Operation
from integration_monitor.errors import (
    IntegrationMonitorError,
    MigrationError,
    MissingExtraError,
    PermissionRefused,
    RecordsRefused,
    SettingsError,
    StoreError,
    StoreUnavailable,
)
from integration_monitor.instrumentation import (
    entity,
    flush,
    instrument,
    log,
    operation,
    shutdown,
    stats,
    suppress,
    uninstrument,
)
from integration_monitor.record import IntegrationLog, entity_uuid
from integration_monitor.writer.counts import Stats

__all__ = [
    "Attempt",
    "IntegrationLog",
    "IntegrationMonitorError",
    "MigrationError",
    "MissingExtraError",
    "Operation",
    "PermissionRefused",
    "RecordsRefused",
    "SettingsError",
    "Stats",
    "StoreError",
    "StoreUnavailable",
    "entity",
    "entity_uuid",
    "flush",
    "instrument",
    "log",
    "operation",
    "shutdown",
    "stats",
    "suppress",
    "testing",
    "uninstrument",
]
