"""The pipeline in one function: what was captured goes in, the record that is stored comes out. It runs on the writer's thread.

An attempt is parsed (`body`), understood (`services`) and cleaned (`redaction`); the last one decides what became of its operation.

- records.py      Recorder: operations, and records that the application made itself, as records
- readings.py     an attempt, parsed and understood
- addresses.py    a URL in its parts
- outcomes.py     what became of an operation, by its attempts and by the application's own word
- payloads.py     what is stored of request and answer
- words.py        what a record says beside its payloads: action, entity, code, message
- masking.py      records without phone numbers and e-mail addresses
- rules.py        calls that are not recorded, or only one of so many
"""

from integration_monitor.recorder.records import Recorder

__all__ = ["Recorder"]
