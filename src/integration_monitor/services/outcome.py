"""What the services' readings have in common: failures without an answer, HTTP statuses, and messages in bodies."""

import html
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from integration_monitor.record import Fault, Json, NoAnswer
from integration_monitor.services.bodies import field_at, text_of
from integration_monitor.services.exchange import SUCCESS, Exchange, Outcome, Retry
from integration_monitor.services.folding import holds_identifier

# A message is read by a person; the whole body is in the record.
MESSAGE_CHARS_MAX = 1000
# The words of a page are of more use to whoever looks at it.
PAGE_CHARS_MAX = 200
# Of the items of a list so many are told, then their number.
ITEMS_TOLD_MAX = 10
# How much of a page is searched for its title.
_PAGE_CHARS_READ = 4096
# A day's wait is the longest that a vendor means; more is a mistake or an attack.
_RETRY_AFTER_S_MAX = 7 * 86_400

# The longest name that DNS has.
_HOST_CHARS_MAX = 253

_CODE = re.compile(r"[A-Za-z0-9_.:/-]{1,64}")
_TITLE = re.compile(r"<(title|h1)[^>]*>\s*([^<]+?)\s*</\1", re.IGNORECASE)
_TAG = re.compile(r"<(?:(?:style|script)\b[^>]*>[^<]*</)?[^>]*>")
_SPACE = re.compile(r"\s+")

# Where APIs put their words, the more telling ones first.
_MESSAGE_FIELDS = (
    "error.message",
    "message",
    "error_description",
    "error.detail",
    "error.description",
    "error",
    "detail",
    "title",
    "errors.0.message",
    "errors.0.detail",
    "errors.0.title",
    "errors.0",
    "detail.0.msg",
    "errors.message",
    "description",
    "reason",
    "msg",
)

NO = Retry(advice="no")
SAFE = Retry(advice="safe")
AMBIGUOUS = Retry(advice="ambiguous")

# The application itself ended the first two; the last came from the vendor and was no answer. All others are the way's fault.
_FAULTS_WITHOUT_ANSWER: dict[str, Fault] = {"CANCELLED": "ours", "NOT_DONE": "ours", "INVALID_RESPONSE": "vendor"}


def failure(code: str, message: str | None, fault: Fault, retry: Retry = NO, *, note: str | None = None) -> Outcome:
    """A failed outcome; the message is cut to MESSAGE_CHARS_MAX."""
    if message is not None and len(message) > MESSAGE_CHARS_MAX:
        message = message[: MESSAGE_CHARS_MAX - 1] + "…"
    return Outcome(is_success=False, error_code=code, error_message=message, fault=fault, retry=retry, note=note)


def safe_or_ambiguous(*, is_repeatable: bool) -> Retry:
    """Nobody knows whether it was done: safe only where a repetition can do no harm."""
    return SAFE if is_repeatable else AMBIGUOUS


def without_answer(no_answer: NoAnswer, *, is_repeatable: bool) -> Outcome:
    """No complete answer came: for every service alike."""
    retry = safe_or_ambiguous(is_repeatable=no_answer.is_unsent or is_repeatable)
    return failure(no_answer.code, no_answer.message, _FAULTS_WITHOUT_ANSWER.get(no_answer.code, "network"), retry)


def by_status(exchange: Exchange, *, is_repeatable: bool, message: str | None = None, code: str | None = None) -> Outcome:
    """The outcome that the HTTP status alone tells; below 400 it is a success."""
    status = exchange.status_code
    if status is None or status < HTTPStatus.CONTINUE:
        retry = safe_or_ambiguous(is_repeatable=is_repeatable)
        return failure("INVALID_RESPONSE", "the answer had no status", "network", retry)
    if status < HTTPStatus.BAD_REQUEST:
        return SUCCESS
    return failure(
        code or f"HTTP_{status}",
        message or message_in(exchange.response_body) or reason_of(status),
        fault_of_status(status),
        retry_of_status(exchange, is_repeatable=is_repeatable),
    )


def not_from_the_api(exchange: Exchange, *, is_repeatable: bool) -> Outcome | None:
    """What an answer below 400 means that an API of JSON does not give itself: a redirect, or a page. None where it may be the API's.

    It comes from what stands before the API: a proxy, a check for robots, the log-in of a hotel's network.
    """
    status, body = exchange.status_code or 0, exchange.response_body
    if status < HTTPStatus.MULTIPLE_CHOICES and type(body) is not str:
        return None
    if status == HTTPStatus.NOT_MODIFIED:
        return Outcome(is_success=True, note="not modified")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return failure(f"HTTP_{status}", f"redirected to {redirect_target(exchange)}", "unclassified")
    if isinstance(body, str) and body.lstrip().startswith("<"):
        words = page_text(body) or "without words"
        retry = safe_or_ambiguous(is_repeatable=is_repeatable)
        return failure("INVALID_RESPONSE", f"a page came in place of JSON: {words}", "vendor", retry)
    return None


def redirect_target(exchange: Exchange) -> str:
    """The host that a redirect leads to. Not the whole address: it may hold what is secret."""
    try:
        host = urlsplit(exchange.response_headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:  # a bracket that nobody closed
        host = ""
    return host[:_HOST_CHARS_MAX] or "another address"


def fault_of_status(status: int) -> Fault:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN):
        return "auth"
    if status in (HTTPStatus.PROXY_AUTHENTICATION_REQUIRED, HTTPStatus.REQUEST_TIMEOUT):
        return "network"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "limit"
    return "ours" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "vendor"


def retry_of_status(exchange: Exchange, *, is_repeatable: bool) -> Retry:
    """429 means refused before anything happened; a 5xx may have come after it had."""
    status = exchange.status_code or 0
    after_s = retry_after_s(exchange)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Retry(advice="after", after_s=after_s)
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        if not is_repeatable:
            return Retry(advice="ambiguous", after_s=after_s)
        return Retry(advice="safe" if after_s is None else "after", after_s=after_s)
    return NO


def retry_after_s(exchange: Exchange) -> float | None:
    """Seconds by the header Retry-After (RFC 9110), which holds seconds or a date; None where it holds neither."""
    value = (exchange.response_headers.get("retry-after") or "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            at = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - exchange.answered_at
    return bounded_wait_s(seconds) if seconds == seconds else None  # noqa: PLR0124 (NaN)


def bounded_wait_s(seconds: float) -> float:
    """A wait as a vendor may mean it, whatever number it sent: an integer may be too large for a float."""
    return round(float(min(max(seconds, 0), _RETRY_AFTER_S_MAX)), 3)


def vendor_code(value: Json) -> str | None:
    """A vendor's code as text; None where it is no code, or would grow with identifiers."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    if isinstance(value, int) and abs(value) >= 10**7:
        return None
    text = str(value).strip()
    return text if _CODE.fullmatch(text) and not holds_identifier(text) else None


def message_in(body: Json) -> str | None:
    """The vendor's words in a body of one of the usual shapes: JSON, a page, or text."""
    if isinstance(body, str):
        return page_text(body) if "<" in body else _SPACE.sub(" ", body[:MESSAGE_CHARS_MAX]).strip() or None
    for field in _MESSAGE_FIELDS:
        text = text_of(field_at(body, field))
        if text is not None:
            return text
    return None


def page_text(page: str) -> str | None:
    """The title of an HTML page, or its first words."""
    page = page[:_PAGE_CHARS_READ]
    title = _TITLE.search(page)
    text = title[2] if title else _TAG.sub(" ", page)
    return _SPACE.sub(" ", html.unescape(text))[:PAGE_CHARS_MAX].strip() or None


def reason_of(status: int) -> str:
    """The reason phrase of a status: `Bad Gateway`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"HTTP status {status}"


def listed(texts: list[str], *, separator: str = "; ") -> str:
    """Up to ITEMS_TOLD_MAX texts, and the number of the others."""
    told = separator.join(texts[:ITEMS_TOLD_MAX])
    others = len(texts) - ITEMS_TOLD_MAX
    return f"{told}; and {others} more" if others > 0 else told
