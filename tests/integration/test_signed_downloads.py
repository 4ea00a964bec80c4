"""The files of an ordered asset come through the Provider: each request has its own signature."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    ConnectionBroken,
    DownloadError,
    OceanError,
    ResponseTooLarge,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http import deadline
from tests.players import DID, ORDER, World, new_wallet, signer_of
from tests.wire import Reply, Request, answer, html, raw

TOKEN = "0x" + "1" * 40
CONTENT = b"a,b\n" * 1000
NAMED = {"Content-Disposition": 'attachment; filename="out.csv.gz"'}
CUT = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + CONTENT[:2000])
PAGE = "<!doctype html><title>Just a moment...</title>"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def download(world: World, folder: Path, *replies: Reply, **options: Any) -> tuple[bytes, int]:
    """Return what came, and how many requests it took; each must be over the stored nonce."""
    left = list(replies)
    wallet = new_wallet()
    world.provider.nonces[wallet.address] = 0

    def serve(request: Request) -> Reply:
        nonce = world.provider.nonces[wallet.address]
        assert signer_of(f"{DID}{nonce}", request.query["signature"]) == wallet.address
        world.provider.nonces[wallet.address] += 1
        return left.pop(0) if len(left) > 1 else left[0]

    world.provider._download = serve  # type: ignore[attr-defined]
    provider = DataServiceProvider(world.config(**options))
    url = provider.build_download_endpoint(world.provider.url)[1]
    try:
        (path,) = provider.download_service(DID, url, wallet, [{}], folder, 3, TOKEN, ORDER)
    except OceanError as error:
        error.requests = world.provider.count()["download"]  # type: ignore[attr-defined]
        raise
    return Path(path).read_bytes(), world.provider.count()["download"]


@pytest.mark.parametrize("first", [html(429), html(503), html(522), raw(b""), CUT])
def test_one_failure_is_made_good_with_another_signature(world, tmp_path, first) -> None:
    assert download(world, tmp_path, first, answer(200, CONTENT)) == (CONTENT, 2)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (html(429), TooManyRequests),
        (html(520), ServiceUnavailable),
        (raw(b""), ConnectionBroken),
        (CUT, ConnectionBroken),
    ],
)
def test_two_are_an_error_and_leave_nothing(world, tmp_path, reply, kind) -> None:
    with pytest.raises(kind) as caught:
        download(world, tmp_path, reply)

    assert caught.value.requests == 2  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []


def test_a_transfer_may_take_longer_than_a_call(world, tmp_path) -> None:
    def slow(exchange: Any) -> None:
        exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(30):
            exchange.over.wait(0.02)
            exchange.send(b"x")

    content, _ = download(world, tmp_path, slow, **{"timeout.total": 0.4})

    assert content == b"x" * 30


def test_a_gzip_file_stays_one(world, tmp_path) -> None:
    stored = gzip.compress(CONTENT)
    for reply in (
        answer(200, stored, Content_Encoding="gzip", **NAMED),
        answer(200, gzip.compress(stored), Content_Encoding="gzip", **NAMED),
    ):
        assert download(world, tmp_path, reply)[0] == stored


def test_a_page_in_its_place_is_told_as_such(world, tmp_path) -> None:
    with pytest.raises(DownloadError, match="web page"):
        download(world, tmp_path, answer(200, PAGE, "text/html", **NAMED))
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_announced_has_a_limit(world, tmp_path) -> None:
    bomb = answer(200, gzip.compress(bytes(10**6)), Content_Encoding="gzip")

    with pytest.raises(ResponseTooLarge):
        download(world, tmp_path, bomb, **{"downloads.max_bytes": 10**5})

    assert list(tmp_path.iterdir()) == []
    assert download(world, tmp_path, bomb)[0] == bytes(10**6)
