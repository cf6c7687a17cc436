"""The framing of a body that is sent in chunks (RFC 9112, 7.1)."""

from collections.abc import Iterator

_BASE = 16

# A size has at most sixteen digits; extensions behind it are rare and short.
_LINE_BYTES_MAX = 1_000


class Chunks:
    """Takes the framing off a body as it is sent, in whatever pieces. What is not framed like that ends it: nothing more comes."""

    def __init__(self) -> None:
        # What has come of a line that says a size; the line that ends a chunk is empty.
        self._line = b""
        # Bytes of the chunk that are still to come.
        self._left = 0
        self._is_over = False

    def take(self, data: bytes) -> Iterator[memoryview]:
        """What the piece holds of the body itself, as views of it."""
        position = 0
        while position < len(data) and not self._is_over:
            if self._left:
                piece = memoryview(data)[position : position + self._left]
                yield piece
                position += len(piece)
                self._left -= len(piece)
            else:
                end = data.find(b"\n", position)
                self._line += data[position:] if end < 0 else data[position:end]
                position = len(data) if end < 0 else end + 1
                if end >= 0:
                    self._read_line()
                elif len(self._line) > _LINE_BYTES_MAX:
                    self._is_over = True

    def _read_line(self) -> None:
        size, self._line = self._line.partition(b";")[0].strip(), b""
        if size:
            try:
                self._left = int(size, _BASE)
            except ValueError:
                self._left = 0
            # The last chunk is empty.
            self._is_over = self._left <= 0
