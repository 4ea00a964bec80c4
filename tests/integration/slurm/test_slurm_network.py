"""A network with a cluster: started wrongly, killed in the middle, and without its controller."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.config import Config
from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.files.access import FileStore
from ocean_lib.models.file_input import FileInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.testing.client import client_wallet
from tests.contract.worlds import PLACES
from tests.flows import raw_code
from tests.integration.localnet.process import command, described
from tests.integration.slurm.test_slurm_runner import until
from tests.slurm_cluster import Cluster

WAITS = f"{PLACES}import time\ntime.sleep(3)\n(outputs / 'result.json').write_text('[1]')\n"
RUNNER = ("--runner", "slurm", "--runner-option", "poll_s=0.2", "--runner-option", "cpus=4")


class User:
    """Somebody who computes on the node that runs on a folder.

    Args:
        folder: The network's.
        told: What it printed.
    """

    def __init__(self, folder: Path, told: dict[str, Any]) -> None:
        url = told["provider_url"]
        self.compute = Ocean(Config(options_dict={"resources": {"provider.url": url}})).compute
        keys = json.loads((folder / "keys.json").read_text())
        self.wallet = client_wallet(None, keys["accounts"][0])
        self._input = FileInput(url + FileStore(folder / "files").add(b"1,2", "data.csv"))
        self._environment = next(one.id for one in self.compute.environments() if one.is_free)

    def submit(self, code: str) -> Any:
        return self.compute.submit(
            [self._input], self.wallet, algorithm_meta=raw_code(code),
            environment=self._environment, max_duration=60,
        )  # fmt: skip


@contextmanager
def network(folder: Path) -> Iterator[tuple[Any, User]]:
    with command("--generation", "node", "--state", str(folder), *RUNNER) as process:
        yield process, User(folder, described(process))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_network_that_goes_away_finds_its_jobs_again(
    slurm: Cluster, tmp_path: Path, end: signal.Signals
) -> None:
    folder = tmp_path / "state"
    with network(folder) as (process, user):
        jobs = [user.submit(WAITS) for _ in range(4)]
        until(lambda: "RUNNING" in slurm.ask("squeue", "--noheader", "--format=%T"))
        os.kill(process.pid, end)
        process.wait(30)
    with network(folder) as (_, user):
        again = [user.compute.job(job.did, job.job_id, user.wallet) for job in jobs]
        ended = [job.wait(timeout=90) for job in again]
        results = [job.result_json() for job in again]
    name = (folder / "slurm" / "name").read_text()
    submitted = slurm.ask("squeue", "--noheader", "--states=all", "--format=%j").split()

    assert [status.succeeded for status in ended] == [True] * 4
    assert results == [[1]] * 4
    assert len([one for one in submitted if name in one]) == 4


def test_a_temporary_network_takes_its_jobs_along(slurm: Cluster) -> None:
    with LocalNetwork(generation="node", runner="slurm") as running:
        user = User(running.state_dir, {"provider_url": running.provider_url})
        user.submit("import time; time.sleep(600)")
        until(lambda: "RUNNING" in slurm.ask("squeue", "--noheader", "--format=%T"))

    assert slurm.ask("squeue", "--noheader", "--states=RUNNING,PENDING") == ""


def test_without_a_controller_the_network_starts_and_jobs_wait(
    slurm: Cluster, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slurm.end("slurmctld")
    with LocalNetwork(tmp_path / "state", generation="node", runner="slurm") as running:
        try:
            user = User(running.state_dir, {"provider_url": running.provider_url})
            job = user.submit("print('done')")
        finally:
            slurm.start_controller()

        assert job.wait(timeout=90).succeeded
    assert "Slurm does not answer now; jobs wait until it does" in caplog.text


@pytest.mark.parametrize(
    ("options", "path", "message"),
    [
        ({"partition": "nope"}, None, "no partition nope; it has: short, urgent, usual"),
        ({}, "/nowhere", "commands are not on this machine: sbatch, squeue, scancel, sinfo"),
        ({"arguments": "--wrap=true"}, None, "expected only --NAME or --NAME=VALUE of --begin"),
        ({"speed": "1"}, None, "no option 'speed'; it has: partition, account, cpus"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(
    slurm: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    path: str | None,
    message: str,
) -> None:
    if path is not None:
        monkeypatch.setenv("PATH", path)
    with pytest.raises(LocalNetworkError, match=message):
        LocalNetwork(tmp_path / "state", runner="slurm", runner_options=options).start()

    assert not (tmp_path / "state").exists()
