"""Secrets that are known by their shape, wherever they stand: tokens of known forms, JSON web tokens, private keys, passwords in URLs."""

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote

from integration_monitor.services.description import SecretShape


class _Shape(NamedTuple):
    """One form of secret."""

    #: texts one of which is in every secret of this form; looking for them is what most texts cost
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    #: (what was found, the service's name, what its authorization is called) → what stands for it
    replacement: Callable[[re.Match[str], str, str], str]


def _own(name: str) -> Callable[[re.Match[str], str, str], str]:
    """A reference to a secret of the service in whose call it was found."""
    return lambda _found, service_name, _authorization: f"${{{service_name}.{name}}}"


def _of(reference: str) -> Callable[[re.Match[str], str, str], str]:
    """A reference to a vendor's secret, whoever's call it was found in."""
    return lambda _found, _service_name, _authorization: reference


def _telegram(found: re.Match[str], _service_name: str, _authorization: str) -> str:
    return f"${{telegram.token:{found['id']}}}"


def _with_scheme(found: re.Match[str], service_name: str, authorization: str) -> str:
    return f"{found['scheme']}${{{service_name}.{authorization}}}"


_SHAPES: tuple[_Shape, ...] = (
    _Shape(
        ("-----BEGIN",),
        # A text that was cut has no end line.
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL),
        _own("private_key"),
    ),
    # User and password are one secret: many APIs take the token as the user.
    _Shape(("@",), re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?:@[^\s/?#@\"'<>]+)*(?=@)"), _own("credentials")),
    # The bound of the header, which is short in every real token, keeps the search in hostile texts linear.
    _Shape(("eyJ",), re.compile(r"eyJ[A-Za-z0-9_-]{1,1024}+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)+"), _own("jwt")),
    _Shape(
        (":", "%3", "%25"),
        # The bot's id before the colon is public and tells bots apart.
        re.compile(r"(?<!\d)(?P<id>\d{6,20}|(?<=/bot)\d{1,20})(?::|%(?:25){0,3}3[Aa])[A-Za-z0-9_-]{30,}"),
        _telegram,
    ),
    _Shape(("re_",), re.compile(r"(?<![A-Za-z0-9])re_[A-Za-z0-9_]{8,}"), _of("${resend.api_key}")),
    _Shape(("whsec_",), re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}"), _of("${resend.signing_secret}")),
    _Shape(
        ("earer", "EARER", "asic", "ASIC"),
        # Behind the word of a scheme stands a secret if it is long, or has a digit: "a bearer of bad news" has neither. The bound
        # keeps the search in hostile texts linear: it would hold the interpreter's lock, and with it the application.
        re.compile(
            r"(?P<scheme>\b(?:Bearer|Basic)(?:\s|%20|\+)+)(?!\$\{)(?=\S{0,19}\d|\S{20})[A-Za-z0-9._~+/%-]{6,}=*", re.IGNORECASE
        ),
        _with_scheme,
    ),
    _Shape(
        ("_live_", "_test_", "xox", "gh", "AIza", "AKIA", "sk-"),
        re.compile(
            r"\b(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|gh[opsru]_[A-Za-z0-9]{36,}"
            r"|AIza[A-Za-z0-9_-]{35}|AKIA[A-Z0-9]{16}\b|sk-[A-Za-z0-9_-]{20,})"
        ),
        _own("token"),
    ),
)
_USER_IN_URL = re.compile(r"://[^\s/?#@\"'<>]+@")
_BEHIND_COLON = re.compile(r":[A-Za-z0-9_-]{30}")
# A character that is in the mark → marks. To look for one character costs a tenth of looking for several.
_MARKS_BY_CHARACTER = (
    ("_", ("re_", "whsec_", "_live_", "_test_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_")),
    ("-", ("-----BEGIN", "sk-", "xox")),
    ("%", ("%3", "%25")),
    ("J", ("eyJ",)),
    ("K", ("AKIA",)),
    ("R", ("EARER",)),
    ("C", ("ASIC",)),
    ("z", ("AIza",)),
)
_MARKS = ("earer", "asic")


def is_shape_possible(text: str) -> bool:
    """Whether a text may hold a secret of a known shape. Cheap, and right in saying no."""
    for mark in _MARKS:
        if mark in text:
            return True
    for character, marks in _MARKS_BY_CHARACTER:
        if character in text:
            for mark in marks:
                if mark in text:
                    return True
    if ":" not in text:
        return False
    return _BEHIND_COLON.search(text) is not None or ("@" in text and _USER_IN_URL.search(text) is not None)


class Shapes:
    """The shapes of secrets in the calls of one service: those of anybody, and its own.

    authorization:
        What the secret behind `Bearer` is called in references.
    remember:
        Is told each secret of the service's own shapes and its reference: elsewhere it may stand without its surroundings.
    """

    def __init__(
        self,
        service_name: str,
        own: tuple[SecretShape, ...],
        authorization: str,
        remember: Callable[[str, str], None],
    ) -> None:
        self._remember = remember
        self._service_name = service_name
        self._own = own
        self._authorization = authorization

    def is_possible(self, text: str) -> bool:
        for shape in self._own:
            if shape.is_possible(text):
                return True
        return is_shape_possible(text)

    def replace(self, text: str) -> str:
        """The text with references in place of secrets. The service's own shapes come first: they know the better name."""
        for own in self._own:
            if own.is_possible(text):
                text = own.pattern.sub(partial(self._reference, own.name), text)
        for shape in _SHAPES:
            if any(mark in text for mark in shape.marks):
                text = shape.pattern.sub(partial(self._replacement, shape), text)
        return text

    def _reference(self, name: str, found: re.Match[str]) -> str:
        public_id = found.groupdict().get("id")
        reference = f"${{{self._service_name}.{name}{f':{public_id}' if public_id else ''}}}"
        self._remember(unquote(found[0]), reference)
        return reference

    def _replacement(self, shape: _Shape, found: re.Match[str]) -> str:
        return shape.replacement(found, self._service_name, self._authorization)
