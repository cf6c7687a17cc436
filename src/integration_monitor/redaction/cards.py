"""Numbers of payment cards: known by issuer, length and check digit, and only where they stand by themselves in a text."""

import re

# No text that is shorter holds the number of a card.
_CHARS_MIN = 14
# Every digit as 0, and what may divide groups of them as a space.
_NUMBERS = bytes.maketrans(b"123456789-", b"000000000 ")
_LONG, _GROUPS_OF_FOUR, _GROUP_OF_SIX = "0" * _CHARS_MIN, "0000 0000 0000", "0000 000000 0000"

# As printed, in groups, or in one piece. What is part of a longer word or number is none. The digit comes before the look behind,
# since the search for one of few characters is fast.
_CANDIDATE = re.compile(
    r"[2-6](?<![A-Za-z0-9_].)(?<![0-9][.,].)"
    r"(?:[0-9]{13,18}|[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![A-Za-z0-9_])"
)
# Issuer's prefix → lengths. Sources: ISO/IEC 7812 and the issuers' own pages. Visa's 13 digits went out of use long ago.
_ISSUERS = (
    (re.compile(r"4"), frozenset({16, 19})),  # Visa
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), frozenset({16})),  # Mastercard
    (re.compile(r"3[47]"), frozenset({15})),  # American Express
    (re.compile(r"36|3[89]|30[0-5]"), frozenset({14})),  # Diners Club
    (re.compile(r"220[0-4]"), frozenset({16, 17, 18, 19})),  # Mir
    (
        re.compile(r"352[89]|35[3-8]|6011|64[4-9]|65|62|50|5[6-8]|639|67"),
        frozenset({16, 17, 18, 19}),
    ),  # JCB, Discover, UnionPay, Maestro
)
_NO_DIGIT = re.compile(r"[ -]")
# What two times a digit adds to the sum of ISO/IEC 7812-1, annex B.
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def is_card_possible(octets: str) -> bool:
    """Whether the number of a card may stand in the octets of a text. Cheap, and right in saying no."""
    if len(octets) < _CHARS_MIN:
        return False
    plain = octets.encode("latin-1").translate(_NUMBERS).decode("latin-1")
    return _LONG in plain or _GROUPS_OF_FOUR in plain or _GROUP_OF_SIX in plain


def has_card(text: str) -> bool:
    """Whether the number of a card stands in a text, or in its octets: all its characters are of ASCII."""
    return any(_is_card(found[0]) for found in _CANDIDATE.finditer(text))


def without_cards(text: str, reference: str) -> str:
    """The text with a reference in place of each number of a card."""
    return _CANDIDATE.sub(lambda found: reference if _is_card(found[0]) else found[0], text)


def _is_card(candidate: str) -> bool:
    digits = _NO_DIGIT.sub("", candidate)
    if not any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS):
        return False
    numbers = [int(digit) for digit in reversed(digits)]
    return (sum(numbers[::2]) + sum(_DOUBLED[number] for number in numbers[1::2])) % 10 == 0
