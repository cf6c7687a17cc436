"""The body of an insert becomes items for the recorder; what is wrong with one is told as PostgreSQL would."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from integration_monitor.record import IntegrationLog, Json
from integration_monitor.server.ingest.items import Item, ItemProblem, RefusedItem, decode
from integration_monitor.server.ingest.limits import RECORDS_MAX
from integration_monitor.server.refusals import BodyTooLarge
from integration_monitor.server.rest.refusals import RequestRefused, bad_request

_TABLE: Final = "integration_logs"
_COLUMNS: Final = frozenset(IntegrationLog.__struct_fields__)
_NEEDED: Final = ("service_name", "action", "status")


class Rows:
    """Reads the body of one insert. Called on the recorder's thread.

    columns:
        Those that are taken of each row; None for all.
    """

    def __init__(self, columns: Sequence[str] | None) -> None:
        self._columns = columns
        #: numbers of the rows that brought an id, once the body is read
        self.identified: frozenset[int] = frozenset()

    def __call__(self, body: bytes) -> Sequence[Item]:
        """The rows of a body: one object, or an array of them.

        Errors:
            RequestRefused, BodyTooLarge
        """
        try:
            value = decode(body)
        except ItemProblem as problem:
            raise bad_request("PGRST102", "Empty or invalid json", details=problem.problem) from problem
        rows = value if isinstance(value, list) else [value]
        if len(rows) > RECORDS_MAX:
            raise BodyTooLarge(f"There are more than {RECORDS_MAX} rows in the body.")
        items = [Item(number, self._row(one)) for number, one in enumerate(rows, 1)]
        self.identified = frozenset(item.line for item in items if item.value.get("id") is not None)
        return items

    def _row(self, given: Json) -> dict[str, Json]:
        if not isinstance(given, dict):
            raise bad_request("PGRST102", "Empty or invalid json", details="A row is a JSON object.")
        row = {name: value for name, value in given.items() if self._columns is None or name in self._columns}
        for name in row:
            if name not in _COLUMNS:
                raise unknown_column(name)
        for name in _NEEDED:
            if row.get(name) is None:
                raise bad_request("23502", f'null value in column "{name}" of relation "{_TABLE}" violates not-null constraint')
        return row


def unknown_column(name: str) -> RequestRefused:
    return bad_request("PGRST204", f"Could not find the '{name[:100]}' column of '{_TABLE}' in the schema cache")


def refusal_of(item: RefusedItem, service: str | None) -> RequestRefused:
    """What is wrong with a row.

    service:
        The only one that the caller's key is for; None for any.
    """
    details = f"Row {item.line}: {item.problem}" + (f": {item.value}" if item.value else "")
    if item.field == "service_name" and service is not None:
        message = f'new row violates row-level security policy for table "{_TABLE}"'
        return RequestRefused(HTTPStatus.FORBIDDEN, "42501", message, details=details, hint=item.remedy)
    if item.field == "status":
        message = f'new row for relation "{_TABLE}" violates check constraint "integration_logs_status_check"'
        return bad_request("23514", message, details=details, hint=item.remedy)
    return bad_request("22P02", f'invalid value for column "{item.field}"', details=details, hint=item.remedy)
