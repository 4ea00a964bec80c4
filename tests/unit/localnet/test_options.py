"""What `LocalNetwork(...)` is given is checked before anything starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.faults import Drop
from ocean_lib.localnet.runners import Limits, containers


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"port": 70000}, r"port: expected a whole number, 0 to 65535; got 70000"),
        ({"port": -1}, r"port: .* got -1"),
        ({"port": "8030"}, r"port: .* got '8030'"),
        ({"rpc_port": 65536}, r"rpc_port: expected a whole number, 0 to 65535; got 65536"),
        ({"chain_id": 0}, r"chain_id: expected a whole number, 1 or more; got 0"),
        ({"account_count": 0}, r"account_count: .* 1 or more; got 0"),
        ({"jobs_at_once": 0}, r"jobs_at_once: .* 1 or more; got 0"),
        ({"jobs_at_once": -3}, r"jobs_at_once: .* 1 or more; got -3"),
        ({"max_jobs": 0}, r"max_jobs: .* 1 or more; got 0"),
        ({"max_jobs": True}, r"max_jobs: .* got True"),
        ({"max_jobs": 1.5}, r"max_jobs: .* got 1\.5"),
        ({"results_lifetime_s": -1.0}, r"results_lifetime_s: expected seconds, 0 or more; got -1"),
        ({"results_lifetime_s": float("nan")}, r"results_lifetime_s: .* got nan"),
        ({"state_dir": ""}, r"state_dir \(--state\) is empty"),
        ({"state_dir": 5}, r"state_dir \(--state\): expected a folder's path; got 5"),
        ({"isolation": "foo"}, r"isolation \(--isolation\): expected one of bwrap, .*got 'foo'"),
        ({"isolation": ""}, r"isolation \(--isolation\): .* got ''"),
        ({"host": ""}, r"host \(--host\): expected an address of this machine; got ''"),
        ({"host": 5}, r"host \(--host\): .* got 5"),
        ({"seed": ""}, r"seed \(--seed\): expected a text or a whole number; got ''"),
        ({"limits": {"wall_s": 1}}, r"limits: expected Limits\(\.\.\.\); got {'wall_s': 1}"),
        ({"limits": Limits(wall_s=0)}, r"limits: expected a number above 0 for wall_s; got 0"),
        ({"limits": Limits(memory_bytes=float("nan"))}, r"above 0 for memory_bytes; got nan"),
        ({"expose": "no"}, r"expose: expected True or False; got 'no'"),
        ({"runner": 5}, r"runner: expected a JobRunner; 5 has no submit, poll, stop, collect"),
        ({"runner": "foo"}, r"runner \(--runner\): expected one of docker.*; got 'foo'"),
        ({"runner_options": {"engine": "x"}}, r"runner_options .*pass runner= \(--runner\)"),
        ({"runner": "docker", "runner_options": {"pull": 5}}, r"expected texts by .*{'pull': 5}"),
        ({"faults": 5}, r"faults: expected a list of faults, such as .*; got 5"),
        ({"faults": [5]}, r"faults: expected a list of faults, such as .*; got \[5\]"),
        ({"faults": Drop("start")}, r"faults: expected a list .*; got Drop\("),
        ({"chain_url": 5}, r"chain_url \(--chain-url\) is not an http\(s\) URL"),
        ({"port": 8030, "rpc_port": 8030}, r"port and rpc_port are both 8030"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_what_is_expected(
    options: dict[str, Any], expected: str
) -> None:
    with pytest.raises(LocalNetworkError, match=expected):
        LocalNetwork(**options)


@pytest.mark.parametrize(
    "url",
    ["", "foo", "localhost:8545", "ws://127.0.0.1:8545", "http://", "http://:8545", "file:///x"]
    + ["http://127.0.0.1:99999", "http://[::1", "https:/host"],
)
def test_a_chain_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(LocalNetworkError, match=r"not an http\(s\) URL"):
        LocalNetwork(chain_url=url)


def test_a_wrong_chain_url_is_not_shown_as_it_may_hold_a_key() -> None:
    with pytest.raises(LocalNetworkError) as caught:
        LocalNetwork(chain_url="wss://node.example/v3/abcdef")

    assert "abcdef" not in str(caught.value)


def test_what_lies_at_the_ends_of_the_ranges_is_taken() -> None:
    LocalNetwork(port=65535, rpc_port=0, chain_id=1, account_count=1, jobs_at_once=1, max_jobs=1)
    LocalNetwork(results_lifetime_s=0, chain_url="https://node.example/v3/key")
    LocalNetwork(results_lifetime_s=float("inf"), chain_url="http://[::1]:8545")


def test_a_runner_whose_package_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(containers, "find_spec", lambda name: None)
    network = LocalNetwork(tmp_path / "state", isolation="container")

    with pytest.raises(LocalNetworkError, match=r'pip install "ocean-compute\[localnet,containers'):
        network.start()

    assert not (tmp_path / "state").exists()
