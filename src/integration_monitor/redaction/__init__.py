"""It is cleaned: secrets never leave the process.

In come the parts of a call (URL, headers, bodies, texts) and the description of the service it went to; out come the same parts with
references in place of secrets: `${mobizon.api_key}`, `bot${telegram.token:123456789}`, `Bearer ${resend.api_key}`. Nothing leaks, yet
equal calls stay comparable, and a call can be repeated with the current secret.

A secret is known by its name, by the service's description, by its shape, or by having been seen in one of these places before.

- redactor.py     Redactor: one method for each part of a call
- vocabulary.py   what is secret in the messages of one service
- names.py        names of headers, parameters and fields that hold secrets anywhere
- shapes.py       tokens and keys that are known by how they look
"""

from integration_monitor.redaction.redactor import WITHHELD, Redactor

__all__ = ["WITHHELD", "Redactor"]
