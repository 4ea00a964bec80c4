"""Job handles on a whole network: real jobs, real processes, real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import requests

from ocean_lib.backends.v3 import backend
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    InvalidInput,
    JobError,
    JobNotFound,
    JobTimeoutError,
    TransportError,
)
from ocean_lib.http.deadline import current_deadline
from ocean_lib.jobs.view import JobState
from ocean_lib.localnet import LocalNetwork
from ocean_lib.localnet.runners import RunnerJob, RunOutcome
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.compute_job import ComputeJob, JobList
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import CONTAINER, order, publish_dataset, raw_code
from tests.strict import STRICT
from tests.wire import Reply, Request, WireServer, answer, raw, reset

REPORT = """
import json, os, pathlib
print("hello from the job")
(pathlib.Path(os.environ["OUTPUTS"]) / "report.json").write_text(json.dumps({"answer": 42}))
"""
FOREVER = "import time\nprint('running', flush=True)\ntime.sleep(600)\n"
ROOT = Path(__file__).parents[2]


class Shop:
    """A data set that lets raw code run, and consumers who have ordered it."""

    def __init__(self, network: LocalNetwork, first_wallet: int, **dataset: Any) -> None:
        self.ocean = Ocean(network.config)
        self.compute = self.ocean.compute
        self.network = network
        self.publisher = network.wallet(first_wallet)
        self.consumer = network.wallet(first_wallet + 1)
        self.asset = publish_dataset(
            self.ocean, network, self.publisher, "1,2\n", raw=True, **dataset
        )
        self.did = str(self.asset.did)
        self.orders = {self.consumer.address: self.order(self.consumer)}

    def order(self, consumer: Wallet) -> ComputeInput:
        return order(self.ocean, self.asset, "compute", self.publisher, consumer)

    def submit(self, code: str, consumer: Wallet | None = None) -> ComputeJob:
        wallet = consumer or self.consumer
        return self.compute.submit(
            [self.orders[wallet.address]], wallet, algorithm_meta=raw_code(code)
        )


@pytest.fixture(scope="module")
def shop(network: LocalNetwork) -> Shop:
    return Shop(network, 7)


@pytest.fixture(autouse=True)
def _no_deadline_is_left() -> Iterator[None]:
    yield
    assert current_deadline() is None


@pytest.fixture(scope="module")
def finished(shop: Shop) -> ComputeJob:
    job = shop.submit(REPORT)
    job.wait(timeout=60)
    return job


# --- one job, from start to end


def test_a_job_is_submitted_waited_for_and_brought_home(shop, tmp_path, capsys):
    heard: list[str] = []

    job = shop.submit(REPORT)
    status = job.wait(timeout=60, on_update=lambda status: heard.append(status.text))

    assert status == {"ok": True, "status": 70, "statusText": "Job finished"}
    assert (status.state, status.is_finished, status.succeeded) == (JobState.FINISHED, True, True)
    assert 0 <= status.finished_s - status.created_s < 60
    assert heard[-1] == "Job finished"
    assert job.last_status == status == job.status()
    assert job.order_tx == shop.orders[shop.consumer.address].transfer_tx_id
    assert job.result_json() == {"answer": 42}
    assert job.open("report.json").read() == b'{"answer": 42}'
    assert "hello from the job" in job.logs()
    report = job.download(tmp_path)
    assert [path.name for path in report] == ["report.json", "algorithm.log"]
    assert json.loads(report[0].read_text()) == {"answer": 42}
    assert capsys.readouterr().err == ""  # no bar in a pipe


def test_a_crash_is_a_failure_and_its_log_says_why(shop, tmp_path):
    job = shop.submit("raise SystemExit('it broke')")

    status = job.wait(timeout=60)

    assert (status.state, status.succeeded) == (JobState.FAILED, False)
    assert (status.code, status.exit_code, status.oom_killed) == (70, 1, False)
    assert job.result()["urls"] == []
    assert "it broke" in job.logs()
    with pytest.raises(JobError, match="no results, only logs"):
        job.download(tmp_path / "new", logs=False)


def test_a_stopped_job_ends_the_wait(shop, tmp_path):
    job = shop.submit(FOREVER)
    with pytest.raises(JobError, match="no output"):
        job.download(tmp_path / "new")

    before = job.stop()
    status = job.wait(timeout=60)

    assert not before.is_finished
    assert (status.state, status.succeeded, status.stop_requested) == (
        JobState.STOPPED,
        False,
        True,
    )


def test_a_job_whose_time_is_up_ends_the_wait(network):
    shop = Shop(network, 7, max_run_time=1)

    status = shop.submit(FOREVER).wait(timeout=60)

    assert (status.state, status.succeeded) == (JobState.TIMED_OUT, False)


def test_a_job_without_its_data_or_algorithm_ends_the_wait(network, shop):
    # The length can be asked for; the content breaks off.
    broken = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    with WireServer(lambda _: broken) as server:
        no_data = Shop(network, 7, url=f"{server.url}/data.csv").submit(REPORT)
        no_code = shop.compute.submit(
            [shop.orders[shop.consumer.address]],
            shop.consumer,
            algorithm_meta=AlgorithmMetadata(
                {"url": f"{server.url}/code.py", "container": CONTAINER}
            ),
        )

        ends = [job.wait(timeout=60) for job in (no_data, no_code)]

    assert [end.code for end in ends] == [31, 32]
    assert {end.state for end in ends} == {JobState.FAILED}
    assert [end["ok"] for end in ends] == [False, False]


def test_a_deleted_job_has_no_results_any_more(shop, tmp_path):
    job = shop.submit(REPORT)
    job.wait(timeout=60)

    assert job.delete() is True

    assert job.result()["urls"] == []
    with pytest.raises(JobError, match=r"has no output.* if it has ended, .* deleted it"):
        job.download(tmp_path)


def test_a_wait_that_takes_too_long_leaves_the_job_running(shop):
    job = shop.submit(FOREVER)

    with pytest.raises(JobTimeoutError) as caught:
        job.wait(timeout=0.3)

    assert not job.status().is_finished
    again = eval(  # the text is the way back
        str(caught.value).partition("Re-attach with ")[2].partition(", end it")[0],
        {"compute": shop.compute, "wallet": shop.consumer},
    )
    again.stop()
    assert again.wait(timeout=60).state is JobState.STOPPED


def test_an_unknown_job_is_not_waited_for(shop):
    with pytest.raises(JobNotFound):
        shop.compute.job(shop.did, "f" * 32, shop.consumer).wait()
    with pytest.raises(JobNotFound):
        shop.compute.wait_all([shop.compute.job(shop.did, c * 32, shop.consumer) for c in "ab"])


# --- another process


def child(script: str, kept: dict[str, Any], wallet: Wallet, **more: Any) -> subprocess.Popen[str]:
    """Start Python with the config, a kept job and the key in its environment."""
    begin = (
        "import json, os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # even if run in background
        "from ocean_lib.config import Config\n"
        "from ocean_lib.ocean.compute_job import ComputeJob\n"
        "from ocean_lib.ocean.ocean import Ocean\n"
        "from ocean_lib.web3_internal.wallet import Wallet\n"
        "given = json.loads(os.environ['GIVEN'])\n"
        "ocean = Ocean(Config(options_dict=given['options']))\n"
        "wallet = Wallet.from_env(None, 'KEY')\n"
        "job = ComputeJob.from_dict(given['kept'], ocean.compute, wallet)\n"
    )
    return subprocess.Popen(
        [sys.executable, *STRICT, "-c", begin + script],
        cwd=ROOT,
        env={
            **os.environ,
            "GIVEN": json.dumps({"kept": kept, **more}),
            "KEY": wallet.unsafe_private_key(),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_another_process_takes_the_job_up(shop, tmp_path):
    job = shop.submit(REPORT)
    kept = json.loads(json.dumps(job.to_dict()))
    script = (
        "status = job.wait(timeout=60)\n"
        "paths = job.download(given['folder'])\n"
        "print(json.dumps([status.state.value, job.result_json(), [p.name for p in paths]]))\n"
    )

    process = child(script, kept, shop.consumer, options=shop.network.options, folder=str(tmp_path))
    out, err = process.communicate(timeout=60)

    assert err == ""
    assert json.loads(out) == ["finished", {"answer": 42}, ["report.json", "algorithm.log"]]
    assert set(kept) == {"did", "job_id", "owner", "order_tx", "generation"}
    assert kept["generation"] == "v3"
    key = shop.consumer.unsafe_private_key().removeprefix("0x")
    assert key not in json.dumps(kept) + repr(job) + repr(vars(job)) + job._repr_html_()


def test_another_wallet_cannot_take_the_job_up(shop, finished):
    kept = finished.to_dict()

    again = ComputeJob.from_dict(kept, shop.compute, shop.consumer)
    assert again.status() == finished.last_status
    lower = {**kept, "owner": kept["owner"].lower()}
    assert ComputeJob.from_dict(lower, shop.compute, shop.consumer).owner == kept["owner"]
    with pytest.raises(InvalidInput, match="Use the wallet that started the job"):
        ComputeJob.from_dict(kept, shop.compute, shop.publisher)
    with pytest.raises(JobNotFound, match="the wallet"):
        shop.compute.job(shop.did, finished.job_id, shop.publisher).status()


@pytest.mark.parametrize("look", ["status", "wait", "wait_all"])
def test_a_job_that_is_taken_up_by_its_id_learns_its_order(shop, finished, look):
    job = shop.compute.job(shop.did, finished.job_id, shop.consumer)
    assert job.order_tx == ""

    if look == "wait_all":
        shop.compute.wait_all([job], progress=False)
    else:
        getattr(job, look)()

    assert job.order_tx == shop.orders[shop.consumer.address].transfer_tx_id
    assert ComputeJob.from_dict(job.to_dict(), shop.compute, shop.consumer).order_tx == job.order_tx


@pytest.mark.parametrize("kept", [{}, {"did": 1}, [], None, "job"])
def test_what_to_dict_did_not_make_is_refused(shop, kept):
    with pytest.raises(InvalidInput, match=r"it lacks (did, )?job_id, owner"):
        ComputeJob.from_dict(kept, shop.compute, shop.consumer)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize(
    "call", ["job.wait(on_update=told)", "ocean.compute.wait_all([job, job], on_update=told)"]
)
def test_ctrl_c_ends_the_wait_and_not_the_job(shop, call):
    job = shop.submit(FOREVER)
    script = f"def told(status): print(status.text, flush=True)\n{call}\n"

    process = child(script, job.to_dict(), shop.consumer, options=shop.network.options)
    assert process.stdout is not None
    assert process.stdout.readline()  # it waits by now
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode in (-signal.SIGINT, 128 + signal.SIGINT)
    last = err.strip().splitlines()[-1]
    assert last.startswith("KeyboardInterrupt: stopped waiting; the jobs go on: ")
    assert job.job_id in last
    assert "compute.job(" in last
    assert not job.status().is_finished
    job.stop()
    assert job.wait(timeout=60).state is JobState.STOPPED


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_a_large_result_takes_no_memory(shop, tmp_path):
    size = 200 * 1024**2
    write = (
        "import os, pathlib\n"
        f"with open(pathlib.Path(os.environ['OUTPUTS']) / 'big.bin', 'wb') as f: f.truncate({size})"
    )
    job = shop.submit(write)
    job.wait(timeout=60)
    script = (
        "import resource\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "job.files(); before = used()\n"
        "paths = job.download(given['folder'], progress=True)\n"
        "print(json.dumps([paths[0].stat().st_size, used() - before]))\n"
    )

    process = child(
        script, job.to_dict(), shop.consumer, options=shop.network.options, folder=str(tmp_path)
    )
    out, err = process.communicate(timeout=120)

    downloaded, grown_kib = json.loads(out)
    assert downloaded == size
    assert grown_kib < 20 * 1024
    assert "2 file(s): 200MB" in err
    (tmp_path / "big.bin").unlink()


# --- lists


def test_jobs_are_listed_by_data_set_order_and_state(network, shop, finished):
    second = Shop(network, 7)
    second_order = second.orders[second.consumer.address]
    running = second.submit(FOREVER)

    def ids(**filters: Any) -> list[str]:
        return [job.job_id for job in shop.compute.jobs(shop.consumer, **filters)]

    try:
        everything = shop.compute.jobs(shop.consumer)
        assert isinstance(everything, JobList)
        assert everything[0].job_id == running.job_id  # newest first
        created = [job.last_status.created_s for job in everything]
        assert created == sorted(created, reverse=True)
        assert finished.job_id in ids(did=shop.did)
        assert running.job_id not in ids(did=shop.did)
        assert ids(did=second.did) == [running.job_id]
        assert ids(order_tx=second_order.transfer_tx_id) == [running.job_id]
        assert ids(order_tx=second_order.transfer_tx_id[2:].upper()) == [running.job_id]
        assert ids(order_tx=bytes.fromhex(second_order.transfer_tx_id[2:])) == [running.job_id]
        assert ids(did=shop.did, order_tx=second_order.transfer_tx_id) == []
        assert ids(state="running") == ids(state=JobState.RUNNING) == [running.job_id]
        assert finished.job_id in ids(state="finished")
        assert set(ids(state="stopped")).isdisjoint(ids(state="finished"))
        assert shop.compute.jobs(network.wallet(9)) == []
        with pytest.raises(InvalidInput, match="'running', 'finished', 'failed'"):
            ids(state="sleeping")
        with pytest.raises(InvalidInput, match="order_tx"):
            ids(order_tx="0x12")
    finally:
        running.stop()
    assert running.wait(timeout=60).state is JobState.STOPPED


def test_listed_jobs_are_handles(shop, finished):
    (listed,) = [job for job in shop.compute.jobs(shop.consumer) if job.job_id == finished.job_id]

    assert listed.result_json() == {"answer": 42}
    assert listed.to_dict() == finished.to_dict()


def test_a_job_that_cannot_be_read_does_not_hide_the_others(shop, finished, monkeypatch, caplog):
    before = shop.compute.jobs(shop.consumer)
    strange = [{"jobId": "x", "status": 70}, {"jobId": "y", "inputDID": ["did:op:x"], "status": 1}]
    answered = backend.list_jobs

    def with_strange_ones(*asked):
        infos, clock_s = answered(*asked)
        return [*strange, *infos], clock_s

    monkeypatch.setattr(backend, "list_jobs", with_strange_ones)

    listed = shop.compute.jobs(shop.consumer)

    assert [job.job_id for job in listed] == [job.job_id for job in before]
    assert "job x without its data set" in caplog.text
    assert len(caplog.records) == 2


# --- hundreds


class AtOnce:
    """A runner whose jobs end when the test lets them, without running anything."""

    isolation = "none"

    def __init__(self) -> None:
        self.may_end = threading.Event()

    def submit(self, job: RunnerJob) -> None:
        """Start nothing."""

    def poll(self, job_id: str) -> RunOutcome | None:
        return RunOutcome("exited", 0) if self.may_end.is_set() else None

    def stop(self, job_id: str) -> None:
        """There is nothing to end."""

    def collect(self, job_id: str) -> tuple[PurePosixPath, ...]:
        return ()

    def close(self) -> None:
        self.may_end.set()


class Forwarder(WireServer):
    """A Provider's address that hands everything on, and keeps count of it.

    Attributes:
        away: while set, every connection is reset.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.away = threading.Event()
        self.session = requests.Session()
        super().__init__(self._hand_on)

    def __exit__(self, *details: object) -> None:
        super().__exit__(*details)
        self.session.close()

    def _hand_on(self, request: Request) -> Reply:
        if self.away.is_set():
            return reset
        kept = {k: v for k, v in request.headers.items() if k == "content-type"}
        got = self.session.request(
            request.method, self.target + request.target, data=request.body, headers=kept
        )
        return answer(got.status_code, got.content, got.headers.get("content-type", ""))

    def looks(self) -> list[tuple[str, str]]:
        """Who asked for the status of what; '' for all jobs."""
        return [
            (request.query["consumerAddress"], request.query["jobId"])
            for request in self.requests
            if request.method == "GET" and request.path.endswith("/compute")
        ]


JOBS = 300


@pytest.fixture
def crowd() -> Iterator[tuple[Shop, AtOnce, Forwarder, list[ComputeJob]]]:
    """300 jobs of three wallets at one Provider, none of which ends yet."""
    runner = AtOnce()
    with (
        LocalNetwork(runner=runner, jobs_at_once=8) as network,
        Forwarder(network.provider_url) as forwarder,
    ):
        shop = Shop(network, 0, provider_uri=forwarder.url)
        wallets = [network.wallet(index) for index in (1, 2, 3)]
        for wallet in wallets[1:]:
            shop.orders[wallet.address] = shop.order(wallet)
        with ThreadPoolExecutor(3) as pool:
            jobs = list(pool.map(lambda n: shop.submit("print(1)", wallets[n % 3]), range(JOBS)))
        forwarder.requests.clear()
        yield shop, runner, forwarder, jobs


def test_300_jobs_take_less_than_two_status_requests_a_round_and_wallet(crowd):
    shop, runner, forwarder, jobs = crowd
    rounds = [0]
    sleep = threading.Event().wait

    def counted(seconds: float) -> None:
        rounds[0] += 1
        sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ocean_lib.jobs.waiting.time.sleep", counted)
        statuses = shop.compute.wait_all(
            jobs, timeout=60, poll_interval=0.5, on_update=lambda _: runner.may_end.set()
        )

    assert [status.job_id for status in statuses] == [job.job_id for job in jobs]
    assert {status.state for status in statuses} == {JobState.FINISHED}
    looks = forwarder.looks()
    per_wallet = Counter(owner for owner, _ in looks)
    assert len(per_wallet) == 3
    assert rounds[0] >= 2
    assert max(per_wallet.values()) <= rounds[0] + 1  # one each round
    # A wallet's last job may be asked for by its id; otherwise it is always the whole list.
    assert sum(job_id != "" for _, job_id in looks) <= 3
    assert all(job.last_status is not None and job.last_status.is_finished for job in jobs)


def test_hundreds_of_jobs_are_waited_for_on_one_event_loop(crowd):
    _, runner, forwarder, jobs = crowd

    async def wait_for_all() -> list[JobState]:
        runner.may_end.set()
        ends = await asyncio.gather(*(job.wait_async(timeout=60) for job in jobs))
        return [end.state for end in ends]

    assert asyncio.run(wait_for_all()) == [JobState.FINISHED] * JOBS
    assert {job_id for _, job_id in forwarder.looks()} == {job.job_id for job in jobs}


def test_a_provider_that_goes_away_for_a_while_is_waited_for(shop, network, caplog):
    with Forwarder(network.provider_url) as forwarder:
        there = Shop(network, 7, provider_uri=forwarder.url)
        jobs = [there.submit(FOREVER), shop.submit(REPORT)]
        forwarder.requests.clear()
        forwarder.away.set()
        back = threading.Timer(0.5, forwarder.away.clear)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(shop.compute.wait_all, jobs, 60, 0.05)
            back.start()
            jobs[1].wait(timeout=60)
            back.join()
            shop.compute.job(jobs[0].did, jobs[0].job_id, there.consumer).stop()
            states = [status.state for status in waiting.result(60)]

    assert states == [JobState.STOPPED, JobState.FINISHED]


def test_a_provider_that_stays_away_is_told_of_after_the_patience(shop, network):
    with Forwarder(network.provider_url) as forwarder:
        there = Shop(network, 7, provider_uri=forwarder.url)
        jobs = [there.submit(FOREVER), shop.submit(REPORT)]
        forwarder.away.set()

        with pytest.raises(TransportError, match="There was no answer for") as caught:
            shop.compute.wait_all(jobs, poll_interval=0.1, patience=2)

        assert jobs[0].job_id in str(caught.value)
        assert jobs[1].last_status is not None
        assert jobs[1].last_status.is_finished
        forwarder.away.clear()
        jobs[0].stop()


# --- without blocking


def test_a_cancelled_wait_leaves_the_job_running(shop):
    job = shop.submit(FOREVER)

    async def wait_and_leave() -> None:
        looked = asyncio.Event()
        waiting = asyncio.create_task(job.wait_async(on_update=lambda _: looked.set()))
        await looked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(job.wait_async(), 0.3)

    asyncio.run(wait_and_leave())

    assert not job.status().is_finished
    job.stop()
    assert asyncio.run(job.wait_async(timeout=60)).state is JobState.STOPPED


def test_an_instance_serves_many_threads(shop, network):
    ocean = Ocean(Config(options_dict=network.options))

    def whole(_: int) -> Any:
        job = ocean.compute.submit(
            [shop.orders[shop.consumer.address]], shop.consumer, algorithm_meta=raw_code(REPORT)
        )
        job.wait(timeout=60)
        return job.result_json()

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(whole, range(6))) == [{"answer": 42}] * 6


def test_the_blocks_of_the_documentation_run(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shop = Shop(network, 7)
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs" / "jobs.md").read_text("utf-8"), re.DOTALL
    )
    names = {
        "asyncio": asyncio,
        "compute": shop.compute,
        "ComputeJob": ComputeJob,
        "data_order": shop.orders[shop.consumer.address],
        "did": shop.orders[shop.consumer.address].did,
        "my_code": raw_code(REPORT),
        "wallet": shop.consumer,
    }

    for block in blocks:
        exec(block, names)

    assert len(blocks) == 7
    assert names["quote"].orders.inputs == [names["data_order"]]
    assert (tmp_path / "results-async" / "report.json").exists()
    assert (tmp_path / "results" / "report.json").exists()
    assert [status.state for status in names["statuses"]] == [JobState.FINISHED] * 3
