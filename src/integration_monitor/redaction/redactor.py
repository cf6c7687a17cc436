"""Takes secrets out of the parts of a call. Ordered by cost: most parts hold no secret and are only looked over."""

import re
from collections.abc import Mapping
from typing import Any, Final

from integration_monitor.record import Json
from integration_monitor.redaction.cleaning import clean, clean_cut_json, clean_url, rebuild
from integration_monitor.redaction.headers import HeaderReader
from integration_monitor.redaction.scan import is_clean
from integration_monitor.redaction.vocabulary import Memory, Vocabulary
from integration_monitor.services.description import Direction, Route, Service

# Services remembered; an application that talks to more forgets and learns again.
VOCABULARIES_MAX = 1000

#: What stands for a body that is not stored at all.
WITHHELD: Final = {"withheld": True}
# The last word of a text that was cut may be the beginning of a secret. The look behind keeps the search linear.
_CUT_SECRET = re.compile(r"(?<![A-Za-z0-9_.:+/=%-])[A-Za-z0-9_.:+/=%-]{6,}\Z")


class Redactor:
    """Takes secrets out of the parts of a call. For one thread: it remembers what it has seen.

    Of each call the request's headers should come first: what is secret in them is then found in the other parts, too.

    known_secrets:
        Name in the reference → value, for secrets that the settings name: `{"monitor.jwt_secret": …}`.
    """

    def __init__(self, *, known_secrets: Mapping[str, str] | None = None) -> None:
        self._known = {value: f"${{{name}}}" for name, value in (known_secrets or {}).items() if value}
        self._vocabularies: dict[tuple[str, str | None], Vocabulary] = {}
        self._header_readers: dict[str, HeaderReader] = {}

    def headers(self, headers: Any, service: Service) -> dict[str, str]:
        """Headers without secrets; of an authorization the scheme stays: `Bearer ${resend.api_key}`. Names are in lower case.

        headers:
            As of `HeaderReader.read`.
        """
        texts: list[str] = []
        _sent, concealed = self.header_reader(service).read(headers, texts)
        vocabulary = self.vocabulary(service)
        if texts and vocabulary.is_suspect("\n".join(texts)):
            return {
                clean(name, vocabulary): clean(value, vocabulary, is_id=vocabulary.is_id(name))
                for name, value in concealed.items()
            }
        return concealed

    def header_reader(self, service: Service) -> HeaderReader:
        """Reads the headers of a service's calls, with references in place of what is secret by name."""
        reader = self._header_readers.get(service.name)
        if reader is None:
            vocabulary = self.vocabulary(service)
            reader = self._header_readers[service.name] = HeaderReader(vocabulary)
        return reader

    def url(self, text: str, service: Service, route: Route | None = None) -> str:
        """A URL without secrets in user and password, path, query and fragment."""
        vocabulary = self.vocabulary(service, route)
        key = (route.path if route is not None and route.secrets else None, text)
        cleaned = vocabulary.memory.urls.get(key)
        if cleaned is None:
            cleaned = clean_url(text, vocabulary) if vocabulary.is_suspect(text) else text
            vocabulary.memory.remember_url(key, cleaned)
        return cleaned

    def body(
        self, body: Json, service: Service, *, direction: Direction, route: Route | None = None, is_cut: bool = False
    ) -> Json:
        """A body without secrets: the same object where it has none, WITHHELD where it must not be stored at all.

        body:
            JSON or a form as parsed, or text. Anything else becomes text.
        is_cut:
            The text, or the last field of the form or of the last part, is only the beginning: a secret that may have been cut at its end is taken out, too.
        """
        vocabulary = self.vocabulary(service, route)
        if route is not None and body is not None:
            body = _kept(body, route, direction, vocabulary)
            if body is WITHHELD:
                return body
        if is_cut:
            # Before anything else: the beginning of a secret must not be taken for a whole one, and looked for elsewhere.
            body = _without_cut_end(body)
        if isinstance(body, str):
            is_cut_json = is_cut and body.lstrip()[:1] in ("{", "[")
            return clean_cut_json(body, vocabulary) if is_cut_json else clean(body, vocabulary)
        return body if is_clean(body, vocabulary) else rebuild(body, vocabulary, 0, 0)

    def text(self, text: str, service: Service) -> str:
        """A message or the text of an exception without secrets."""
        return clean(text, self.vocabulary(service))

    def vocabulary(self, service: Service, route: Route | None = None) -> Vocabulary:
        """A route with secrets of its own has its own vocabulary, which shares with the service's what was seen."""
        own_route = route if route is not None and route.secrets else None
        key = (service.name, own_route.path if own_route is not None else None)
        vocabulary = self._vocabularies.get(key)
        if vocabulary is None:
            if len(self._vocabularies) >= VOCABULARIES_MAX:
                self._vocabularies.clear()
                self._header_readers.clear()
            memory = Memory() if own_route is None else self.vocabulary(service).memory
            vocabulary = self._vocabularies[key] = Vocabulary(service, own_route, self._known, memory)
        return vocabulary


def _kept(body: Json, route: Route, direction: Direction, vocabulary: Vocabulary) -> Json:
    """What of a body may be looked at further: nothing of withheld ones, and some fields of others."""
    if direction in route.withheld:
        return WITHHELD
    if (route.secrets or route.response_fields_kept) and isinstance(body, str) and body:
        return WITHHELD  # the secrets of such a route are known by place, and a text has no places
    if direction == "request" or route.response_fields_kept is None:
        return body
    if not isinstance(body, dict):
        return WITHHELD
    return {name: value for name, value in body.items() if name in route.response_fields_kept or vocabulary.name_of(name)}


def _without_cut_end(body: Json) -> Json:
    """A body without what may be the beginning of a secret: its end, or that of its last field."""
    if isinstance(body, str):
        return _CUT_SECRET.sub("…", body)
    if isinstance(body, list) and body:
        return [*body[:-1], _without_cut_end(body[-1])]
    if isinstance(body, dict) and body:
        name = next(reversed(body))
        return {**body, name: _without_cut_end(body[name])}
    return body
