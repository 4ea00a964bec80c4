"""A hostile algorithm gets nothing and harms nothing, on every tier that this machine has."""

from __future__ import annotations

from typing import Any

import pytest

from tests import hostile_matrix
from tests.hostile import ATTEMPTS, NETWORK, Attempt
from tests.hostile_sieges import SIEGES, Siege

GROUNDS = hostile_matrix.grounds()
SEPARATING = [ground for ground in GROUNDS if ground.tier != "limits"]
Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found() -> Found:
    return hostile_matrix.run_all(thorough=False)


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
@pytest.mark.parametrize("ground", SEPARATING, ids=str)
def test_an_attempt_gets_nothing(
    found: Found, ground: hostile_matrix.Ground, attempt: Attempt
) -> None:
    assert found[str(ground)]["attempts"][attempt.name]["got"] is False


@pytest.mark.skipif(hostile_matrix.control() is None, reason="no ordinary user to try it as")
def test_the_attempts_are_real_ones() -> None:
    control = hostile_matrix.control()
    assert control is not None
    told = hostile_matrix.run(control)["attempts"]

    unguarded = {name for name, attempt in told.items() if attempt["got"]}
    assert unguarded >= {
        "another job's input", "the Provider's key", "the home", "watch the home", "truncate",
        "environment", "setuid", "TCP", "UDP", "Unix socket", "Unix datagrams", "netlink",
        "abstract Unix socket", "see a process", "signal all", "signal by io", "signal by pidfd",
        "environments", "limits", "priority", "cores", "setuid programs", "personality",
    }  # fmt: skip


@pytest.mark.parametrize("ground", SEPARATING, ids=str)
def test_all_attempts_together_change_nothing_outside(
    found: Found, ground: hostile_matrix.Ground
) -> None:
    told = found[str(ground)]

    assert told["changed"] == []
    assert "all" in told["attempts"], told["log"]
    assert set(told["results"]) <= {"moved", "suid"}


@pytest.mark.parametrize("ground", [g for g in GROUNDS if g.tier == "limits"], ids=str)
def test_without_separation_there_is_still_no_network_and_no_way_to_more_rights(
    found: Found, ground: hostile_matrix.Ground
) -> None:
    attempts = found[str(ground)]["attempts"]
    never = [item.name for item in ATTEMPTS if item.area == NETWORK]
    never += ["environment", "inherited files", "setuid", "setuid at once", "a device", "mount"]
    never += ["another user", "setuid programs", "user namespace", "user namespace, clone", "bpf"]

    assert [name for name in never if attempts[name]["got"]] == []


@pytest.mark.parametrize("siege", SIEGES, ids=lambda siege: siege.name)
@pytest.mark.parametrize("ground", GROUNDS, ids=str)
def test_a_siege_is_held(found: Found, ground: hostile_matrix.Ground, siege: Siege) -> None:
    told = found[str(ground)]["sieges"].get(siege.name)
    if told is None and siege.slow:
        pytest.skip("slow, and not another case than elsewhere")

    assert told["survivors"] == []
    assert told["held"], told


@pytest.mark.parametrize("victim", ["network", "supervisor"])
@pytest.mark.parametrize("ground", GROUNDS, ids=str)
def test_nothing_survives_when_the_network_or_a_supervisor_is_killed(
    found: Found, ground: hostile_matrix.Ground, victim: str
) -> None:
    assert found[str(ground)]["killed"][victim] == []
