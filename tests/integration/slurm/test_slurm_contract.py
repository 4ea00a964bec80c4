"""The main promises of the contract, with jobs that run on a Slurm cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet import LocalNetwork
from tests.contract.test_outcome import (
    test_all_results_and_logs_are_downloaded,
    test_odd_names_stay_in_the_folder_and_none_is_lost,
)
from tests.contract.test_starting import test_a_job_whose_answer_is_lost_is_found
from tests.contract.test_stopping import (
    test_a_stranger_can_neither_stop_nor_read_a_job,
    test_one_job_is_stopped_and_no_other,
)
from tests.contract.test_waiting import (
    test_a_failed_algorithm_is_told_and_its_log_says_why,
    test_a_job_is_taken_up_by_another_client,
    test_a_job_that_runs_too_long_is_told_of,
    test_many_jobs_of_two_owners_are_waited_for_at_once,
)
from tests.contract.worlds import WORLDS, Consumer, World
from tests.slurm_cluster import Cluster

__all__ = [
    "test_a_failed_algorithm_is_told_and_its_log_says_why",
    "test_a_job_is_taken_up_by_another_client",
    "test_a_job_that_runs_too_long_is_told_of",
    "test_a_job_whose_answer_is_lost_is_found",
    "test_a_stranger_can_neither_stop_nor_read_a_job",
    "test_all_results_and_logs_are_downloaded",
    "test_many_jobs_of_two_owners_are_waited_for_at_once",
    "test_odd_names_stay_in_the_folder_and_none_is_lost",
    "test_one_job_is_stopped_and_no_other",
]


@pytest.fixture(scope="module", params=WORLDS)
def _world(
    request: pytest.FixtureRequest, slurm: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    class OnSlurm(WORLDS[request.param]):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            options: dict[str, Any] = {"runner": "slurm", "runner_options": {"poll_s": "0.2"}}
            folder = tmp_path_factory.mktemp(request.param)
            if request.param != "v3":
                options["generation"] = request.param
            self.network = LocalNetwork(Path(folder), account_count=100, **options)

    with OnSlurm() as world:
        yield world


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    _world.go_wrong()
    yield _world
    _world.go_wrong()


@pytest.fixture
def consumer(world: World) -> Consumer:
    return world.consumer()


def test_the_log_names_the_slurm_job_and_the_nodes_isolation(consumer: Consumer) -> None:
    job = consumer.finished()

    log = job.logs() if consumer.world.network.generation == "v3" else _notes(consumer, job)
    assert "[localnet] Slurm job " in log
    assert f"job {job.job_id.rpartition('-')[2]}, isolation: " in log
    assert consumer.world.network.isolation.startswith("slurm")


def _notes(consumer: Consumer, job: Any) -> str:
    folder = consumer.world.network.state_dir / "jobs" / job.job_id.rpartition("-")[2] / "control"
    return "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))
