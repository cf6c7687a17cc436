"""The endpoints below /rest/v1, by the columns of the contract. Their words are PostgREST's; docs/reference/ingest.md tells which are known."""

from collections.abc import Mapping
from typing import Any, Final

from integration_monitor.server.openapi.refusals import HEADERS
from integration_monitor.server.rest.handlers import LOGS, PATH
from integration_monitor.server.rest.parameters import ROWS_MAX
from integration_monitor.store.tables import COLUMNS, ColumnType, Table

_SCHEMAS: Final[Mapping[ColumnType, Any]] = {
    "uuid": {"type": ["string", "null"], "format": "uuid"},
    "text": {"type": ["string", "null"]},
    "jsonb": {"description": "Any JSON."},
    "integer": {"type": ["integer", "null"], "minimum": -(2**31), "maximum": 2**31 - 1},
    "bigint": {"type": ["integer", "null"]},
    "numeric": {"type": ["number", "null"]},
    "timestamptz": {"type": ["string", "null"], "format": "date-time"},
}
_NEEDED: Final = ("service_name", "action", "status")
_STATUSES: Final = ("success", "failed", "pending", "retrying")
_WHOLE: Final = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_FILTER: Final = {"type": "string", "pattern": r"^((eq|neq|gt|gte|lt|lte)\.|in\.\(.*\)$|is\.(null|not_null)$)"}
_ERROR: Final = {
    "type": "object",
    "description": "An error as PostgREST tells it; the codes are PostgREST's and PostgreSQL's.",
    "properties": {
        "code": {"type": "string"},
        "message": {"type": "string"},
        "details": {"type": ["string", "null"]},
        "hint": {"type": ["string", "null"]},
    },
    "required": ["code", "message", "details", "hint"],
    "additionalProperties": False,
}
_READING: Final[Mapping[str, str]] = {
    "400": "Something that is not known here, or a value that is none of its column's type.",
    "401": "No token and no key, or one that is not accepted.",
    "403": "The role or the key may not do this.",
    "429": "Too many tokens or keys of this address were refused.",
    "503": "The database, or the issuer of the token, is away.",
    "504": "The question took too long; ask for less.",
}
_WRITING: Final[Mapping[str, str]] = {
    **{status: _READING[status] for status in ("400", "401", "403", "503")},
    "408": "The body did not come in time.",
    "409": "A record with this id is there already.",
    "413": "The body is too large, as it was sent or unpacked, or holds too many rows.",
    "415": "The Content-Encoding is neither gzip nor zstd.",
    "429": "More is under way than is held in memory, or too many tokens or keys of this address were refused.",
}
_EXAMPLES: Final[Mapping[str, Any]] = {
    "400": {"code": "42703", "message": "column integration_logs.sevice does not exist", "details": None, "hint": None},
    "409": {
        "code": "23505",
        "message": 'duplicate key value violates unique constraint "integration_logs_pkey"',
        "details": "Key (id)=(0193c2f0-7a10-7000-8000-000000000001) already exists.",
        "hint": None,
    },
}


def paths() -> Mapping[str, Any]:
    """The path items."""
    items: dict[str, Any] = {f"{PATH}/{table}": {"get": _select(table)} for table in COLUMNS}
    items[f"{PATH}/{LOGS}"]["post"] = _insert()
    return items


def _select(table: Table) -> Mapping[str, Any]:
    columns = COLUMNS[table]
    return {
        "tags": ["rest"],
        "operationId": f"select_{table}",
        "summary": f"Rows of {table}",
        "description": f"As PostgREST shows them, under the caller's database role. At most {ROWS_MAX} rows; all filters must hold.",
        "parameters": [
            _parameter("select", "`*`, or columns with commas between them.", {"type": "string"}, "*"),
            _parameter("order", "Columns, each with `.asc` or `.desc`, `.nullsfirst` or `.nullslast`.", {"type": "string"}),
            _parameter("limit", "Rows of the answer.", _WHOLE, 10),
            _parameter("offset", "Rows that are left out.", _WHOLE, 0),
            *(
                _parameter(name, f"A filter by `{name}`, such as `eq.…`, `gte.…`, `in.(…)` or `is.null`.", _FILTER)
                for name in columns
            ),
        ],
        "responses": {
            "200": {
                "description": "The rows.",
                "headers": {
                    "Content-Range": {
                        "description": "First and last of them, the total unknown: `0-9/*`.",
                        "required": True,
                        "schema": {"type": "string", "pattern": r"^([0-9]+-[0-9]+|\*)/\*$"},
                    }
                },
                "content": {"application/json": {"schema": _rows(columns)}},
            },
            **_refused(_READING),
        },
    }


def _insert() -> Mapping[str, Any]:
    row = {
        "type": "object",
        "properties": {
            **{name: _SCHEMAS[kind] for name, kind in COLUMNS[LOGS].items()},
            "service_name": {"type": "string", "minLength": 1},
            "action": {"type": "string", "minLength": 1},
            "status": {"enum": list(_STATUSES)},
        },
        # Others are refused, but where `columns` leaves them out.
        "required": list(_NEEDED),
    }
    return {
        "tags": ["rest"],
        "operationId": f"insert_{LOGS}",
        "summary": "Store records",
        "description": "All or none; answers when they are committed. Secrets are taken out before anything is stored.",
        "parameters": [
            _parameter("columns", "Those that are taken of each row, with commas between them.", {"type": "string"}),
            _parameter("select", "Those that are represented.", {"type": "string"}, "*"),
            _parameter("on_conflict", "The key.", {"enum": ["id"]}, "id"),
            {
                "name": "Prefer",
                "in": "header",
                "description": "What is answered, and what happens to records that are there already: any of `return=minimal`, "
                "`return=representation` and `resolution=ignore-duplicates`, with commas between them.",
                "required": False,
                "schema": {"type": "string"},
                "example": "return=representation",
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"anyOf": [row, {"type": "array", "items": row}]}}},
        },
        "responses": {
            "201": {
                "description": "Stored. The body is empty, or what was stored, where `Prefer` asks for it.",
                "headers": {"Content-Range": {"required": True, "schema": {"const": "*/*"}}},
                "content": {"application/json": {"schema": _rows(COLUMNS[LOGS])}, "text/plain": {"schema": {"const": ""}}},
            },
            **_refused(_WRITING),
        },
    }


def _parameter(name: str, description: str, schema: Any, example: Any = None) -> Mapping[str, Any]:
    told = {"name": name, "in": "query", "description": description, "required": False, "schema": schema}
    return told if example is None else {**told, "example": example}


def _rows(columns: Mapping[str, ColumnType]) -> Any:
    """Of the columns that were asked for: so none is required."""
    row = {
        "type": "object",
        "properties": {name: _SCHEMAS[kind] for name, kind in columns.items()},
        "additionalProperties": False,
    }
    return {"type": "array", "items": row}


def _refused(reasons: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        status: {
            "description": reason,
            "headers": HEADERS.get(status, {}),
            "content": {
                "application/json": {"schema": _ERROR, **({"example": _EXAMPLES[status]} if status in _EXAMPLES else {})}
            },
        }
        for status, reason in reasons.items()
    }
