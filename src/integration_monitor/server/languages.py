"""The languages that this server speaks, and which of them somebody reads."""

from collections.abc import Mapping
from typing import Final

#: language as in the address bar of the world → its own name
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "ru": "Русский"}
DEFAULT_LANGUAGE: Final = "en"


def preferred_language(header: str) -> str:
    """The first language of ours by the header Accept-Language (RFC 9110, section 12.5.4)."""
    wishes = []
    for position, wish in enumerate(header.split(",")):
        tag, _, quality = wish.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        wishes.append((-weight, position, tag.strip().lower().split("-")[0]))
    return next((language for weight, _, language in sorted(wishes) if language in LANGUAGES and weight < 0), DEFAULT_LANGUAGE)
