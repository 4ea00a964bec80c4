"""A Provider that dies in the middle of many calls, and comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.config import Config
from ocean_lib.exceptions import OceanError, StartUncertain
from ocean_lib.ocean.ocean import Ocean
from tests import flows
from tests.players import DID, World, new_wallet, start
from tests.wire import wait_until

CALLS, THREADS = 200, 8
LIMITS = {"timeout.connect": 5, "timeout.read": 5, "timeout.total": 20}
LONGEST_S = 90.0

Act = Callable[[int], Any]


class Calls:
    """Makes numbered calls from many threads and keeps what came of each."""

    def __init__(self, act: Act, count: int = CALLS) -> None:
        self.outcomes: list[Any] = [None] * count
        self._act = act
        self._numbers = iter(range(count))
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                number = next(self._numbers, None)
            if number is None:
                return
            try:
                self.outcomes[number] = self._act(number)
            except BaseException as error:
                self.outcomes[number] = error

    def done(self) -> int:
        return sum(outcome is not None for outcome in self.outcomes)

    def join(self) -> list[Any]:
        for thread in self._threads:
            thread.join(LONGEST_S)
        assert not any(thread.is_alive() for thread in self._threads), "a call hangs"
        return self.outcomes


def check_outcomes(outcomes: list[Any], *, after_restart: int) -> list[str]:
    """Check that all are values or ours, and that the last ones are values; return job ids."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert [failure for failure in failures if not isinstance(failure, OceanError)] == []
    assert [o for o in outcomes[after_restart:] if isinstance(o, BaseException)] == []
    started = [outcome for outcome in outcomes if isinstance(outcome, str)]
    assert len(set(started)) == len(started), "no job is given to two callers"
    return started


def test_a_played_provider_restarts_in_the_middle_of_200_calls() -> None:
    with World() as world:
        wallet, other = new_wallet(), new_wallet()
        compute = world.compute(**LIMITS)
        job_id, others_job = start(compute, wallet), start(compute, other)

        def act(number: int) -> Any:
            who, job = (wallet, job_id) if number % 2 else (other, others_job)
            return (
                lambda: start(compute, who),
                lambda: compute.status(DID, job, who),
                lambda: compute.result(DID, job, who),
                lambda: compute.stop(DID, job, who),
            )[number // 2 % 4]()

        calls = Calls(act)
        wait_until(lambda: calls.done() > 60, 60)
        world.provider.server.go_down()
        threading.Event().wait(0.3)
        world.provider.server.come_back()
        outcomes = calls.join()

        started = check_outcomes(outcomes, after_restart=CALLS - 20)
        made = {job["jobId"] for job in world.provider.jobs} - {job_id, others_job}
        uncertain = [outcome for outcome in outcomes if isinstance(outcome, StartUncertain)]
        assert set(started) <= made
        assert len(made) <= len(started) + len(uncertain), "no job is made without a word"


@contextmanager
def child_network(state: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a network in a process of its own, on the ports its state remembers."""
    child = subprocess.Popen(
        [sys.executable, "-m", "ocean_lib.localnet", "--state", str(state), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout is not None
        lines = []
        while "".join(lines).count("{") == 0 or not _is_whole("".join(lines)):
            line = child.stdout.readline()
            assert line, "the network did not start"
            lines.append(line)
        yield child
    finally:
        child.kill()
        child.wait(30)
        if child.stdout is not None:
            child.stdout.close()


def _is_whole(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.fixture
def published(tmp_path: Path) -> tuple[Path, dict[str, Any], list[Any], list[Any]]:
    """A network's state with an ordered data set: folder, options, wallets, inputs."""
    from ocean_lib.localnet import LocalNetwork

    state = tmp_path / "state"
    with LocalNetwork(state) as network:
        ocean = Ocean(network.config)
        publisher, *consumers = (network.wallet(index) for index in range(3))
        dataset = flows.publish_dataset(ocean, network, publisher, "1\n", raw=True)
        inputs = [flows.order(ocean, dataset, "compute", publisher, who) for who in consumers]
        return state, network.options, consumers, inputs


def test_a_whole_network_is_killed_in_the_middle_of_200_calls(
    published: tuple[Path, dict[str, Any], list[Any], list[Any]],
) -> None:
    state, options, wallets, inputs = published
    options["resources"].update({name: str(value) for name, value in LIMITS.items()})
    compute = Ocean(Config(options_dict=options)).compute
    did, code = inputs[0].did, flows.raw_code("pass")

    def begin(who: int) -> str:
        return compute.start([inputs[who]], wallets[who], algorithm_meta=code)

    with child_network(state) as child:
        jobs = [begin(0), begin(1)]

        def act(number: int) -> Any:
            who = number % 2
            if number % 20 < 2:
                return begin(who)
            return (
                lambda: compute.status(did, jobs[who], wallets[who]),
                lambda: compute.result(did, jobs[who], wallets[who]),
                lambda: compute.stop(did, jobs[who], wallets[who]),
            )[number // 2 % 3]()

        calls = Calls(act)
        wait_until(lambda: calls.done() > 60, 60)
        child.kill()
        child.wait(30)
        with child_network(state):
            outcomes = calls.join()

            started = check_outcomes(outcomes, after_restart=CALLS)
            for who, wallet in enumerate(wallets):
                assert compute.status(did, jobs[who], wallet)
                assert compute.result(did, jobs[who], wallet)
                assert compute.stop(did, jobs[who], wallet)
            begin(0)
            known = {job.job_id for wallet in wallets for job in compute.jobs(wallet, did)}
            assert set(started) <= known, "every job that was promised is there"
