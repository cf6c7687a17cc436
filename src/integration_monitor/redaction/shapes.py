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


# Where a word begins, also behind an escape in JSON that could not be read as JSON: of `\nre_…` the n is none of it.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
# The bound of the header, which is short in every real token, keeps the search in hostile texts linear.
_JSON_WEB_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{1,1024}+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)+")
# The bot's id before the colon is public and tells bots apart.
_TELEGRAM_TOKEN = re.compile(
    r"(?<![0-9])(?P<id>[0-9]{6,20}|(?<=/bot)[0-9]{1,20})(?::|%(?:25){0,3}3[Aa])[A-Za-z0-9_-]{30,}", re.IGNORECASE
)
# Behind the word of a scheme stands a secret if it is long, or has a digit: "a bearer of bad news" has neither. The bound
# keeps the search in hostile texts linear: it would hold the interpreter's lock, and with it the application.
_AUTHORIZATION = re.compile(
    rf"(?P<scheme>{_START}(?:Bearer|Basic)(?:\s|%20|\+)+)(?!\$\{{)(?=\S{{0,19}}\d|\S{{20}})[A-Za-z0-9._~+/%-]{{6,}}=*",
    re.IGNORECASE,
)
_KNOWN_VENDORS_TOKEN = re.compile(
    _START + r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|gh[opsru]_[A-Za-z0-9]{36,}"
    r"|AIza[A-Za-z0-9_-]{35}|AKIA[A-Z0-9]{16}\b|sk-[A-Za-z0-9_-]{20,})"
)

_RESEND_KEY = re.compile(_START + r"re_[A-Za-z0-9_]{8,}")
_SIGNING_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,}")

_SHAPES: tuple[_Shape, ...] = (
    _Shape(
        ("-----BEGIN",),
        # A text that was cut has no end line.
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]{0,60}-----|\Z)", re.DOTALL),
        _own("private_key"),
    ),
    # User and password are one secret: many APIs take the token as the user.
    _Shape(("@",), re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?:@[^\s/?#@\"'<>]+)*(?=@)"), _own("credentials")),
    _Shape(("eyJ",), _JSON_WEB_TOKEN, _own("jwt")),
    _Shape((":", "%3", "%25"), _TELEGRAM_TOKEN, _telegram),
    _Shape(("re_",), _RESEND_KEY, _of("${resend.api_key}")),
    _Shape(("whsec_",), _SIGNING_SECRET, _of("${resend.signing_secret}")),
    _Shape(("earer", "EARER", "asic", "ASIC"), _AUTHORIZATION, _with_scheme),
    _Shape(("_live_", "_test_", "xox", "gh", "AIza", "AKIA", "sk-"), _KNOWN_VENDORS_TOKEN, _own("token")),
)
_USER_IN_URL = re.compile(r"://[^\s/?#@\"'<>]+@", re.ASCII)
# Parts of tokens that begin with a character or two of their own: the search for these is fast, that for a whole token is not.
_AFTER_COLON = re.compile(r":[A-Za-z0-9_-]{30}")
_AFTER_RE = re.compile(r"re_[A-Za-z0-9_]{8}")
_AFTER_SK = re.compile(r"sk-[A-Za-z0-9_-]{20}")
_AFTER_GH = re.compile(r"gh[opsru]_[A-Za-z0-9]{36}")


def is_shape_possible(text: str) -> bool:
    """Whether the octets of a text may hold a secret of a known shape. Cheap, and right in saying no.

    To look for one character costs a tenth of looking for several: so these come first. What may be one is decoded, and asked again.
    """
    return bool(
        ("_" in text and _is_underscored(text))
        or ("-" in text and _is_dashed(text))
        or ("@" in text and "://" in text and _USER_IN_URL.search(text))
        or (
            ":" in text and ":" in text.replace("://", "") and _AFTER_COLON.search(text) and _TELEGRAM_TOKEN.search(text_of(text))
        )
        or ("J" in text and "eyJ" in text)
        or ("K" in text and "AKIA" in text)
        or ("z" in text and "AIza" in text)
        or (
            ("earer" in text or "asic" in text or ("R" in text and "EARER" in text) or ("C" in text and "ASIC" in text))
            and _AUTHORIZATION.search(text_of(text))
        )
    )


def _is_underscored(text: str) -> bool:
    return bool(
        ("re_" in text and _AFTER_RE.search(text) and _RESEND_KEY.search(text_of(text)))
        or ("whsec_" in text and _SIGNING_SECRET.search(text_of(text)))
        or (
            ("_live_" in text or "_test_" in text or ("g" in text and "gh" in text and _AFTER_GH.search(text)))
            and _KNOWN_VENDORS_TOKEN.search(text_of(text))
        )
    )


def _is_dashed(text: str) -> bool:
    return "-----BEGIN" in text or bool(
        (("sk-" in text and _AFTER_SK.search(text)) or "xox" in text) and _KNOWN_VENDORS_TOKEN.search(text_of(text))
    )


def octets_of(data: bytes) -> str:
    """UTF-8 with each byte as a character: in nothing else Python searches as fast. What is of ASCII stands in it as in the text."""
    return data.decode("latin-1")


def text_of(octets: str) -> str:
    """The text of whose octets these are."""
    return octets.encode("latin-1").decode()


_LETTERS_AND_DIGITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz123456789", b"0" * 61)


class _OwnShape:
    """A form of secret of one service, with a test that is cheaper than its pattern and right in saying no."""

    def __init__(self, shape: SecretShape) -> None:
        self.shape = shape
        self._run = "0" * shape.run_chars_min
        # The rarest character of each mark comes first.
        rarest = [next((one for one in mark if not one.islower()), mark[0]) for mark in shape.marks]
        self._marks = [(octets_of(one.encode()), octets_of(mark.encode())) for one, mark in zip(rarest, shape.marks, strict=True)]

    def is_possible(self, text: str) -> bool:
        for character, mark in self._marks:
            if character in text and mark in text:
                return True
        if self._run:
            return self._run in octets_of(text.encode("latin-1").translate(_LETTERS_AND_DIGITS))
        return not self.shape.marks and self.shape.pattern.search(text_of(text)) is not None


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
        self._own = tuple(_OwnShape(shape) for shape in own)
        self._authorization = authorization

    def is_possible(self, text: str) -> bool:
        """As `is_shape_possible`, of the service's own shapes as well."""
        for own in self._own:
            if own.is_possible(text):
                return True
        return is_shape_possible(text)

    def replace(self, text: str) -> str:
        """The text with references in place of secrets. The service's own shapes come first: they know the better name."""
        for own in self._own:
            text = own.shape.pattern.sub(partial(self._reference, own.shape.name), text)
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
