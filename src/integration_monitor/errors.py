"""Every error this package raises, as one tree.

IntegrationMonitorError
├── SettingsError            a setting has a wrong or missing value (also a ValueError)
│   └── ServiceDescriptionError  a description of a service cannot be used
├── ImportRefused            a document is no OpenAPI document that can be read (services.openapi)
├── MissingExtraError        a part is used whose extra is not installed (also an ImportError)
├── StoreError               the database answered with an error
│   ├── StoreUnavailable     it cannot be reached, or not in time: the same call may succeed later
│   ├── RecordsRefused       it will not take these records, however often they are sent
│   └── PermissionRefused    the role may not do this
├── SpoolError               the spool on disk cannot be used: read-only, full, not ours
│   └── SpoolDamaged         a file of it cannot be read: what is in it is lost
├── MigrationError           the database is not in a state that migrations can start from
├── WorkersFailed            processes of the server do not start (cli.workers)
├── CursorError              a cursor is not one of this question (monitoring.cursor; also a ValueError)
├── WindowError              a window of statistics that cannot be answered (monitoring.windows; also a ValueError)
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


class ServiceDescriptionError(SettingsError):
    """A description of a service, in the folder `services_dir` or of an installed package, cannot be used.

    file:
        Its path, or the entry point that gave it.
    key:
        Where in it: `routes[3].path`; None where it could not be read at all.
    """

    def __init__(self, reason: str, *, file: str, key: str | None = None) -> None:
        super().__init__(f"{file}: {key}: {reason}" if key else f"{file}: {reason}", name="services_dir", source=file)
        self.file = file
        self.key = key


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


class SpoolError(IntegrationMonitorError):
    """The spool on disk cannot be used: the disk is read-only or full, or the folder is not ours."""


class SpoolDamaged(SpoolError):
    """A file of the spool cannot be read: what is in it is lost."""


class WorkersFailed(IntegrationMonitorError):
    """A process of the server ended before it had started; it has said why itself."""


class MigrationError(IntegrationMonitorError):
    """The database is not in a state that migrations can start from; nothing was changed."""
