"""A query string in PostgREST's words becomes a question. Whatever is not known here is refused: ignored, it would give other rows than asked.

Source: https://docs.postgrest.org/en/stable/references/api/tables_views.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast

from integration_monitor.server.rest.refusals import RequestRefused, bad_request
from integration_monitor.store.tables import COLUMNS, Condition, Operator, Ordering, Table, TableQuestion

#: Of one answer, as Supabase's own default is: who wants more asks with limit and offset.
ROWS_MAX: Final = 1_000
# Each is a parameter of a statement; PostgreSQL takes 65,535, and nobody means so many.
_CONDITIONS_MAX: Final = 100
_LISTED_MAX: Final = 1_000

_COMPARISONS: Final = frozenset({"eq", "neq", "gt", "gte", "lt", "lte"})
_IS: Final[Mapping[str, Operator]] = {"null": "null", "not_null": "not_null"}
_OWN: Final = frozenset({"select", "order", "limit", "offset"})
# Fits into a bigint.
_COUNT: Final = re.compile(r"[0-9]{1,18}")
_DIRECTIONS: Final = frozenset({"asc", "desc"})
_NULLS: Final[Mapping[str, Literal["first", "last"]]] = {"nullsfirst": "first", "nullslast": "last"}
# One of a list: in quotes, where a backslash takes the next character as it is, or anything up to a comma. What was taken is not given back (`*+`):
# to try a row of blanks in every division would take the time of its square.
_LISTED: Final = re.compile(r'\s*+(?:"((?:[^"\\]|\\.)*+)"\s*+|([^,"()]*+))(?:,|\Z)', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)

Pairs = Sequence[tuple[str, str]]


def read_question(table: Table, pairs: Pairs) -> TableQuestion:
    """The question of a query string.

    Errors:
        RequestRefused
    """
    own = single({name: [value for key, value in pairs if key == name] for name in _OWN})
    filters = [(name, value) for name, value in pairs if name not in _OWN]
    if len(filters) > _CONDITIONS_MAX:
        raise bad_request("PGRST100", f"there are more than {_CONDITIONS_MAX} filters")
    return TableQuestion(
        table=table,
        columns=read_columns(table, own.get("select", "*")),
        conditions=[_condition(table, name, value) for name, value in filters],
        order=_order(table, own["order"]) if "order" in own else (),
        limit=min(_count("limit", own["limit"]), ROWS_MAX) if "limit" in own else ROWS_MAX,
        offset=_count("offset", own["offset"]) if "offset" in own else 0,
    )


def single(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The parameters that were given; none may be given twice.

    Errors:
        RequestRefused
    """
    for name, given in values.items():
        if len(given) > 1:
            raise bad_request("PGRST100", f"{name} is given more than once")
    return {name: given[0] for name, given in values.items() if given}


def read_columns(table: Table, text: str) -> Sequence[str]:
    """The columns of `select=`, each once.

    Errors:
        RequestRefused: one is unknown, or it is more than a list of names.
    """
    names = [name.strip() for name in text.split(",")]
    found: list[str] = []
    for name in names:
        found += COLUMNS[table] if name == "*" else [_column(table, _unquoted(name))]
    return list(dict.fromkeys(found))


def _column(table: Table, name: str) -> str:
    if name in COLUMNS[table]:
        return name
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise bad_request("42703", f"column {table}.{name} does not exist")
    raise _unreadable("a list of columns", name)


def _unquoted(name: str) -> str:
    quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1] if quoted else name


def _condition(table: Table, name: str, text: str) -> Condition:
    column = _column(table, _unquoted(name))
    operator, dot, value = text.partition(".")
    if dot and operator in _COMPARISONS:
        return Condition(column=column, operator=cast("Operator", operator), value=value)
    if dot and operator == "is" and value.lower() in _IS:
        return Condition(column=column, operator=_IS[value.lower()])
    if dot and operator == "in" and value.startswith("(") and value.endswith(")"):
        return Condition(column=column, operator="in", value=_listed(value[1:-1]))
    raise _unreadable("a filter", text, hint="Known are eq, neq, gt, gte, lt, lte, in.(…), is.null and is.not_null.")


def _listed(text: str) -> Sequence[str]:
    values: list[str] = []
    position = 0
    while position < len(text):
        found = _LISTED.match(text, position)
        if found is None or len(values) >= _LISTED_MAX:
            raise _unreadable(f"a list of at most {_LISTED_MAX} values", text[position:])
        values.append(found[2] if found[1] is None else _ESCAPED.sub(r"\1", found[1]))
        position = found.end()
    # A comma at the end is followed by one more value, which is empty.
    return [*values, ""] if text.endswith(",") else values


def _order(table: Table, text: str) -> Sequence[Ordering]:
    return [_ordering(table, part) for part in text.split(",")]


def _ordering(table: Table, text: str) -> Ordering:
    name, *words = text.strip().split(".")
    direction = words.pop(0) if words and words[0] in _DIRECTIONS else "asc"
    nulls = _NULLS.get(words.pop(0)) if words and words[0] in _NULLS else None
    if words:
        raise _unreadable("an order", text, hint="Such as created_at.desc.nullslast.")
    return Ordering(column=_column(table, _unquoted(name)), is_descending=direction == "desc", nulls=nulls)


def _count(name: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise _unreadable(name, text, hint="A whole number, not below 0.")
    return int(text)


def _unreadable(what: str, text: str, *, hint: str | None = None) -> RequestRefused:
    shown = text[:100]
    return bad_request("PGRST100", f"failed to parse {what} ({shown})", details=f"unexpected here: {shown!r}", hint=hint)
