"""Bodies become JSON, whatever they are."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from integration_monitor import body

MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n42\r\n'
    b'--b\r\nContent-Disposition: form-data; name="photo"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\x00\r\n--b--\r\n'
)


@pytest.mark.parametrize(
    ("content", "content_type", "expected"),
    [
        (b'{"ok":true}', "application/json", {"ok": True}),
        (b' [{"id":1}]', "text/html; charset=utf-8", [{"id": 1}]),
        ('{"a":"текст"}', "", {"a": "текст"}),
        (b"123", "application/json", 123),
        (b"123", "text/plain", "123"),
        (b"{not json", "application/json", "{not json"),
        (b"recipient=7700&params%5Bname%5D=a&x=1&x=2&e=", "application/x-www-form-urlencoded", {"recipient": "7700", "params[name]": "a", "x": ["1", "2"], "e": ""}),
        ("привет".encode("cp1251"), "text/plain; charset=windows-1251", "привет"),
        (b"caf\xe9", "text/plain", "caf\ufffd"),
        (b"", "application/json", None),
        (None, "", None),
    ],
)  # fmt: skip
def test_body_is_read_as_what_it_is(content: bytes | str | None, content_type: str, expected: object) -> None:
    assert body.parse(content, content_type=content_type).value == expected


@pytest.mark.parametrize(
    ("content", "content_type"), [(b"\x89PNG\x00\xff", "image/png"), (b"\x00\x01", ""), (b"\xff\xfe\xfd", "")]
)
def test_binary_body_is_described_and_not_kept(content: bytes, content_type: str) -> None:
    described = body.parse(content, content_type=content_type).value

    assert described["binary"] is True
    assert described["size"] == len(content)
    assert len(described["sha256"]) == 64


def test_multipart_keeps_fields_and_describes_files() -> None:
    parsed = body.parse(MULTIPART, content_type="multipart/form-data; boundary=b").value

    assert parsed["chat_id"] == "42"
    assert parsed["photo"]["filename"] == "a.png"
    assert parsed["photo"]["binary"] is True


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_encoded_body_is_unpacked(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    assert body.parse(pack(b'{"ok":false}'), encoding=encoding).value == {"ok": False}


def test_unknown_encoding_is_described_as_binary() -> None:
    assert body.parse(b"\x1b\x00", encoding="br").is_binary


def test_compressed_bomb_is_unpacked_only_to_its_bound() -> None:
    bomb = gzip.compress(b"a" * (body.UNPACKED_BYTES_MAX * 20))

    assert len(body.parse(bomb, encoding="gzip").value) == body.UNPACKED_BYTES_MAX


def test_hostile_nesting_becomes_text() -> None:
    nested = b"[" * 100_000

    assert body.parse(nested, content_type="application/json").value == nested.decode()


def test_beginning_of_a_large_body_becomes_a_preview_with_the_size_of_the_whole() -> None:
    beginning = body.parse(b'{"items":[1,2', size=4_000_000)

    assert beginning.is_cut
    assert beginning.shorten(beginning.value, 100) == {"truncated": True, "size": 4_000_000, "preview": '{"items":[1,2'}


def test_cut_inside_a_character_is_not_binary() -> None:
    assert body.parse("ая".encode()[:3], size=4).value == "а"


def test_large_body_is_shortened_and_a_small_one_is_left_alone() -> None:
    small, large = body.parse(b'{"a":1}'), body.parse(('{"truncated":true,"a":"' + "я" * 1000 + '"}').encode())

    assert small.shorten(small.value, 100) is small.value
    shortened = large.shorten(large.value, 100)

    assert shortened["truncated"] is True
    assert shortened["size"] == large.size
    assert len(shortened["preview"].encode()) <= 100


def test_packed_body_is_measured_by_what_it_unpacks_to() -> None:
    packed = gzip.compress(b'{"a": "' + b"x" * 200_000 + b'"}')

    parsed = body.parse(packed, content_type="application/json", encoding="gzip")
    kept = parsed.shorten(parsed.value, 1000)

    assert not parsed.is_cut
    assert (kept["truncated"], kept["size"], len(kept["preview"])) == (True, len(packed), 1000)


def test_body_that_unpacks_beyond_the_limit_is_cut() -> None:
    packed = gzip.compress(b"x" * (body.UNPACKED_BYTES_MAX + 1))

    parsed = body.parse(packed, content_type="text/plain", encoding="gzip")

    assert parsed.is_cut
    assert len(parsed.value) == body.UNPACKED_BYTES_MAX


def test_fields_of_a_form_that_was_cut_are_read() -> None:
    parsed = body.parse(b"a=1&payload=%7B%22b", content_type="application/x-www-form-urlencoded", size=2_000_000)

    assert parsed.is_cut
    assert parsed.value == {"a": "1", "payload": '{"b'}


def test_parts_of_an_upload_that_was_cut_are_read() -> None:
    cut = MULTIPART[: MULTIPART.index(b"PNG")]

    parsed = body.parse(cut, content_type="multipart/form-data; boundary=b", size=2_000_000)

    assert parsed.is_cut
    assert parsed.value == {"chat_id": "42", "photo": {"filename": "a.png", "truncated": True}}


def test_parts_of_a_batch_are_read_whatever_their_encoding() -> None:
    content = (
        b"--X\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: base64\r\n\r\nUE9TVCAvYQ==\r\n"
        b'--X\r\nContent-Type: application/json\r\nAuthorization: Bearer abc\r\n\r\n{"a": 1}\r\n'
        b"--X\r\nContent-Type: image/png\r\n\r\n\xff\x00\r\n--X--\r\n"
    )

    parts = body.parse(content, content_type="multipart/mixed; boundary=X").value

    assert [one["body"] for one in parts[:2]] == ["POST /a", {"a": 1}]
    assert parts[1]["headers"] == {"content-type": "application/json", "authorization": "Bearer abc"}
    assert parts[2]["body"]["binary"] is True


def test_parts_without_a_boundary_are_text() -> None:
    assert body.parse(b"--X\r\n\r\na\r\n--X--", content_type="multipart/mixed").value == "--X\r\n\r\na\r\n--X--"


def test_json_with_a_byte_order_mark_is_json() -> None:
    for kind in ("application/json", "text/html", ""):
        assert body.parse(b'\xef\xbb\xbf{"ok": true}', content_type=kind).value == {"ok": True}


def test_json_that_is_called_a_form_is_json() -> None:
    content = b'{"password": "a&b=c"}'

    assert body.parse(content, content_type="application/x-www-form-urlencoded").value == {"password": "a&b=c"}
    assert body.parse(content[:-2], content_type="application/x-www-form-urlencoded", size=99).value == '{"password": "a&b=c'
