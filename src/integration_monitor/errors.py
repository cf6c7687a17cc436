"""Every error this package raises, as one tree.

IntegrationMonitorError
├── SettingsError            a setting has a wrong or missing value (also a ValueError)
├── MissingExtraError        a part is used whose extra is not installed (also an ImportError)
├── StoreError               the database answered with an error
│   ├── StoreUnavailable     it cannot be reached, or not in time: the same call may succeed later
│   ├── RecordsRefused       it will not take these records, however often they are sent
│   └── PermissionRefused    the role may not do this
├── MigrationError           the database is not in a state that migrations can start from
├── CursorError              a cursor is not one of this question (monitoring.cursor; also a ValueError)
└── Refusal                  a request to the server is refused; its own tree stands in server.refusals
"""


class IntegrationMonitorError(Exception):
    """Root of the tree: `except IntegrationMonitorError` catches all of ours and nothing else."""


class SettingsError(IntegrationMonitorError, ValueError):
    """A setting has a wrong or missing value.

    name:
        The setting as in `Settings`, for example `queue_records_max`.
    source:
        Where the value came from: `argument`, the environment variable's name, or the file's path.
    """

    def __init__(self, message: str, *, name: str, source: str = "argument") -> None:
        super().__init__(message)
        self.name = name
        self.source = source


class MissingExtraError(IntegrationMonitorError, ImportError):
    """A part of the product is used whose optional dependencies are not installed.

    extra:
        The extra to install: `pip install "integration-monitor[<extra>]"`.
    """

    def __init__(self, part: str, *, extra: str) -> None:
        super().__init__(f'{part} needs the extra "{extra}", which is not installed: pip install "integration-monitor[{extra}]"')
        self.extra = extra


class StoreError(IntegrationMonitorError):
    """The database answered with an error. `sqlstate` is PostgreSQL's five-letter code, where there was one."""

    def __init__(self, message: str, *, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class StoreUnavailable(StoreError):
    """The database cannot be reached, or did not answer in time: the same call may succeed later."""


class RecordsRefused(StoreError):
    """The database will not take these records, however often they are sent."""


class PermissionRefused(StoreError):
    """The database role may not do this."""


class MigrationError(IntegrationMonitorError):
    """The database is not in a state that migrations can start from; nothing was changed."""
