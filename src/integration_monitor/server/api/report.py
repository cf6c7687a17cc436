"""`report`: what to send to a vendor's support."""

from datetime import timedelta
from typing import Annotated, Final, Literal

import msgspec
from litestar import get
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import QueryParameter
from litestar.response import Response, Template

from integration_monitor.monitoring import error_groups, report
from integration_monitor.monitoring.report import Report, Sample
from integration_monitor.monitoring.windows import WindowError
from integration_monitor.server.api.parameters import (
    NAME_LENGTH_MAX,
    NAME_PATTERN,
    PROBLEMS,
    From,
    To,
    refuse_unknown_parameters,
    window,
)
from integration_monitor.server.auth import AskedQuestions, requires
from integration_monitor.server.refusals import ParameterRefused

_WINDOW_DEFAULT: Final = timedelta(days=1)
# A day less than what errors can be asked for: the window is widened to whole hours or days.
_WINDOW_LONGEST: Final = timedelta(days=error_groups.DAYS_MAX - 1)


@get(
    "/report",
    guards=[requires("records"), refuse_unknown_parameters],
    operation_id="report",
    summary="What to send to a vendor's support",
    responses={
        200: ResponseSpec(Report, generate_examples=False, description="The report as JSON; with `format=html` as a page."),
        **PROBLEMS,
    },
)
async def show_report(
    questions: AskedQuestions,
    service: Annotated[
        str,
        QueryParameter(
            description="The vendor's service, such as `resend`.",
            min_length=1,
            max_length=NAME_LENGTH_MAX,
            pattern=NAME_PATTERN,
            examples=[Example(value="resend")],
        ),
    ],
    from_: From = None,
    to: To = None,
    format: Annotated[  # noqa: A002  # the parameter's name
        Literal["json", "html"],
        QueryParameter(description="`json`, or `html`: a page that stands alone.", examples=[Example(value="html")]),
    ] = "json",
) -> Response[Report] | Template:
    """Period, actions with counts and percentiles, kinds of failures, the latest failed calls with the vendor's request ids, and samples without
    secrets and with personal data masked. The last 24 hours where `from` is left out, 30 days at most.
    """
    since, until = window(from_, to, default=_WINDOW_DEFAULT, longest=_WINDOW_LONGEST)
    try:
        made = await report.report(questions, service=service, since=since, until=until)
    except WindowError as error:
        raise ParameterRefused(error.parameter, error.reason) from error
    if format == "html":
        return Template("report.html", context={"report": made, "bodies": [_bodies(sample) for sample in made.samples]})
    return Response(made)


def _bodies(sample: Sample) -> tuple[str, str]:
    """What was sent and what came back, as text to be read."""
    return _readable(sample.request_body), _readable(sample.response_body)


def _readable(body: object) -> str:
    if body is None:
        return ""
    return body if isinstance(body, str) else msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
