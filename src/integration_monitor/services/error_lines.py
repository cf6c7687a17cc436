"""What error codes mean, line by line: the entries of `[[errors]]` in a description, and in the files of the folder `explained`."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from integration_monitor.services.condition import has_word
from integration_monitor.services.forms import Word

#: Of a file; a vendor has some dozens.
LINES_MAX: Final = 1000

# A sentence: what is read at night must be short.
Sentence = Annotated[str, Meta(min_length=1, max_length=200)]


class Explanation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What an error means and what to do about it, in one sentence each."""

    means: Sentence
    #: None where the description says nothing of it
    remedy: Sentence | None = None


class ErrorLine(Explanation, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An entry of `[[errors]]`, in English. The first that applies counts."""

    #: `invalid_*` among them
    codes: Annotated[list[Word], Meta(min_length=1, max_length=500)]
    #: only where the vendor's words hold one of these, in whatever case
    messages: Annotated[list[Word], Meta(max_length=100)] = []
    #: the same in Russian
    ru: Explanation | None = None

    def applies(self, code: str, message: str) -> bool:
        """Whether the line is about a failure of this code and these words."""
        return has_word(self.codes, code) and (
            not self.messages or any(words.lower() in message.lower() for words in self.messages)
        )

    def in_language(self, language: str) -> Explanation:
        """In English where nothing is said in the language."""
        told = self.ru if language == "ru" and self.ru is not None else self
        return Explanation(means=told.means, remedy=told.remedy)
