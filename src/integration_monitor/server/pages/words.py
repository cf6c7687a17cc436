"""The words of ours that pages write from Python: for charts, which no template fills."""

from collections.abc import Mapping
from typing import Any

from integration_monitor.server.languages import DEFAULT_LANGUAGE
from integration_monitor.server.pages.reader import Reader


def fault_word(reader: Reader, fault: str) -> str:
    """Whose doing a failure is, in a word."""
    words = {
        "ours": reader.gettext("Ours"),
        "auth": reader.gettext("Access"),
        "limit": reader.gettext("Limit"),
        "recipient": reader.gettext("Recipient"),
        "vendor": reader.gettext("Vendor"),
        "network": reader.gettext("Network"),
        "unclassified": reader.gettext("Unclassified"),
    }
    return words.get(fault, fault)


def incident_words(reader: Reader, summary: str, facts: Mapping[str, Any]) -> str:
    """What is wrong: as it was told, in English; to other readers what is known of its beginning, where that is enough to say.

    facts:
        As `alerts.wording.facts` keeps them.
    """
    if reader.language == DEFAULT_LANGUAGE:
        return summary
    words = []
    failed, hurt = facts.get("failed_count"), facts.get("entity_count")
    if isinstance(failed, int) and failed > 0:
        words.append(reader.ngettext("%(number)s failed call", "%(number)s failed calls", failed) % {"number": failed})
    if isinstance(hurt, int) and hurt > 0:
        words.append(reader.ngettext("%(number)s entity", "%(number)s entities", hurt) % {"number": hurt})
    if isinstance(facts.get("fault"), str):
        words.append(fault_word(reader, facts["fault"]))
    # The vendor's own words are nobody's to translate.
    said = " ".join(each for each in (facts.get("error_code"), facts.get("error_message")) if isinstance(each, str) and each)
    return " · ".join([*words, said] if said else words) if words else summary
