"""The shape in which a vendor's facts are written."""

import dataclasses
from collections.abc import Mapping, Sequence

from integration_monitor.record import NoAnswer
from tests.unit.exchanges import Case

#: nobody knows what became of the request
TIMED_OUT = NoAnswer(code="TIMEOUT", message="ReadTimeout: no answer within 10 s")
#: nothing had been sent
UNREACHABLE = NoAnswer(code="CONNECTION_FAILED", message="ConnectError: connection refused", is_unsent=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Vendor:
    """What is known of one vendor's answers."""

    title: str
    #: as the registry knows them
    service_names: tuple[str, ...]
    #: a paragraph: what a reader must know before the tables
    summary: str
    #: where it is written → answers of which it tells
    answers: Mapping[str, Sequence[Case]]

    @property
    def cases(self) -> list[Case]:
        return [case for cases in self.answers.values() for case in cases]


def timed_out(call: str, retry: str, **expected: object) -> Case:
    """No answer came in time; whether the request may be repeated depends on what it asks for."""
    return Case(
        name="no answer in time",
        call=call,
        no_answer=TIMED_OUT,
        code="TIMEOUT",
        message=TIMED_OUT.message,
        fault="network",
        retry=retry,
        **expected,  # type: ignore[arg-type]
    )


def unreachable(call: str, **expected: object) -> Case:
    """The request had not been sent: it may be repeated, whatever it asks for."""
    return Case(
        name="no connection",
        call=call,
        no_answer=UNREACHABLE,
        code="CONNECTION_FAILED",
        message=UNREACHABLE.message,
        fault="network",
        retry="safe",
        **expected,  # type: ignore[arg-type]
    )


def redirected(call: str, **expected: object) -> Case:
    """An API does not redirect: something before it did, and nothing was done."""
    return Case(
        name="redirected",
        call=call,
        status=301,
        answer_headers={"location": "https://user:word@proxy.example.org/login?next=1"},
        code="HTTP_301",
        message="redirected to proxy.example.org",
        fault="unclassified",
        retry="no",
        **expected,  # type: ignore[arg-type]
    )


def page_under_200(call: str, retry: str, **expected: object) -> Case:
    """A page in place of JSON: the API was not asked, or nobody knows."""
    return Case(
        name="page under 200",
        call=call,
        answer=nginx("Log in to the hotel's Wi-Fi"),
        code="INVALID_RESPONSE",
        message="a page came in place of JSON: Log in to the hotel's Wi-Fi",
        fault="vendor",
        retry=retry,
        **expected,  # type: ignore[arg-type]
    )


def nginx(title: str) -> str:
    """The page of a proxy before the API."""
    return f"<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center><hr><center>nginx</center></body></html>"
