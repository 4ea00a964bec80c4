"""The job file: proved before a job is started, and named so that a shell takes it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.backends.backend import JobRef
from ocean_lib.cli import main
from ocean_lib.cli.job_file import WhichJob
from ocean_lib.cli.session import Session
from ocean_lib.jobs.plan import JobPlan
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.ocean_compute import OceanCompute

DID = "did:op:" + "12" * 20
ADDRESS = "0x" + "12" * 20
START = [
    *("start", DID, "--order", "0x" + "34" * 32, "--service", "1", "--code", __file__),
    *("--image", "python", "--tag", "3.11", "--entrypoint", "python3 $ALGO"),
    *("--provider", "http://127.0.0.1:9"),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG_FILE", "OCEAN_JOB_FILE", "OCEAN_KEYSTORE", "PROVIDER_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", "0x" + "4c" * 32)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The jobs that a Provider started, which takes the folder `gone` away with it."""
    ids: list[str] = []

    def submit(compute: OceanCompute, plan: JobPlan, wallet: Any, **_: Any) -> ComputeJob:
        ids.append("a1")
        shutil.rmtree(tmp_path / "gone", ignore_errors=True)
        ref = JobRef(plan.main.did, "a1", plan.consumer)
        return ComputeJob(compute.client, ref, wallet, order_tx=plan.main.transfer_tx_id)

    monkeypatch.setattr(OceanCompute, "submit_plan", submit)
    return ids


@pytest.mark.parametrize("name", ["/proc/x.json", "gone/x.json", "", "x" * 250, "pipe"])
def test_no_job_is_started_that_could_not_be_remembered(
    name: str,
    tmp_path: Path,
    started: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")

    assert main([*START, "--job-file", name, "--json"]) == 2

    assert json.loads(capsys.readouterr().out)["error"]["reason"] == "usage"
    assert started == []


def test_a_job_whose_file_cannot_be_written_any_more_is_named_in_one_document(
    tmp_path: Path, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "gone").mkdir()
    file = str(tmp_path / "gone" / "job.json")

    assert main([*START, "--job-file", file, "--json"]) == 1

    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["job_id"], error["did"]) == ("a1", DID)
    assert "was started, but the job file" in error["message"]
    assert error["message"].endswith(f"ocean-compute wait a1 --did {DID}")


def test_a_start_that_fails_leaves_the_old_job_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = '{"job_id": "old"}'
    (tmp_path / "job.json").write_text(old)

    assert main([*START, "--job-file", str(tmp_path / "job.json")]) == 6

    assert [path.name for path in tmp_path.iterdir()] == ["job.json"]
    assert (tmp_path / "job.json").read_text() == old


@pytest.mark.parametrize(
    "mine", ["name: my data\n", "[]", '{"name": "my data"}', "\xff", "[" * 999]
)
def test_a_file_that_is_no_job_file_is_not_replaced(
    mine: str, tmp_path: Path, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.yaml").write_text(mine, "latin-1")

    assert main([*START, "--job-file", str(tmp_path / "data.yaml")]) == 2

    assert "data.yaml exists and is not a job file" in capsys.readouterr().err
    assert (tmp_path / "data.yaml").read_text("latin-1") == mine
    assert started == []


@pytest.mark.parametrize("old", ["", '{"job_id": "old"}'])
def test_an_old_job_file_and_an_empty_file_are_replaced(
    old: str, tmp_path: Path, started: list[str]
) -> None:
    (tmp_path / "job.json").write_text(old)

    assert main([*START, "--job-file", str(tmp_path / "job.json")]) == 0

    assert json.loads((tmp_path / "job.json").read_text())["job_id"] == "a1"
    assert started == ["a1"]


@pytest.mark.parametrize("option", ["--order", "--algorithm-order"])
def test_an_empty_order_is_bad_usage_and_starts_nothing(
    option: str, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*START, option, ""]) == 2

    assert f"'{option}': it is empty" in capsys.readouterr().err
    assert started == []


def test_a_missing_did_is_named_where_tokens_are_minted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["mint", "", "--to", ADDRESS, "--network", "http://127.0.0.1:9"]) == 2

    assert "'DID': it is empty" in capsys.readouterr().err


def test_the_next_command_can_be_copied_from_what_start_says(
    tmp_path: Path, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "my job's.json")

    assert main([*START, "--job-file", file]) == 0

    said = capsys.readouterr().err.rpartition(": ")[2]
    assert shlex.split(said) == ["ocean-compute", "wait", "--job-file", file]
    assert json.loads(Path(file).read_text())["job_id"] == "a1"
    assert [path.name for path in tmp_path.iterdir()] == ["my job's.json"]


@pytest.mark.parametrize(
    ("which", "words"),
    [
        (WhichJob("", "", Path("my job.json")), ["--job-file", "my job.json"]),
        (WhichJob("a b", "", None), ["a b", "--node", "http://node/a;b"]),
        (WhichJob("a1", "did:op:$(x)", None), ["a1", "--did", "did:op:$(x)"]),
    ],
    ids=["file", "id", "did"],
)
def test_a_job_is_named_so_that_a_shell_takes_it(which: WhichJob, words: list[str]) -> None:
    session = Session()
    session.node = "http://node/a;b"

    assert shlex.split(which.words(session)) == words


def test_a_missing_job_file_is_named_so_that_a_shell_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["wait", "--job-file", "my job.json"]) == 7
    assert "`ocean-compute start --job-file 'my job.json'`" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "job.json/below"])
def test_a_job_file_that_cannot_be_read_is_bad_usage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.json").touch()

    assert main(["status", "--job-file", name]) == 2


@pytest.mark.parametrize("command", ["status", "wait", "stop", "logs", "result", "download"])
def test_an_empty_job_id_is_bad_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "", "--did", DID]) == 2

    assert "'[JOB_ID]': it is empty" in capsys.readouterr().err


def test_a_job_file_that_is_nested_too_deeply_is_bad_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)

    assert main(["status", "--job-file", str(tmp_path / "deep.json")]) == 2


def test_code_that_is_no_text_is_bad_usage(
    tmp_path: Path, started: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.py").write_bytes(b"\xff")

    assert main([str(tmp_path / "run.py") if word == __file__ else word for word in START]) == 2
    assert "run.py cannot be read: it is not UTF-8 text" in capsys.readouterr().err
