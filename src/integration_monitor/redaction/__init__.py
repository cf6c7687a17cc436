"""It is cleaned: secrets never leave the process.

In come the parts of a call (URL, headers, bodies, texts) and the description of the service it went to; out come the same parts with
references in place of secrets: `${mobizon.api_key}`, `bot${telegram.token:123456789}`, `Bearer ${resend.api_key}`. Nothing leaks, yet
equal calls stay comparable, and a call can be repeated with the current secret.

A secret is known by its name, by the service's description, by its shape, or by having been seen in one of these places before.

- redactor.py     Redactor: one method for each part of a call
- headers.py      headers, read and cleaned in one go
- scan.py         the quick way: whether a structure can be stored as it is
- known_names.py  JSON decoded by the names of its fields
- cleaning.py     the thorough way, for what the quick one suspects
- text.py         secrets that follow their names in a text
- vocabulary.py   what is secret in the messages of one service
- names.py        names of headers, parameters and fields that hold secrets anywhere
- shapes.py       tokens and keys that are known by how they look
- cards.py        numbers of payment cards
- personal.py     phone numbers and e-mail addresses, where the user wants them masked
- messages.py     texts of messages, where the user wants only digests of them
"""

from integration_monitor.redaction.headers import HeaderReader
from integration_monitor.redaction.messages import MessageTexts
from integration_monitor.redaction.personal import PersonalData
from integration_monitor.redaction.redactor import WITHHELD, Redactor
from integration_monitor.redaction.scan import are_clean, gather, plain_octets
from integration_monitor.redaction.vocabulary import Vocabulary

__all__ = [
    "WITHHELD",
    "HeaderReader",
    "MessageTexts",
    "PersonalData",
    "Redactor",
    "Vocabulary",
    "are_clean",
    "gather",
    "plain_octets",
]
