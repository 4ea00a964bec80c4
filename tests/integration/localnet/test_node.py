"""A network of generation `node`: one folder, two ports, and jobs that survive."""

from __future__ import annotations

import itertools
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib import AlgorithmMetadata, FileInput, Ocean
from ocean_lib.localnet import LocalNetwork, NodeOptions
from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.faults import ForgetStop, MissingImage, Unavailable
from tests.unit.localnet.node_replay import signed_with
from tests.wire import Reply, Request, WireServer, answer

API = "/api/services"
SLOW = "import time\nprint('running', flush=True)\ntime.sleep(600)\n"
QUICK = "print('hello')\n"


class Caller:
    """Somebody who asks a node, by hand."""

    _nonces = itertools.count(1)

    def __init__(self, network: LocalNetwork, account: int = 0) -> None:
        self.network = network
        self.account = network.accounts[account]
        self.address = str(self.account.address)
        environments = self.get("computeEnvironments").json()
        self.environment = environments[0]["id"]

    def signed(self, command: str, nonce: int | None = None) -> dict[str, str]:
        nonce = nonce or int(time.time() * 1000) * 1000 + next(self._nonces) % 1000
        key = "0x" + bytes(self.account.key).hex()
        signature = signed_with(key, self.address, nonce, command)
        return {"consumerAddress": self.address, "nonce": str(nonce), "signature": signature}

    def get(self, name: str, **query: str) -> requests.Response:
        return requests.get(f"{self.network.provider_url}{API}/{name}", params=query, timeout=30)

    def start(self, code: str = QUICK, **more: Any) -> requests.Response:
        container = {"image": "python", "tag": "3.11-slim", "entrypoint": "python3 $ALGO"}
        body = {
            "environment": self.environment,
            "datasets": [],
            "algorithm": {"meta": {"rawcode": code, "container": container}},
            **self.signed("freeStartCompute"),
            **more,
        }
        url = f"{self.network.provider_url}{API}/freeCompute"
        return requests.post(url, json=body, timeout=30)

    def started(self, code: str = QUICK, **more: Any) -> str:
        answered = self.start(code, **more)
        assert answered.status_code == 200, answered.text
        return str(answered.json()[0]["jobId"])

    def job(self, job_id: str) -> dict[str, Any]:
        (found,) = self.get("compute", consumerAddress=self.address, jobId=job_id).json()
        document: dict[str, Any] = found
        return document

    def until(self, job_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while not condition(job := self.job(job_id)):
            assert time.monotonic() < deadline, job
            time.sleep(0.02)
        return job

    def ended(self, job_id: str) -> dict[str, Any]:
        return self.until(job_id, lambda job: job["dateFinished"] is not None)

    def stop(self, job_id: str) -> requests.Response:
        query = {**self.signed("stopCompute"), "jobId": job_id}
        url = f"{self.network.provider_url}{API}/compute"
        return requests.put(url, params=query, timeout=30)

    def result(self, job_id: str, index: int) -> requests.Response:
        signed = self.signed("getComputeResult")
        return self.get("computeResult", **signed, jobId=job_id, index=str(index))


@pytest.fixture(scope="module")
def network() -> Iterator[LocalNetwork]:
    with LocalNetwork(generation="node", jobs_at_once=2) as running:
        yield running


@pytest.fixture
def caller(network: LocalNetwork) -> Iterator[Caller]:
    network.faults.clear()
    one = Caller(network)
    yield one
    network.faults.clear()
    for job in one.get("compute", consumerAddress=one.address).json():
        if job["dateFinished"] is None:
            job_id = f"{one.environment.partition('-')[0]}-{job['jobId']}"
            one.stop(job_id)
            one.ended(job_id)


def test_the_client_is_told_of_the_node_and_its_chain_and_of_no_metadata_cache(
    network: LocalNetwork,
) -> None:
    assert network.options["resources"] == {"provider.url": network.provider_url}
    assert network.options["eth-network"] == {
        "network": network.rpc_url,
        "address.file": str(network.address_file),
    }
    assert json.loads(network.address_file.read_text()) == network.contracts.as_address_file()


def test_a_node_loads_neither_the_client_nor_what_only_v3_needs() -> None:
    code = (
        "import sys\nfrom ocean_lib.localnet import LocalNetwork\n"
        "with LocalNetwork(generation='node') as network:\n"
        "    print(sorted({'web3', 'ecies', 'jsonschema'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )

    assert done.stdout == "[]\n"


def test_a_job_that_finds_no_room_is_refused_or_waits_as_it_asked(caller: Caller) -> None:
    running = [caller.started(SLOW) for _ in range(2)]
    refused = caller.start()
    waiting = caller.started(queueMaxWaitTime=60)
    expiring = caller.started(queueMaxWaitTime=0.2)
    queued = caller.job(waiting)
    environment = caller.get("computeEnvironments").json()[0]
    expired = caller.ended(expiring)
    for job_id in running:
        caller.stop(job_id)
    ended = caller.ended(waiting)

    assert (refused.status_code, refused.json()) == (400, "Not enough available cpu")
    assert (queued["status"], queued["statusText"]) == (1, "Job queued")
    assert (environment["runningfreeJobs"], environment["queuedFreeJobs"]) == (2, 2)
    assert environment["resources"][0]["inUse"] == environment["free"]["resources"][0]["inUse"] == 2
    assert (expired["status"], expired["statusText"]) == (2, "Job expired in queue")
    assert expired["terminationDetails"] == {"exitCode": None, "OOMKilled": None}
    assert (ended["status"], ended["terminationDetails"]["exitCode"]) == (71, 0)


def test_a_queued_job_that_is_stopped_waits_on(caller: Caller) -> None:
    running = [caller.started(SLOW) for _ in range(2)]
    waiting = caller.started(SLOW, queueMaxWaitTime=60)
    stopped = caller.stop(waiting)
    job = caller.job(waiting)
    for job_id in running:
        caller.stop(job_id)
    ended = caller.ended(waiting)

    assert (stopped.status_code, stopped.json()[0]["stopRequested"]) == (200, True)
    assert (job["status"], job["dateFinished"]) == (1, None)
    assert ended["stopRequested"]


def test_an_algorithm_sees_flat_inputs_its_own_variables_and_no_others(
    caller: Caller, network: LocalNetwork
) -> None:
    code = (
        "import json, os, sys\n"
        "found = {'inputs': {}, 'argv': sys.argv, 'cwd': os.getcwd(), 'env': dict(os.environ)}\n"
        "for name in os.listdir('data/inputs'):\n"
        "    found['inputs'][name] = open('/data/inputs/' + name).read()\n"
        "print(json.dumps(found))\n"
    )
    urls = [network.publish_file(text, "same.csv") for text in (b"first", b"second")]
    urls.append(network.publish_file(b"third", "a b.csv"))
    datasets = [{"fileObject": {"type": "url", "url": url, "method": "GET"}} for url in urls]
    container = {"image": "python", "tag": "3.11-slim", "entrypoint": "python3  $ALGO 'x  y' | cat"}
    algorithm = {
        "meta": {"rawcode": code, "container": container},
        "envs": {"MINE": "a=b $HOME", "LD_PRELOAD": "/nowhere.so"},
        "algocustomdata": {"threshold": 3},
    }
    job_id = caller.started(datasets=[*datasets, {}], algorithm=algorithm)
    caller.ended(job_id)
    frame = caller.result(job_id, 2).content
    lines = [line for line in frame.split(b"\n") if b'"argv"' in line]
    found = json.loads(lines[0][lines[0].index(b"{") :])

    assert found["inputs"] == {
        "algoCustomData.json": '{"threshold":3}',
        "same.csv": "second",
        "a b.csv": "third",
    }
    # No shell: the quotes and the pipe are words.
    assert found["argv"] == ["data/transformations/algorithm", "'x", "y'", "|", "cat"]
    assert found["cwd"] == "/"
    assert found["env"]["MINE"] == "a=b $HOME"
    assert not {"DIDS", "INPUTS", "OUTPUTS", "TRANSFORMATION_DID", "secret"} & set(found["env"])


def test_inputs_and_code_are_asked_for_as_their_file_objects_say(caller: Caller) -> None:
    def reply(sent: Request) -> Reply:
        allowed = sent.headers.get("x-key") == "k" and sent.method == "POST"
        return answer(200, QUICK if sent.path == "/code.py" else "data") if allowed else no(403)

    no = partial(answer, body="", content_type="text/plain")
    container = {"image": "python", "tag": "3.11-slim", "entrypoint": "python3 $ALGO"}
    with WireServer(reply) as server:
        asked = {"type": "url", "method": "POST", "headers": {"X-Key": "k"}}
        file = {**asked, "url": f"{server.url}/data.csv"}
        code = {**asked, "url": f"{server.url}/code.py"}
        algorithm = {"meta": {"container": container}, "fileObject": code}
        job_id = caller.started(datasets=[{"fileObject": file}], algorithm=algorithm)
        ended = caller.ended(job_id)
        plain = {"type": "url", "url": f"{server.url}/data.csv", "method": "GET"}
        refused = caller.ended(caller.started(datasets=[{"fileObject": plain}]))
        stored = caller.ended(caller.started(datasets=[{"fileObject": {"type": "ipfs"}}]))

    assert ended["terminationDetails"]["exitCode"] == 0
    assert caller.result(job_id, 2).content.endswith(b"hello\n")
    assert (refused["status"], stored["status"]) == (31, 31)
    names = [file["filename"] for file in refused["results"]]
    assert names == ["image.log", "configuration.log", "algorithm.log"]


def test_a_fault_of_an_image_and_of_a_node_that_is_away(
    caller: Caller, network: LocalNetwork
) -> None:
    network.faults.set(MissingImage(times=1), Unavailable("status", times=1))

    refused = caller.start()
    away = caller.get("compute", consumerAddress=caller.address)

    assert refused.status_code == 500
    assert refused.json().startswith("Cannot find image python:3.11-slim for ")
    assert away.status_code == 503
    assert caller.start().status_code == 200


def test_a_stop_that_a_node_forgets_is_asked_for_again(
    caller: Caller, network: LocalNetwork
) -> None:
    job_id = caller.started(SLOW)
    caller.until(job_id, lambda job: job["algoStartTimestamp"] != "0")
    network.faults.set(ForgetStop(times=1))
    answered = caller.stop(job_id).json()[0]
    forgotten = caller.job(job_id)
    caller.stop(job_id)
    ended = caller.ended(job_id)

    assert (answered["stopRequested"], forgotten["stopRequested"]) == (True, False)
    assert (ended["stopRequested"], ended["terminationDetails"]["exitCode"]) == (True, 137)


def test_our_client_stops_a_job_whose_stop_a_node_forgot(network: LocalNetwork) -> None:
    ocean = Ocean(network.config)
    container = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}
    code = AlgorithmMetadata({"rawcode": SLOW, "language": "python", "container": container})
    data = FileInput(url=network.publish_file(b"1", "data.csv"))
    job = ocean.compute.submit([data], network.wallet(3), algorithm_meta=code)
    with network.faults.during(ForgetStop(times=1)):
        status = job.stop(wait=True)

    assert status.state.value == "stopped"


def test_a_log_is_followed_from_its_first_line_to_the_end(caller: Caller) -> None:
    code = (
        "import time\nfor n in range(3):\n    print('tick', n, flush=True)\n    time.sleep(0.3)\n"
    )
    job_id = caller.started(code)
    caller.until(job_id, lambda job: job["status"] == 40)
    signed = caller.signed("getComputeStreamableLogs")
    url = f"{caller.network.provider_url}{API}/computeStreamableLogs"
    with requests.get(url, params={**signed, "jobId": job_id}, stream=True, timeout=30) as answer:
        received = answer.raw.read(decode_content=False)
        chunked = answer.headers["Transfer-Encoding"]

    frame = b"\x01\x00\x00\x00\x00\x00\x00\x07tick %d\n"
    assert received == b"".join(frame % number for number in range(3))
    assert chunked == "chunked"


def test_a_node_stops_although_somebody_follows_a_log() -> None:
    with LocalNetwork(generation="node") as network:
        caller = Caller(network)
        job_id = caller.started(SLOW)
        caller.until(job_id, lambda job: job["status"] == 40)
        query = {**caller.signed("getComputeStreamableLogs"), "jobId": job_id}
        url = f"{network.provider_url}{API}/computeStreamableLogs"
        with requests.get(url, params=query, stream=True, timeout=30) as answer:
            first = next(answer.iter_content(8))
            network.stop()

    assert first == b"\x01\x00\x00\x00\x00\x00\x00\x08"


def test_a_rate_limit_is_kept_and_told() -> None:
    with LocalNetwork(generation="node", node=NodeOptions(rate_limit=3)) as network:
        answers = [requests.get(network.provider_url, timeout=30) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].text == "Rate limit exceeded. Try again in 60 seconds."


def test_jobs_nonces_and_tokens_survive_a_restart(tmp_path: Path) -> None:
    options: dict[str, Any] = {"generation": "node", "jobs_at_once": 1}
    with LocalNetwork(tmp_path / "state", **options) as network:
        caller = Caller(network)
        done = caller.started()
        caller.ended(done)
        running = caller.started(SLOW)
        caller.until(running, lambda job: job["algoStartTimestamp"] != "0")
        queued = caller.started(queueMaxWaitTime=600)
        body = {**caller.signed("createAuthToken"), "address": caller.address}
        url = f"{network.provider_url}{API}/auth/token"
        token = requests.post(url, json=body, timeout=30).json()["token"]
        nonce = caller.get("nonce", userAddress=caller.address).json()
        before, first = caller.job(done), caller.result(done, 2)
        nonce_then = caller.get("nonce", userAddress=caller.address).json()

    with LocalNetwork(tmp_path / "state", **options) as network:
        again = Caller(network)
        assert again.environment == caller.environment
        assert again.get("nonce", userAddress=again.address).json() == nonce_then != nonce
        assert again.job(done) == before
        ended = [again.ended(job_id) for job_id in (running, queued)]
        answer = requests.get(
            f"{network.provider_url}{API}/computeResult",
            params={"consumerAddress": again.address, "jobId": done, "index": "2"},
            headers={"Authorization": token},
            timeout=30,
        )

    # What ran is not run again: it may have had an effect.
    assert [job["terminationDetails"]["exitCode"] for job in ended] == [None, 0]
    assert "outputs.tar" not in [file["filename"] for file in ended[0]["results"]]
    assert not ended[0]["stopRequested"]
    assert answer.content == first.content != b""


def test_a_folder_is_of_one_generation(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path / "node", generation="node"):
        pass

    with pytest.raises(BadOption, match="of a network of generation node, not v3"):
        LocalNetwork(tmp_path / "node").start()
    with pytest.raises(BadOption, match="expected one of v3, node"):
        LocalNetwork(generation="v4")
    with pytest.raises(BadOption, match="generation='node'"):
        LocalNetwork(node=NodeOptions())


def test_a_folder_from_before_generations_is_of_v3(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path / "old", generation="node"):
        pass
    (tmp_path / "old" / "generation.json").unlink()

    with pytest.raises(BadOption, match="of a network of generation v3, not node"):
        LocalNetwork(tmp_path / "old", generation="node").start()
    connection = sqlite3.connect(tmp_path / "old" / "network.db")
    assert connection.execute("SELECT COUNT(*) FROM jobs").fetchone() == (0,)
    connection.close()


@pytest.mark.parametrize(("name", "value"), [("rate_limit", 0), ("max_connections", True)])
def test_settings_that_cannot_be_are_refused(name: str, value: Any) -> None:
    with pytest.raises(BadOption, match=name):
        NodeOptions(**{name: value})
