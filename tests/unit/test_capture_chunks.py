"""The framing of a body that is sent in chunks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from integration_monitor.capture.chunks import Chunks


def frame(bodies: list[bytes]) -> bytes:
    return b"".join(b"%X\r\n%b\r\n" % (len(body), body) for body in bodies) + b"0\r\n\r\n"


def take(*pieces: bytes) -> bytes:
    chunks = Chunks()
    return b"".join(one for piece in pieces for one in chunks.take(piece))


@given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(0, 400)))
def test_the_framing_is_taken_off_wherever_it_is_cut(bodies: list[bytes], cuts: list[int]) -> None:
    framed = frame(bodies)
    edges = [0, *sorted(min(cut, len(framed)) for cut in cuts), len(framed)]
    pieces = [framed[start:end] for start, end in itertools.pairwise(edges)]

    assert take(*pieces) == b"".join(bodies)


def test_extensions_and_trailers_are_no_part_of_the_body() -> None:
    assert take(b"3;name=value\r\none\r\n0\r\nX-Digest: 12\r\n\r\n") == b"one"


def test_what_is_not_framed_ends_the_body() -> None:
    assert take(b"3\r\none\r\nno size\r\n", b"3\r\ntwo\r\n") == b"one"
    assert take(b"x" * 2_000, b"\n3\r\ntwo\r\n") == b""
