"""The words of ours that pages write from Python: for charts, which no template fills."""

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
