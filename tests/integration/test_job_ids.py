"""Back ends that call their jobs otherwise than operator-service, which takes 32 hex digits."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from ocean_lib import checks as validation
from ocean_lib.cli import main
from ocean_lib.exceptions import InvalidInput
from ocean_lib.ocean.compute_job import ComputeJob
from tests.players import DID, World, new_wallet, start


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        world.provider.new_job_id = lambda: secrets.token_hex(32)
        yield world


def test_an_id_that_looks_like_a_key_is_taken_from_the_provider(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    job = compute.job(DID, job_id, wallet)

    assert job.status().code == 1
    assert compute.stop(DID, job_id, wallet)["status"] == 1
    assert [listed.job_id for listed in compute.jobs(wallet, DID)] == [job_id]


def test_it_is_taken_from_to_dict_in_another_process_too(world: World) -> None:
    unseen = secrets.token_hex(32)
    wallet, compute = new_wallet(), world.compute()
    kept = {"did": DID, "job_id": unseen, "owner": wallet.address}
    with pytest.raises(InvalidInput, match="not shown"):
        compute.job(DID, unseen, wallet)

    assert ComputeJob.from_dict(kept, compute, wallet).job_id == unseen


@pytest.mark.parametrize("names_it", [[], ["--did", DID]])
def test_it_can_be_typed_at_the_command_line(
    world: World,
    names_it: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    monkeypatch.setattr(validation, "_trusted_job_ids", set())  # as in another process
    config = compute._config
    where = ["--provider", config.provider_url, "--metadata-cache", config.metadata_cache_uri]
    options = [*names_it, *where, "--address", wallet.address]

    assert main(["status", job_id, *options]) == 0
    assert job_id in capsys.readouterr().out
    assert main(["status", "5d" * 32, *options]) == 7
    assert "no job '<64 hex digits, not shown>'" in capsys.readouterr().err
