"""A command that repeats the call of a record: curl, with secrets as variables of the shell.

Payloads are hostile input. Whatever a vendor or a customer wrote stands between single quotes, as `shlex.quote` makes them, or not at all; what stands
between double quotes is the name of a variable, made of letters, digits and underscores. curl's own doors are closed: no file is named by a
value (`--data-raw`, never `@`), no pattern is expanded in the URL (`--globoff`), and nothing but HTTP is spoken (`--proto`).
"""

import re
import shlex
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from integration_monitor.record import IntegrationLog, Json

# A reference to a secret, or a mask of personal data: `${telegram.token:123456789}`. In lower case: `${PATH}` is somebody's text.
_REFERENCE: Final = re.compile(r"\$\{(?P<name>[a-z0-9_.-]{1,100})(?::(?P<id>[A-Za-z0-9_.:@+-]{0,100}))?\}")
_NO_NAME: Final = re.compile(r"[^A-Z0-9]+")
# RFC 9110, section 5.6.2: what a method and a header's name may be made of.
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ADDRESS: Final = re.compile(r"https?://", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
# curl makes these itself, out of what it sends.
_OWN_HEADERS: Final = frozenset({"host", "content-length", "connection", "transfer-encoding", "accept-encoding", "expect"})
# Marks of a body, or a part of one, of which the record holds a description, or the beginning.
_NOT_KEPT: Final = ("binary", "truncated", "withheld", "unreadable")


def command(log: IntegrationLog) -> str | None:
    """The command, with comments that name its variables; None where the record holds no call over HTTP."""
    payload = log.request_payload
    if not isinstance(payload, dict):
        return None
    url, method = payload.get("url"), payload.get("method")
    if not isinstance(url, str) or not _ADDRESS.match(url) or _CONTROL.search(url):
        return None
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        return None
    headers = _headers(payload.get("headers"))
    words = _Words()
    parts = [
        "curl --globoff --proto '=http,https' --compressed",
        # Of this method curl must not wait for a body.
        "--head" if method == "HEAD" else f"--request {shlex.quote(method)}",
        f"--url {words.quote(url)}",
        *_body(payload.get("body"), headers, words),
    ]
    parts[3:3] = [f"--header {words.quote(f'{name}: {value}' if value else f'{name};')}" for name, value in headers.items()]
    return "".join(f"# {line}\n" for line in words.comments()) + " \\\n  ".join(parts) + "\n"


class _Words:
    """Quotes texts for a shell and remembers the variables that stand in them."""

    def __init__(self) -> None:
        #: reference → variable
        self._variables: dict[str, str] = {}

    def quote(self, text: str, *, is_encoded: bool = False) -> str:
        """The text as one word of a shell, with a variable for each reference.

        is_encoded:
            Whether the text, but for the references, is to be percent-encoded.
        """
        word, end = "", 0
        for found in _REFERENCE.finditer(text):
            word += self._literal(text[end : found.start()], is_encoded=is_encoded) + f'"${{{self._variable(found)}:?}}"'
            end = found.end()
        return word + self._literal(text[end:], is_encoded=is_encoded) or "''"

    def variable(self, name: str, meaning: str) -> str:
        """A variable for what the record does not hold, as a word."""
        self._variables[meaning] = name
        return f'"${{{name}:?}}"'

    def comments(self) -> Iterator[str]:
        """What the variables stand for. Neither part can end a line."""
        for meaning, name in self._variables.items():
            yield f"{name} stands for {meaning}"

    def _literal(self, text: str, *, is_encoded: bool) -> str:
        if is_encoded:
            text = quote(text, safe="")
        return shlex.quote(text) if text else ""

    def _variable(self, found: re.Match[str]) -> str:
        reference = found[0]
        if reference not in self._variables:
            name = _NO_NAME.sub("_", found["name"].upper()).strip("_")
            name = f"_{name}" if not name or name[0].isdigit() else name
            taken, number = name, 2
            while taken in self._variables.values():
                taken, number = f"{name}_{number}", number + 1
            self._variables[reference] = taken
        return self._variables[reference]


def _headers(given: Json) -> dict[str, str]:
    """Headers that can be sent again; one that could become two is left out."""
    if not isinstance(given, dict):
        return {}
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, str) and _TOKEN.fullmatch(name) and not _CONTROL.search(value) and name.lower() not in _OWN_HEADERS
    }


def _body(body: Json, headers: dict[str, str], words: _Words) -> Iterator[str]:
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), "").lower()
    if body is None or body == "":
        return
    if _is_not_kept(body):
        yield f"--data-binary @{words.variable('BODY_FILE', 'a file with the body, which the record does not hold whole')}"
    elif isinstance(body, dict) and content_type.startswith("application/x-www-form-urlencoded"):
        pairs = [
            f"{words.quote(name, is_encoded=True)}={words.quote(_text(value), is_encoded=True)}" for name, value in _pairs(body)
        ]
        yield f"--data-raw {shlex.quote('&').join(pairs)}"
    elif isinstance(body, dict) and content_type.startswith("multipart/form-data"):
        # curl makes the boundary anew.
        for name in [name for name in headers if name.lower() == "content-type"]:
            del headers[name]
        for number, (name, value) in enumerate(_pairs(body), 1):
            # Before the first equals sign stands the name.
            field = words.quote(name.replace("=", "%3D"))
            if _is_not_kept(value):
                yield f"--form {field}=@{words.variable(f'FILE_{number}', f'the file of field {number}, which the record does not hold')}"
            else:
                yield f"--form-string {field}={words.quote(_text(value))}"
    else:
        yield f"--data-raw {words.quote(_text(body))}"


def _is_not_kept(value: Json) -> bool:
    return isinstance(value, dict) and any(value.get(mark) is True for mark in _NOT_KEPT)


def _pairs(form: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    """The fields of a form; one that came several times is a list."""
    for name, value in form.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one


def _text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
