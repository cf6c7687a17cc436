"""What is stored of a call's request and answer: the quick way for calls without a secret in an unexpected place, the thorough one else."""

import msgspec

from integration_monitor.body import Body
from integration_monitor.record import Json
from integration_monitor.recorder.readings import Reading, Request
from integration_monitor.redaction import MessageTexts, Redactor, are_clean, gather, plain_octets
from integration_monitor.services.description import Direction, Match

_REQUEST: Direction = "request"
_RESPONSE: Direction = "response"


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of an HTTP call."""

    url: str
    request_headers: dict[str, str]
    request_body: Json
    response_headers: dict[str, str]
    response_body: Json


class Cleaner:
    """Takes secrets out of the parts of HTTP calls.

    body_bytes_max:
        Body kept of a request or an answer.
    messages:
        Takes the texts of messages out, where the user wants it.
    """

    def __init__(self, redactor: Redactor, *, body_bytes_max: int, messages: MessageTexts | None = None) -> None:
        self._redactor = redactor
        self._messages = messages
        self._body_bytes_max = body_bytes_max

    def quick(self, request: Request, texts: list[str]) -> Parts | None:
        """The parts as they are stored where no secret stands in an unexpected place; None where one may, and `thorough` is to be asked.

        texts:
            What must be searched for secrets, too.
        """
        route, vocabulary = request.match.route, request.vocabulary
        texts += request.texts
        url = self._quick_url(request, texts)
        is_ordinary = route is None or not (route.secrets or route.withheld or route.response_fields_kept)
        sent, came = request.request_body, request.response_body
        # Both in one go, as long as nothing has to be taken out of them.
        known_sent = known_came = None
        if self._messages is None and is_ordinary:
            known_sent, known_came = self._known_content(sent), self._known_content(came)
        known = [content for content in (known_sent, known_came) if content is not None]
        octets = plain_octets(known, vocabulary) if known else None
        bodies = []
        # The request first: secrets found in it by place are then known, and gone from the answer too.
        for body, direction, content in ((sent, _REQUEST, known_sent), (came, _RESPONSE, known_came)):
            value = body.value
            if value is not None and (octets is None or content is None):
                value = self._value(body, direction, request.match)
                is_whole = is_ordinary and not body.is_cut and max(body.size, body.unpacked_size) <= self._body_bytes_max
                if is_whole and type(value) is not str and gather(value, vocabulary, texts):
                    if body.raw is not None and not body.has_known_names:
                        vocabulary.known_names.learn()
                else:
                    value = self._body(body, value, direction, request.match)
            bodies.append(value)
        # A secret that was found meanwhile may stand in what was read before it.
        if vocabulary.memory.version != request.version or not are_clean(texts, vocabulary, beside=octets or ""):
            return None
        return Parts(
            url=url,
            request_headers=request.request_headers,
            request_body=bodies[0],
            response_headers=request.response_headers,
            response_body=bodies[1],
        )

    def _known_content(self, body: Body) -> bytes | None:
        """A body that is JSON as a whole, all of whose fields have known names."""
        return body.raw if body.has_known_names and body.size <= self._body_bytes_max else None

    def thorough(self, request: Request) -> Parts:
        """The parts, each of them searched by itself; once more where a secret was found that may stand in a part before it."""
        memory = request.vocabulary.memory
        version = memory.version
        parts = self._search(request)
        return parts if memory.version == version else self._search(request)

    def _search(self, request: Request) -> Parts:
        exchange, match = request.exchange, request.match
        service = match.service
        # The headers first, also where they are not stored: what is secret in them may come again anywhere else.
        request_headers = self._redactor.headers(exchange.request_headers, service)
        url = self._redactor.url(self._url(request), service, match.route)
        sent, came = request.request_body, request.response_body
        request_body = self._body(sent, self._value(sent, _REQUEST, match), _REQUEST, match)
        return Parts(
            url=url,
            request_headers=request_headers,
            request_body=request_body,
            response_headers=self._redactor.headers(exchange.response_headers, service),
            response_body=self._body(came, self._value(came, _RESPONSE, match), _RESPONSE, match),
        )

    def _quick_url(self, request: Request, texts: list[str]) -> str:
        """The URL as it is stored if nothing is found in `texts`, to which what varies in it is added."""
        url, route, query = self._url(request), request.match.route, request.exchange.query
        own_path = route.path if route is not None and route.secrets else None
        known = request.vocabulary.memory.urls.get((own_path, url))
        if known is not None:
            return known
        is_plain = self._messages is None and own_path is None and "#" not in url and "@" not in url
        if is_plain and all(request.vocabulary.is_harmless(name) for name, _value in query):
            texts.append(request.exchange.path)
            texts += [value for _name, value in query]
            return url
        return self._redactor.url(url, request.match.service, route)

    def _url(self, request: Request) -> str:
        return request.url if self._messages is None else self._messages.without_in_url(request.url, request.match.service)

    def _value(self, body: Body, direction: Direction, match: Match) -> Json:
        if self._messages is None or body.is_binary:
            return body.value
        return self._messages.without(body.value, match.service, is_request=direction == "request")

    def _body(self, body: Body, value: Json, direction: Direction, match: Match) -> Json:
        cleaned = self._redactor.body(value, match.service, direction=direction, route=match.route, is_cut=body.is_cut)
        return body.shorten(cleaned, self._body_bytes_max)


def request_payload(request: Request, parts: Parts) -> dict[str, Json]:
    return {
        "method": request.exchange.method,
        "url": parts.url,
        "headers": parts.request_headers,
        "body": parts.request_body,
    }


def response_payload(reading: Reading, parts: Parts) -> dict[str, Json]:
    """What came back over HTTP; without a status where nothing did."""
    if reading.request is None or reading.request.exchange.status_code is None:
        return {}
    return {
        "status_code": reading.request.exchange.status_code,
        "headers": parts.response_headers,
        "body": parts.response_body,
        "ttfb_ms": reading.attempt.ttfb_ms,
    }


def as_object(given: Json) -> dict[str, Json] | None:
    """What the application gave as a payload: objects as they are, anything else under `body`."""
    return given if given is None or isinstance(given, dict) else {"body": given}


def given_or(given: Json, else_given: Json) -> Json:
    """What the application gave of the operation, else of its last attempt."""
    return else_given if given is None else given
