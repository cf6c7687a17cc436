"""One page of an answer: rows, and where the next page begins."""

from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

Row = TypeVar("Row")


class Page(msgspec.Struct, Generic[Row], kw_only=True, frozen=True):
    """Rows of an answer. `next` is None on the last page."""

    data: Annotated[Sequence[Row], Meta(description="The rows.")]
    next: Annotated[
        str | None, Meta(description="Opaque. Give it as `before` to read the following rows; null where there are none.")
    ] = None
