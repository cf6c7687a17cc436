"""Whether a structure can be stored as it is: the quick way, which nearly every body takes. Right in saying yes."""

from collections.abc import Mapping
from typing import Any

from integration_monitor.record import Json
from integration_monitor.redaction.known_names import NAME_KEYS
from integration_monitor.redaction.shapes import octets_of
from integration_monitor.redaction.vocabulary import Vocabulary

# Deeper structures are no payload that anybody reads, and PostgreSQL refuses them some way below.
DEPTH_MAX = 100
# Objects remembered by their fields' names; hostile input must not fill the memory.
OBJECTS_MAX = 2_000
_FIELDS_MAX = 100
# Texts of this length are compared with those before them: to search a shorter one twice costs less.
_COMPARED_CHARS_MIN = 100
_TEXTS_COMPARED_MAX = 40

SCALARS = frozenset({type(None), bool, int, float})
VALUE_KEYS = frozenset({"value", "Value"})
_NAME_CHARS_MAX = 100


def is_clean(body: Json, vocabulary: Vocabulary) -> bool:
    """Whether neither the names nor the texts of a structure hold a secret, and all of it is JSON."""
    texts: list[str] = []
    return gather(body, vocabulary, texts) and are_clean(texts, vocabulary)


def gather(body: Json, vocabulary: Vocabulary, texts: list[str]) -> bool:
    """Looks the names of a structure over, and adds its texts to `texts`. False where a name is secret, or something is no JSON.

    Without recursion: no nesting can overflow the stack.
    """
    harmless_objects = vocabulary.harmless_objects
    add = texts.append
    # It grows while it is gone through: what is in a container is looked at after it.
    containers: list[Any] = [(body,)]
    for node in containers:
        items = node
        if type(node) is dict:
            if tuple(node) not in harmless_objects and not _has_harmless_names(node, vocabulary):
                return False
            items = node.values()
        for item in items:
            kind = type(item)
            if kind is str:
                add(item)
            elif kind is dict or kind is list:
                containers.append(item)
            elif kind not in SCALARS or (kind is int and vocabulary.number_reference(item)):
                return False
    # Nothing is nested deeper than there are containers.
    return len(containers) <= DEPTH_MAX or not _is_too_deep(body)


def _is_too_deep(body: Json) -> bool:
    level: list[Any] = [body]
    for _ in range(DEPTH_MAX):
        items = (item for node in level for item in (node.values() if type(node) is dict else node))
        level = [item for item in items if type(item) is dict or type(item) is list]
        if not level:
            return False
    return True


def plain_octets(contents: list[bytes], vocabulary: Vocabulary) -> str | None:
    """Bodies of JSON whose fields have known names as octets, which `are_clean` can search; None where they must be gone through.

    The quickest way of all: nothing is done for each field. Escapes hide what stands there, so there must be none.
    """
    octets = octets_of(b"\n".join(contents))
    if "\\" in octets:
        return None
    # Without the colons behind names, of which there are many, and which divide no secret from its name.
    octets = octets.replace('":', '"')
    return None if vocabulary.is_json_suspect(octets) else octets


def are_clean(texts: list[str], vocabulary: Vocabulary, *, beside: str = "") -> bool:
    """Whether none of the texts holds a secret. To look for one in all of them costs little more than in one of them.

    beside:
        As of `Vocabulary.is_suspect`.
    """
    text = "\n".join(_without_repeated(texts))
    # An escape in JSON inside a string may hide a name or a slash from the tests on its text: {"\u0074oken": …}.
    if "\\" in text and ("\\u" in text or "\\/" in text):
        return False
    return not vocabulary.is_suspect(text, beside)


def _without_repeated(texts: list[str]) -> list[str]:
    """Without long texts that came before: vendors repeat in their answer what they were sent."""
    if len(texts) > _TEXTS_COMPARED_MAX:
        return texts
    # Compared, and not put into a set: a hash takes longer than to search them, and texts of another length differ at once.
    kept: list[str] = []
    long: list[str] = []
    for text in texts:
        if len(text) >= _COMPARED_CHARS_MIN:
            if text in long:
                continue
            long.append(text)
        kept.append(text)
    return kept


def name_of_value(node: Mapping[str, Json], vocabulary: Vocabulary) -> str | None:
    """What the `value` of {"name": "Authorization", "value": …} is called in references; None where it is harmless."""
    for key in NAME_KEYS:
        name = node.get(key)
        secret = vocabulary.judge(name) if isinstance(name, str) and len(name) <= _NAME_CHARS_MAX else None
        if secret is not None:
            return secret
    return None


def _has_harmless_names(node: dict[str, Json], vocabulary: Vocabulary) -> bool:
    """Whether all fields of an object are harmless; remembers it where that is so whatever they hold."""
    if not vocabulary.harmless.issuperset(node):
        for name in node:
            if type(name) is not str or vocabulary.name_of(name) is not None or name not in vocabulary.harmless:
                return False
    if not VALUE_KEYS.isdisjoint(node) and not node.keys().isdisjoint(NAME_KEYS):
        return name_of_value(node, vocabulary) is None
    if len(node) <= _FIELDS_MAX:
        if len(vocabulary.harmless_objects) >= OBJECTS_MAX:
            vocabulary.harmless_objects.clear()
        vocabulary.harmless_objects.add(tuple(node))
    return True
