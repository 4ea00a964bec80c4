"""One real Slurm of one node for the whole package; without its programs the tests skip."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import slurm_cluster
from tests.slurm_cluster import Cluster


@pytest.fixture(scope="package")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A running cluster, which Slurm's commands find by themselves."""
    reason = slurm_cluster.why_not()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patched, slurm_cluster.cluster(folder / "c") as running:
        patched.setenv("SLURM_CONF", str(running.config))
        patched.setenv("SBATCH_PARTITION", "urgent")  # must make no difference
        yield running
