"""The forms of single values in a description in TOML, and what each is called when a value is refused."""

from typing import Annotated, Final

from msgspec import Meta

_NAME: Final = r"^[a-z][a-z0-9_]*$"
_SERVICE_NAME: Final = r"^[a-z0-9][a-z0-9_.-]*$"
_HOST: Final = r"^(?:\*\.)?[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?)*$"
_ACTION: Final = r"^[A-Za-z][A-Za-z0-9_.:-]*$"
_METHOD: Final = r"^[A-Z]+$"
_PATH: Final = r"^/(?:(?:[^\s/{}?#]+|\{[a-z][a-z0-9_]*(?::number)?\})(?:/|$))*$"
_FIELD: Final = r"^(?:\.|[^.\s]+(?:\.[^.\s]+)*)$"
_HEADER: Final = r"^[a-z0-9_-]+$"
_URL: Final = r"^https?://\S+$"
_VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"

#: regular expression → what it asks for
FORMS: Final = {
    _NAME: "a word in lower case: letters, digits and underscores",
    _SERVICE_NAME: "a name in lower case: letters, digits, dots, dashes and underscores",
    _HOST: "a host in lower case without scheme, port and path, such as api.example.com or *.example.com",
    _ACTION: "an action without spaces, such as send_email",
    _METHOD: "an HTTP method in upper case",
    _PATH: "a path such as /v1/orders/{id}: whole segments, literal, {name} or {name:number}",
    _FIELD: "a field such as error.code: steps divided by dots, or `.` for the whole body",
    _HEADER: "the name of a header in lower case",
    _URL: "a URL that begins with https://",
    _VARIABLE: "the name of an environment variable",
}

#: A word of ours: an entity type, the name of a secret.
Name = Annotated[str, Meta(min_length=1, max_length=40, pattern=_NAME)]
ServiceName = Annotated[str, Meta(min_length=1, max_length=60, pattern=_SERVICE_NAME)]
#: Of one service; a vendor with more has them below a domain.
HOSTS_MAX: Final = 500
#: `*.example.com` stands for every host below it.
Host = Annotated[str, Meta(max_length=253, pattern=_HOST)]
#: Statistics group by it: no spaces, no identifiers.
Action = Annotated[str, Meta(min_length=1, max_length=80, pattern=_ACTION)]
Method = Annotated[str, Meta(min_length=1, max_length=20, pattern=_METHOD)]
PathTemplate = Annotated[str, Meta(max_length=500, pattern=_PATH)]
#: Of a body; a list's index is a number, `[]` the one item of a list that has just one.
FieldPath = Annotated[str, Meta(min_length=1, max_length=200, pattern=_FIELD)]
HeaderName = Annotated[str, Meta(min_length=1, max_length=100, pattern=_HEADER)]
HttpStatus = Annotated[int, Meta(ge=100, le=599)]
Url = Annotated[str, Meta(max_length=1000, pattern=_URL)]
Variable = Annotated[str, Meta(max_length=100, pattern=_VARIABLE)]
#: A text, or the beginning of texts where it ends in `*`.
Word = Annotated[str, Meta(min_length=1, max_length=100)]
