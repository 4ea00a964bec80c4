"""A Content-Encoding is undone exactly once, and a file named as a gzip file stays one."""

from __future__ import annotations

import gzip
import os
import zlib

import pytest
import requests

from ocean_lib.exceptions import MalformedResponse, ResponseTooLarge
from ocean_lib.http.exchange import HttpExchange
from ocean_lib.http.files import announced_bytes
from tests.wire import Reply, WireServer, answer, raw

TEXT = b"a,b\n1,2\n" * 50_000
NOISE = os.urandom(300_000)


def read(reply: Reply, name: str = "", client: object = None) -> bytes:
    with (
        WireServer(lambda _: reply) as server,
        HttpExchange(client).stream(server.url, operation="read it", name=name) as (_, pieces),
    ):
        return b"".join(pieces)


def chunked(*parts: bytes, encoding: str = "gzip") -> Reply:
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: {encoding}\r\n\r\n"
    body = b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in (*parts, b""))
    return raw(head.encode() + body)


def bare_deflate(content: bytes) -> bytes:
    pack = zlib.compressobj(wbits=-15)
    return pack.compress(content) + pack.flush()


@pytest.mark.parametrize("content", [TEXT, NOISE, b"", b"x"])
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("identity, gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", bare_deflate),
        ("identity", bytes),
        ("", bytes),
    ],
)
@pytest.mark.parametrize("client", [lambda: None, requests.Session], ids=["ours", "the user's"])
def test_what_was_packed_for_the_way_is_unpacked(content, encoding, pack, client) -> None:
    assert read(answer(200, pack(content), Content_Encoding=encoding), client=client()) == content


def test_pieces_may_be_as_small_as_they_like() -> None:
    packed = gzip.compress(TEXT)
    pieces = [packed[at : at + 7] for at in range(0, len(packed), 7)]

    assert read(chunked(*pieces)) == TEXT


def test_gzip_files_one_after_the_other_are_one() -> None:
    packed = gzip.compress(b"one,") + gzip.compress(b"two") + bytes(512)

    assert read(answer(200, packed, Content_Encoding="gzip")) == b"one,two"
    assert read(chunked(packed[:30], packed[30:-500], packed[-500:])) == b"one,two"


@pytest.mark.parametrize("name", ["x.csv.gz", "X.TGZ"])
@pytest.mark.parametrize("content", [TEXT, NOISE, b"", b"x"])
def test_a_file_named_gz_is_a_gzip_file_afterwards(name, content) -> None:
    stored = gzip.compress(content)

    as_stored = read(answer(200, stored, Content_Encoding="gzip"), name)
    packed_again = read(answer(200, gzip.compress(stored), Content_Encoding="gzip"), name)
    plain = read(answer(200, stored), name)

    assert as_stored == packed_again == plain == stored
    assert read(chunked(stored[:5], stored[5:]), name) == stored


def test_a_gzip_file_of_another_name_is_unpacked_once() -> None:
    stored = gzip.compress(TEXT)

    assert read(answer(200, gzip.compress(stored), Content_Encoding="gzip"), "x.bin") == stored


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, deflate", "rot13"])
def test_what_was_not_asked_for_is_an_error(encoding) -> None:
    nested = gzip.compress(gzip.compress(bytes(10**6)))

    with pytest.raises(MalformedResponse, match=encoding):
        read(answer(200, nested, Content_Encoding=encoding))


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(TEXT)[:-20],  # cut short, with a length that fits
        gzip.compress(TEXT)[:-4] + b"\0\0\0\1",
        gzip.compress(TEXT) + b"more",
        b"not packed at all",
    ],
)
def test_what_is_not_packed_as_it_says_is_an_error(body) -> None:
    with pytest.raises(MalformedResponse, match="not compressed as it says"):
        read(answer(200, body, Content_Encoding="gzip"))


def test_nor_is_what_is_named_as_a_gzip_file_and_is_none() -> None:
    with pytest.raises(MalformedResponse, match="not compressed as it says"):
        read(answer(200, b"not packed at all", Content_Encoding="gzip"), "x.gz")


def test_an_error_page_that_cannot_be_unpacked_is_still_an_error_page() -> None:
    with WireServer(lambda _: answer(502, b"\x0b\x02\x80", Content_Encoding="br")) as server:
        got = HttpExchange().send("GET", server.url, operation="do it")

    assert (got.status_code, got.body) == (502, b"")


@pytest.mark.slow
def test_a_bomb_ends_at_the_limit_of_an_answer() -> None:
    bomb = gzip.compress(bytes(10**8))
    with WireServer(lambda _: answer(200, bomb, Content_Encoding="gzip")) as server:
        http = HttpExchange(max_answer_bytes=10**6)
        with pytest.raises(ResponseTooLarge):
            http.send("GET", server.url, operation="do it")


def test_no_piece_of_a_bomb_is_larger_than_another() -> None:
    with (
        WireServer(lambda _: chunked(gzip.compress(bytes(10**7)))) as server,
        HttpExchange().stream(server.url, operation="read it") as (_, pieces),
    ):
        sizes = [len(piece) for piece in pieces]

    assert sum(sizes) == 10**7
    assert max(sizes) <= 64 * 1024


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-length": "12"}, 12),
        ({"content-length": "12", "content-encoding": "identity"}, 12),
        ({"content-length": "12", "content-encoding": "gzip"}, None),
        ({"content-length": "²"}, None),
        ({"content-length": "-1"}, None),
        ({}, None),
    ],
)
def test_a_length_is_announced_only_for_what_is_kept(headers, expected) -> None:
    assert announced_bytes(headers) == expected
