"""`python -m ocean_lib.localnet`: what it refuses, and how it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.localnet.process import command, described


def _refused(*arguments: str, folder: Path, status: int) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "ocean_lib.localnet", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--port", "70000"), "port: expected a whole number, 0 to 65535; got 70000"),
        (("--jobs", "-3"), "jobs_at_once: expected a whole number, 1 or more; got -3"),
        (("--max-jobs", "0"), "max_jobs: expected a whole number, 1 or more; got 0"),
        (("--state", ""), "state_dir (--state) is empty"),
        (("--state", "."), "holds files that are not a network's (config.ini)"),
        (("--state", "config.ini"), "it is a file"),
        (("--host", "0.0.0.0"), "--expose"),
        (("--chain-url", "foo"), "not an http(s) URL"),
        (("--isolation", "foo"), "isolation (--isolation): expected one of bwrap"),
        (("--runner", "foo"), "runner (--runner): expected one of docker"),
        (("--runner-option", "foo"), "--runner-option: expected NAME=VALUE; got 'foo'"),
        (("--seed", ""), "seed (--seed): expected"),
        (("--generation", "v4"), "generation (--generation): expected one of v3, node"),
        (("--rate-limit", "0"), "rate_limit: expected a whole number"),
    ],
)
def test_a_bad_option_is_one_line_and_status_2_and_writes_nothing(
    tmp_path: Path, arguments: tuple[str, str], expected: str
) -> None:
    (tmp_path / "config.ini").write_text("[mine]\n")

    assert expected in _refused(*arguments, folder=tmp_path, status=2)
    assert [path.name for path in tmp_path.iterdir()] == ["config.ini"]
    assert (tmp_path / "config.ini").read_text() == "[mine]\n"


def test_a_chain_that_does_not_answer_is_status_1(tmp_path: Path) -> None:
    told = _refused("--chain-url", "http://127.0.0.1:9", folder=tmp_path, status=1)

    assert "127.0.0.1:9" in told


def test_a_state_that_cannot_be_opened_is_status_1(tmp_path: Path) -> None:
    (tmp_path / "state" / "network.db").mkdir(parents=True)
    told = _refused("--state", "state", folder=tmp_path, status=1)

    assert "the network cannot start: " in told


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP here")
def test_closing_its_terminal_leaves_no_keys_behind() -> None:
    with command() as process:
        folder = Path(described(process)["state_dir"])
        kept = (folder / "keys.json").exists()
        process.send_signal(signal.SIGHUP)
        status = process.wait(20)

    assert kept
    assert status == 0
    assert not folder.exists()


def test_two_signals_at_once_end_it_as_one_does() -> None:
    with command() as process:
        folder = Path(described(process)["state_dir"])
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        status = process.wait(20)

    assert status == 0
    assert not folder.exists()


def test_a_node_tells_what_it_has_and_nothing_of_a_chain() -> None:
    with command("--generation", "node", "--rate-limit", "100") as process:
        told = described(process)

    assert told["generation"] == "node"
    assert told["provider_url"] == told["metadata_cache_url"]
    assert not {"rpc_url", "chain_id", "contracts", "address_file"} & set(told)
