"""Whoever has a result's link may read the file: it is in no message, table, repr or log."""

from __future__ import annotations

import logging
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import DownloadError, OceanError, ResponseTooLarge
from ocean_lib.http import deadline
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, World, new_wallet, start
from tests.wire import (
    Reply,
    Request,
    WireServer,
    answer,
    drip,
    html,
    raw,
    reset,
    silence,
)

SECRETS = {
    "digits": "4a2446c0d6063fca738c61a4c97e6731a659a5074a97eb5f2d79761431caa5d0",
    "words": "only-who-knows-this-may-read",
}
ENCODED = "a%2Fb%C3%A4%20c"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)


@pytest.fixture(params=SECRETS.values(), ids=SECRETS)
def secret(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def a_job(world: World, urls: list[str], session: Any = None) -> ComputeJob:
    config = world.config(
        **{"timeout.read": 0.2, "timeout.file_total": 0.4, "answer.max_bytes": 10_000}
    )
    compute = OceanCompute(config, DataServiceProvider(config, http_client=session))
    wallet = new_wallet()
    job_id = start(compute, wallet)
    world.provider.jobs[-1].update(resultsUrl=urls, algorithmLogUrl=urls[0])
    return compute.job(DID, job_id, wallet)


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


def moved(store: WireServer, secret: str) -> Reply:
    return answer(302, "", Location=f"{store.url}/elsewhere/{secret}/x.csv?sig={secret}")


FAULTS: dict[str, Reply] = {
    "404": html(404),
    "500": html(500),
    "reset": reset,
    "silence": silence,
    "not HTTP": raw(b"nonsense\r\n\r\n"),
    "cut short": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123"),
    "not compressed": answer(200, b"123", Content_Encoding="gzip"),
    "without an end": drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000),
    "a choice": answer(300, "", Location="http://127.0.0.1:1/only-who-knows-this-may-read/x"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("session", [lambda: None, requests.Session], ids=["ours", "the user's"])
def test_no_failure_shows_a_link(world, secret, fault, session, tmp_path: Path):
    route = {"bad.csv": fault, "good.csv": answer(200, b"1")}
    with WireServer(lambda request: route[request.path.rpartition("/")[2]]) as store:
        folder = f"{store.url}/results/{secret}"
        bad, good = f"{folder}/bad.csv", f"{folder}/good.csv"
        broken = a_job(world, [bad], session())
        partly = a_job(world, [bad, good], session())

        said = ""
        for act in (broken.download, broken.result_json, broken.logs):
            with pytest.raises(OceanError) as caught:
                act(*([tmp_path / "a"] if act == broken.download else []))
            said += shown(caught.value)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            report = partly.download(tmp_path / "b")

    assert report.failures
    said += repr(report) + report._repr_html_() + "".join(str(one.message) for one in warned)
    said += repr(partly) + repr(vars(partly)) + repr(partly.files())
    assert secret not in said
    assert "bad.csv" in said, "which file it was is said"
    assert f"{store.url}/…" in said, "and where it was asked for"


def test_no_log_of_urllib3_has_the_path_of_a_link(world, secret, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with WireServer(lambda _: answer(200, b"1")) as store:
        job = a_job(world, [f"{store.url}/results/{secret}/{ENCODED}.csv?sig={secret}"])
        caplog.clear()
        job.download(tmp_path)

    logged = "".join(record.getMessage() + repr(vars(record)) for record in caplog.records)
    assert '"GET /... HTTP/1.1" 200' in logged
    assert secret not in logged + "".join(capfd.readouterr())
    assert {one.target for one in store.requests} == {
        f"/results/{secret}/{ENCODED}.csv?sig={secret}"
    }


def test_the_log_still_tells_which_service_was_asked(world, secret, caplog):
    caplog.set_level(logging.DEBUG)

    a_job(world, [f"http://127.0.0.1:1/{secret}"]).status()

    logged = "".join(record.getMessage() for record in caplog.records)
    assert '"GET /api/v1/services/compute HTTP/1.1" 200' in logged


def test_where_a_link_leads_is_a_link_too(world, secret, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)

    def route(request: Request) -> Reply:
        return html(403) if request.path.startswith("/elsewhere") else moved(store, secret)

    with WireServer(route) as store:
        job = a_job(world, [f"{store.url}/results/first/r.csv"])
        with pytest.raises(DownloadError) as caught:
            job.download(tmp_path)

    logged = "".join(record.getMessage() for record in caplog.records)
    assert [one.path.split("/")[1] for one in store.requests[:2]] == ["results", "elsewhere"]
    assert secret not in shown(caught.value) + logged


def test_a_link_through_a_proxy_arrives_whole_and_shows_nowhere(
    world, secret, tmp_path, caplog, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    url = f"http://store.example/results/{secret}/r.csv"
    job = a_job(world, [f"{url}?sig={secret}"])
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with WireServer(lambda _: answer(200, b"1")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        paths = job.download(tmp_path)

    logged = "".join(record.getMessage() for record in caplog.records)
    assert [path.read_bytes() for path in paths] == [b"1", b"1"]
    assert {one.target for one in proxy.requests} == {f"{url}?sig={secret}"}
    assert secret not in logged
    assert "GET http://store.example/... HTTP/1.1" in logged


def test_a_file_that_is_too_long_does_not_show_its_link(world, secret):
    with WireServer(lambda _: answer(200, b"1" * 20_000)) as store:
        job = a_job(world, [f"{store.url}/results/{secret}/r.json"])

        with pytest.raises(ResponseTooLarge) as caught:
            job.result_json()

    assert secret not in shown(caught.value)
    assert caught.value.url == f"{store.url}/…"
