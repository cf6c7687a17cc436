"""Phone numbers and e-mail addresses, masked: where the user wants it, everywhere in a record.

The same one has the same mask, whoever wrote it how: `${phone:3f1c0a9e5b77}`, `${email:91d2c4a07be3}`. A mask is a keyed digest, so nobody
without the key finds the number by trying all of them.
"""

import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import unquote

from integration_monitor.record import Json

# Bits enough that two of a million customers do not share one by chance.
_DIGEST_CHARS = 12
_MASKS_REMEMBERED = 4096

_EMAIL = re.compile(
    r"(?<![\w.+%-])(?P<local>[\w.+%'-]{1,128})(?:@|%40)(?P<domain>[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})", re.IGNORECASE
)
# A number of WhatsApp is known by what follows it.
_WHATSAPP = re.compile(r"(?<![0-9])(?P<digits>[0-9]{7,15})(?=(?:@|%40)(?:s\.whatsapp\.net|c\.us)\b)", re.IGNORECASE)
# With a plus sign any number; without one as people write theirs, and in one piece what is too long for the ids of most systems.
_PHONE = re.compile(
    r"(?P<plus>(?:\+|%2B)[0-9][0-9 ().\u00a0-]{5,24}[0-9])(?![0-9])"
    r"|(?<![\w.+-])(?P<spaced>[78][ -]?\(?[0-9]{3}\)?[ -][0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{2})(?!\w)"
    r"|(?<![\w.+-])(?P<bare>[0-9]{11,15})(?!\w)(?!\.[0-9])",
    re.IGNORECASE,
)
_NO_DIGIT = re.compile(r"\D")
_DIGITS_MIN, _DIGITS_MAX = 7, 15
# Of 13 digits that begin with 1, nearly all are times in milliseconds.
_TIME_DIGITS = 13

# Fields that hold a number whatever it looks like, and types of entities, without case, dashes and underscores.
_PHONE_NAMES = frozenset(
    {
        "phone",
        "phonenumber",
        "phones",
        "mobile",
        "mobilephone",
        "msisdn",
        "recipient",
        "recipients",
        "to",
        "number",
        "tel",
        "telephone",
    }
    | {"waid", "contactid", "chatid", "contact", "contacts", "participants", "from", "recipientid", "input", "callerid", "sms"}
)
_PHONE_VALUE = re.compile(r"\+?[0-9][0-9 ().-]{5,24}[0-9]")
_PHONE_TYPES = frozenset({"phone", "contact", "recipient", "chat"})
_NAME_END = re.compile(r"[^a-z0-9]")
# Telegram's chats are numbers, and no phones: fields of this name count only where a phone is written in them.
_DIGITS_OF_CHATS = frozenset({"chatid", "from", "to", "input", "number", "callerid"})
_CHAT_DIGITS_MIN = 11


class PersonalData:
    """Masks phone numbers and e-mail addresses.

    key:
        Of the masks; whoever has it can tell whose they are, by trying.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._mask = lru_cache(maxsize=_MASKS_REMEMBERED)(self._digest)

    def text(self, text: str) -> str:
        """A text, a URL or a header without them."""
        if "@" in text or "%40" in text:
            text = _WHATSAPP.sub(lambda found: self._phone(found["digits"]), text)
            text = _EMAIL.sub(self._email, text)
        return _PHONE.sub(self._written_phone, text)

    def value(self, value: Json, name: str = "") -> Json:
        """A structure without them, in names of fields either.

        name:
            Of the field that it is in: the number in `phone` needs no other mark.
        """
        if isinstance(value, str):
            return self._named(value, name)
        if isinstance(value, bool) or value is None or isinstance(value, float):
            return value
        if isinstance(value, int):
            return self._phone(str(value)) if _is_phone(str(value), name) else value
        if isinstance(value, dict):
            return {self.text(key): self.value(item, key) for key, item in value.items()}
        return [self.value(item, name) for item in value]

    def entity_id(self, entity_type: str, entity_id: str) -> str:
        """The id of an entity, masked where it is a phone or an address."""
        if entity_type in _PHONE_TYPES:
            return self._named(entity_id, "contactid" if entity_type != "chat" else "chatid")
        return self.text(entity_id)

    def digest(self, text: str) -> str:
        """Of any text, under the same key."""
        return hmac.digest(self._key, text.encode("utf-8", "replace"), "sha256").hex()

    def _named(self, text: str, name: str) -> str:
        return self._phone(text) if _is_phone(text, name) else self.text(text)

    def _email(self, found: re.Match[str]) -> str:
        address = f"{unquote(found['local'])}@{found['domain']}".lower()
        return self._mask("email", address)

    def _written_phone(self, found: re.Match[str]) -> str:
        digits = _NO_DIGIT.sub("", unquote(found[0]))
        is_phone = _DIGITS_MIN <= len(digits) <= _DIGITS_MAX
        if found["bare"] and len(digits) == _TIME_DIGITS and digits[0] == "1":
            is_phone = False
        return self._phone(digits) if is_phone else found[0]

    def _phone(self, text: str) -> str:
        digits = _NO_DIGIT.sub("", text).removeprefix("00")
        # In Russia and Kazakhstan the same number is dialled with 8 and with +7.
        if len(digits) == 11 and digits[0] == "8":  # noqa: PLR2004 (digits of such a number)
            digits = f"7{digits[1:]}"
        return self._mask("phone", digits)

    def _digest(self, kind: str, plain: str) -> str:
        return f"${{{kind}:{hmac.digest(self._key, f'{kind}:{plain}'.encode(), hashlib.sha256).hex()[:_DIGEST_CHARS]}}}"


def _is_phone(text: str, name: str) -> bool:
    """Whether the value of a field of this name is a phone number."""
    field = _NAME_END.sub("", name.lower().rpartition("[")[2])
    if field not in _PHONE_NAMES or not _PHONE_VALUE.fullmatch(text):
        return False
    digits = _NO_DIGIT.sub("", text)
    least = _CHAT_DIGITS_MIN if field in _DIGITS_OF_CHATS and text.isdecimal() else _DIGITS_MIN
    return least <= len(digits) <= _DIGITS_MAX
