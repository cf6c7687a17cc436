"""What error codes mean, for the answers and pages of one server, in the language of whoever asks."""

from typing import Annotated, Any

from litestar.datastructures import State
from litestar.params import HeaderParameter
from msgspec import Meta

from integration_monitor.monitoring.error_story import ErrorStory
from integration_monitor.record import IntegrationLog
from integration_monitor.server.languages import preferred_language
from integration_monitor.services.error_lines import Explanation
from integration_monitor.services.explanations import Explanations
from integration_monitor.services.sources import describe_all
from integration_monitor.settings import Settings
from integration_monitor.store.answers import ErrorGroup

#: A handler's parameter: the languages that the caller reads, as RFC 9110 writes them.
LanguagesAsked = Annotated[
    str,
    HeaderParameter(
        name="accept-language",
        description="Language of `meaning` and `remedy`: `en` or `ru`; English where it names neither.",
    ),
]
Meaning = Annotated[
    str | None, Meta(description="What the error code means, as the service's description says; null where nobody did.")
]
Remedy = Annotated[str | None, Meta(description="What to do about it.")]


class ExplainedGroup(ErrorGroup, kw_only=True, frozen=True):
    """A group of failures, and what it means."""

    meaning: Meaning = None
    remedy: Remedy = None


class ExplainedStory(ErrorStory, kw_only=True, frozen=True):
    """One group of failures whole, and what it means."""

    meaning: Meaning = None
    remedy: Remedy = None


class ExplainedLog(IntegrationLog, kw_only=True, frozen=True):
    """One record, and what its error code means."""

    meaning: Meaning = None
    remedy: Remedy = None


def explanations(settings: Settings) -> Explanations:
    """What the descriptions of these settings say of error codes."""
    # A description that cannot be used is told by whoever starts the server, and by the recorder: here it explains nothing.
    described = describe_all(settings.services_dir, on_error=lambda _error: None)
    return Explanations({name: one.service for name, one in described.items()})


def explanation(state: State, failure: ErrorGroup | ErrorStory | IntegrationLog, language: str) -> Explanation | None:
    """What a failure means, in a language of ours."""
    told: Explanations = state.explanations
    if isinstance(failure, ErrorGroup):
        message: str | None = failure.sample_message
    elif isinstance(failure, ErrorStory):
        message = failure.examples[0].message
    else:
        message = failure.error_message
    return told.explain(failure.service_name, failure.error_code, message, language=language)


def explained(state: State, failure: ErrorGroup | ErrorStory | IntegrationLog, languages: str) -> dict[str, Any]:
    """The fields of a failure, and what it means, for one of the types above.

    languages:
        As the header Accept-Language names them.
    """
    found = explanation(state, failure, preferred_language(languages))
    fields = {name: getattr(failure, name) for name in failure.__struct_fields__}
    return {**fields, "meaning": found.means if found else None, "remedy": found.remedy if found else None}
