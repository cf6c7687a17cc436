"""What is secret in the messages of one service: names, shapes, and the values that were seen."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import pairwise
from urllib.parse import unquote, unquote_plus

from integration_monitor.record import Json
from integration_monitor.redaction.cards import has_card, is_card_possible
from integration_monitor.redaction.known_names import KnownNames
from integration_monitor.redaction.names import REFERENCE, WORDS, reference_name, squeezed
from integration_monitor.redaction.shapes import Shapes, octets_of, text_of
from integration_monitor.services.description import Route, Service

# Secrets remembered of one service, so that they are found where they have neither name nor shape.
SECRETS_MAX = 8
# URLs remembered of one service. Longer ones hold what changes from call to call.
URLS_MAX = 256
URL_CHARS_MAX = 300
# Names of fields remembered as harmless; hostile input must not fill the memory.
HARMLESS_NAMES_MAX = 5000
HARMLESS_NAME_CHARS_MAX = 100

# More names and values than these are looked at one by one.
_DIVIDERS_MAX = 200
# The end of a name, and the quotes, brackets and spaces behind it.
_NAME_TAIL_CHARS = 48

# A larger number is no secret that somebody wrote into the settings, and Python refuses to write the largest out.
_SECRET_BITS_MAX = 1_000

# A value is taken out by value if it is long, or of letters and digits: a short word is also something else.
_DISTINCTIVE_CHARS_MIN = 16
_MIXED_CHARS_MIN = 8

_SCHEME = re.compile(r"(Bearer|Basic|Digest|Token|Bot|ApiKey|OAuth|Negotiate|AWS4-HMAC-SHA256)\s+(?=\S)", re.IGNORECASE)
_NO_LETTER = re.compile(r"[^a-z0-9]")
_CLOSING_TAG = re.compile(r"</(?:[A-Za-z][A-Za-z0-9_.-]{0,40}:)?([A-Za-z][A-Za-z0-9_.-]{0,63})")
_NO_NAME = re.compile(r"[^\w.:-]+")
_ESCAPED_SPACE = re.compile(r"\\[bfnrt]")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
# How often a text may be percent-encoded: a URL in a URL in a URL.
ENCODINGS_MAX = 3


class Memory:
    """What was seen in the calls of one service."""

    def __init__(self) -> None:
        #: secret → reference
        self.secrets: dict[str, str] = {}
        #: the octets of the same secrets
        self.secrets_octets: tuple[str, ...] = ()
        #: (path of a route with secrets of its own, URL) → the URL without secrets, as far as they are known by now
        self.urls: dict[tuple[str | None, str], str] = {}
        #: `Vocabulary.harmless` and `harmless_objects` of the service and of each route that has secrets of its own
        self.harmless_names: list[set[str]] = []
        self.harmless_objects: list[set[tuple[str, ...]]] = []
        #: (name, value) as sent → (name in lower case, value), of headers that come again and again
        self.headers: dict[tuple[object, object], tuple[str, str]] = {}
        #: (name in lower case, value) → value as it is stored, of those whose name is secret
        self.concealed: dict[tuple[str, str], str] = {}
        self.concealed_names: set[str] = set()
        #: another after each secret that was new
        self.version = 0

    def remember(self, secret: str, reference: str) -> None:
        """Keeps a secret, so that it is found elsewhere; short words would be found where they are none."""
        if secret in self.secrets or not _is_distinctive(secret):
            return
        if len(self.secrets) >= SECRETS_MAX:
            forgotten = next(iter(self.secrets))
            del self.secrets[forgotten]
            # Where it comes again, it is to be remembered again.
            self._forget_texts_with(forgotten)
        self.secrets[secret] = reference
        self.secrets_octets = tuple(map(_octets, self.secrets))
        self.version += 1
        self._forget_texts_with(secret)

    def remember_url(self, key: tuple[str | None, str], cleaned: str) -> None:
        """Keeps a URL, since most calls repeat one of few."""
        if len(key[1]) <= URL_CHARS_MAX and "%" not in key[1]:
            if len(self.urls) >= URLS_MAX:
                self.urls.clear()
            self.urls[key] = cleaned

    def forget_headers(self) -> None:
        self.headers.clear()
        self.concealed.clear()
        self.concealed_names.clear()

    def _forget_texts_with(self, secret: str) -> None:
        """A secret is never found behind a percent sign: texts with one are not kept."""
        self.urls = {key: cleaned for key, cleaned in self.urls.items() if secret not in key[1]}
        self.headers = {pair: entry for pair, entry in self.headers.items() if secret not in entry[1]}
        self.concealed = {entry: cleaned for entry, cleaned in self.concealed.items() if secret not in entry[1]}
        for names, objects in zip(self.harmless_names, self.harmless_objects, strict=True):
            found = {name for name in names if secret in name} if len(secret) <= HARMLESS_NAME_CHARS_MAX else set()
            if found:
                names.difference_update(found)
                objects.clear()


class Vocabulary:
    """What is secret in the messages of one service, or of one route that has secrets of its own.

    known:
        Secret → reference, of secrets that the settings name.
    memory:
        The service's; its routes share it.
    """

    def __init__(self, service: Service, route: Route | None, known: Mapping[str, str], memory: Memory) -> None:
        special = {**service.secrets.names, **(route.secrets if route is not None else {})}
        # A reference is one word, whatever an application calls its service.
        self._service_name = _NO_NAME.sub("_", service.name)
        self._special = {_normal(name): name_in_reference for name, name_in_reference in special.items()}
        self._words = (*WORDS, *(squeezed(name.lower()) for name in special if reference_name(name) is None))
        self._word = re.compile("|".join(map(re.escape, (*WORDS, *self._special))))
        self._known = known
        self._known_octets = tuple(map(_octets, known))
        #: whether a secret of the settings is a mere number
        self.knows_numbers = any(secret.isdecimal() for secret in known)
        self.memory = memory
        #: names of fields that hold ids: what looks like the number of a card is none there
        self._id_names = {_normal(name) for name in _id_names(service, route)}
        #: names of anything that were judged: they name no secret, and may hold one
        self._nameless: set[str] = set()
        #: names of fields that were judged: neither do they name a secret nor hold one
        self.harmless: set[str] = set()
        #: what the fields of objects are called, where all of them are harmless
        self.harmless_objects: set[tuple[str, ...]] = set()
        #: decodes the bodies whose fields all have names of these
        self.known_names = KnownNames(self.harmless)
        memory.harmless_names.append(self.harmless)
        memory.harmless_objects.append(self.harmless_objects)
        self.shapes = Shapes(
            self._service_name, service.secrets.shapes, self._special.get("authorization", "authorization"), memory.remember
        )

    def name_of(self, name: str) -> str | None:
        """What a secret of this name is called in references; None where the name is harmless."""
        if name in self.harmless:
            return None
        found = self.judge(name)
        if found is None and len(name) <= HARMLESS_NAME_CHARS_MAX and not self.is_suspect(name):
            if len(self.harmless) >= HARMLESS_NAMES_MAX:
                self.harmless.clear()
            self.harmless.add(name)
        return found

    def is_harmless(self, name: str) -> bool:
        """Whether a name neither names a secret nor holds one."""
        return name in self.harmless or (self.name_of(name) is None and name in self.harmless)

    def judge(self, name: str) -> str | None:
        """The same of a name that is no field's: it may be anything, so it is not `harmless`."""
        if name in self._nameless:
            return None
        found = self._judge(name)
        if found is None and len(name) <= HARMLESS_NAME_CHARS_MAX:
            if len(self._nameless) >= HARMLESS_NAMES_MAX:
                self._nameless.clear()
            self._nameless.add(name)
        return found

    def _judge(self, name: str) -> str | None:
        if "%" in name or not name.isascii():
            # As a reader takes it who undoes encodings, and letters of full width.
            name = unicodedata.normalize("NFKC", decoded(name)).casefold()
        normal = _normal(name)
        # Nearly no name has one of these words, and all that are secret do.
        if self._word.search(normal) is None:
            return None
        return self._special.get(normal) or reference_name(name)

    def is_id(self, name: str) -> bool:
        """Whether the field of this name holds an id."""
        normal = _normal(name)
        return normal.endswith(("id", "ids")) or normal in self._id_names

    def number_reference(self, number: int) -> str | None:
        """What stands for a number that the settings know as a secret; None for any other."""
        if not self.knows_numbers or number.bit_length() > _SECRET_BITS_MAX:
            return None
        return self._known.get(str(number))

    def reference(self, name_in_reference: str) -> str:
        """What stands for a secret of this service."""
        return f"${{{self._service_name}.{name_in_reference}}}"

    def conceal(self, name_in_reference: str, value: Json, *, is_remembered: bool = True) -> Json:
        """The reference in place of a value; what can be no secret stays, and of an authorization its scheme.

        is_remembered:
            Whether the value is then looked for elsewhere, too.
        """
        if value is None or isinstance(value, bool) or value == "":
            return value
        reference = self.reference(name_in_reference)
        if not isinstance(value, str):
            return reference
        scheme = _SCHEME.match(value)
        secret = value[scheme.end() :] if scheme else value
        if REFERENCE.fullmatch(secret):
            return value
        if is_remembered and REFERENCE.search(secret) is None:
            self.memory.remember(secret, reference)
        return f"{scheme[1]} {reference}" if scheme else reference

    def values(self) -> Iterator[tuple[str, str]]:
        """(secret, reference) of all that are known by value."""
        yield from self.memory.secrets.items()
        yield from self._known.items()

    def is_suspect(self, text: str, beside: str = "") -> bool:
        """Whether a text is worth a closer look. Made of the cheapest tests, since nearly every text sees only these.

        beside:
            Octets of a text that is searched for the same but for what follows a name: neither names nor encodings are in it.
        """
        if "%" in text and _ENCODED.search(text):
            text = "\n".join([text, *_decodings(text)])
        if "\\" in text:
            # A line break inside JSON inside a string is two characters, of which the second would seem to belong to the word behind it.
            text = f"{text}\n{_ESCAPED_SPACE.sub(' ', text)}"
        try:
            data = text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair
            return True
        octets = octets_of(data)
        return self._holds_secret(f"{octets}\n{beside}" if beside else octets) or self._names_secret(text, octets)

    def is_json_suspect(self, octets: str) -> bool:
        """Whether a name and its secret may stand in the texts of JSON that has no escapes, and whose fields have harmless names.

        octets:
            Of JSON that `known_names` decoded, without the colons of its structure.
        """
        if 'alue"' in octets and self._names_value(octets):
            return True
        if self._closes_secret(octets):
            return True
        is_plain = "%" not in octets and "=" not in octets and "'" not in octets
        # Nearly all that has a colon, but none of the other signs, are URLs.
        if is_plain and (":" not in octets or ":" not in octets.replace("://", "")):
            return False
        text = text_of(octets)
        if "%" in text and _ENCODED.search(text):
            return True
        # As in other texts, but for the quotes, which are those of the structure.
        if ("'" in text or "=" in text) and _is_pair_possible(text) and self._has_word(text):
            return True
        return self._divides_secret(text, is_json=True)

    def _names_value(self, octets: str) -> bool:
        """Whether {"name": …, "value": …} may name a secret, anywhere in JSON."""
        if '"value"' not in octets and '"Value"' not in octets:
            return False
        # No other names are in it: to look whether one is known costs less than to search for it.
        for key in self.known_names.names_of_values:
            for behind in octets.split(key)[1:]:
                # Where the value of this field is no text, the next text is judged: it may only be suspected for nothing.
                name = behind.split('"', 2)[1:2]
                if name and not self._is_nameless(name[0]) and self.judge(text_of(name[0])) is not None:
                    return True
        return False

    def _is_nameless(self, octets: str) -> bool:
        """Whether the octets of a text name no secret. Right in saying yes, and quicker than `judge` for what comes once, such as a lead's name."""
        plain = squeezed(octets.lower()).replace(" ", "")
        return plain.isalnum() and plain.isascii() and self._word.search(plain) is None

    def _holds_secret(self, octets: str) -> bool:
        """Whether there is a secret that is known by value or by its shape, or what cannot be stored."""
        for secret in self.memory.secrets_octets:
            if secret in octets:
                return True
        for secret in self._known_octets:
            if secret in octets:
                return True
        return "\0" in octets or self.shapes.is_possible(octets) or (is_card_possible(octets) and has_card(octets))

    def _names_secret(self, text: str, octets: str) -> bool:
        """Whether the name of a secret may stand before something that divides it from its value."""
        is_quoted = '"' in octets or "'" in octets
        # {"value": …, "name": "token"} and <input value="…" name="token">: the name may stand behind the value.
        if (is_quoted or "<" in octets) and _is_pair_possible(octets) and self._has_word(text):
            return True
        if self._closes_secret(octets):
            return True
        if not is_quoted and ":" not in octets and "=" not in octets:
            return False
        if '"' in text:
            text = text.replace('",', ":")
        return self._divides_secret(text)

    def _closes_secret(self, octets: str) -> bool:
        """Whether an element of XML, or of a page, has the name of a secret."""
        return "</" in octets and any(self.judge(name) is not None for name in set(_CLOSING_TAG.findall(octets)))

    def _divides_secret(self, text: str, *, is_json: bool = False) -> bool:
        """Whether the name of a secret stands before a colon, or another sign of this kind."""
        if "=" in text:
            text = text.replace("=", ":")
        if "'" in text:
            text = text.replace("',", ":")
        if ":" not in text:
            return False
        pieces = text.split(":")
        if len(pieces) > _DIVIDERS_MAX:
            return True
        # What divides the scheme of a URL from the rest divides no name from its value.
        tails = [piece[-_NAME_TAIL_CHARS:] for piece, behind in pairwise(pieces) if behind[:2] != "//"]
        if is_json:  # a text ends with its quote
            tails = [tail.rpartition('"')[2] for tail in tails]
        return self._has_word("\n".join(tails))

    def _has_word(self, names: str) -> bool:
        names = squeezed(names.lower())
        for word in self._words:  # noqa: SIM110 (a generator costs more than the search itself)
            if word in names:
                return True
        return False


def _is_pair_possible(text: str) -> bool:
    """Whether a text may hold a name and a value that stand beside each other, in any order."""
    return "alue" in text or "content" in text or "VALUE" in text or "form-data" in text


def _id_names(service: Service, route: Route | None) -> Iterator[str]:
    for place in (*service.entities, *(route.entities if route is not None else ())):
        yield from (step for step in place.field.split(".")[-1:] if place.source != "path")


def is_storable(text: str) -> bool:
    """Whether PostgreSQL's jsonb takes the text: it takes neither NUL nor a lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        # The cheapest encoding that refuses lone surrogates.
        text.encode("utf-16-le")
    except UnicodeEncodeError:
        return False
    return True


def _decodings(text: str) -> Iterator[str]:
    """A text without each of the encodings that lie over each other. A plus sign is a space in a query, and itself in a path."""
    for _ in range(ENCODINGS_MAX):
        if "%" not in text:
            return
        if "+" in text:
            yield unquote_plus(text)
        text = unquote(text)
        yield text


def decoded(text: str) -> str:
    """A text without its percent encodings, however many lie over each other."""
    for _ in range(ENCODINGS_MAX):
        if "%" not in text:
            break
        text = unquote_plus(text)
    return text


def _normal(name: str) -> str:
    """A name as it is compared: case, dashes and underscores do not count."""
    plain = squeezed(name.lower()).replace(" ", "")
    # Nearly always nothing else is left: the search for it takes longer than all of these.
    return plain if plain.isalnum() and plain.isascii() else _NO_LETTER.sub("", plain)


def _octets(secret: str) -> str:
    return octets_of(secret.encode("utf-8", "surrogatepass"))


def _is_distinctive(secret: str) -> bool:
    if len(secret) >= _DISTINCTIVE_CHARS_MIN:
        return True
    return len(secret) >= _MIXED_CHARS_MIN and any(map(str.isdigit, secret)) and any(map(str.isalpha, secret))
