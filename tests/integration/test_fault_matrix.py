"""Every cell of the fault matrix: the outcome promised, in time, and then it works again."""

from __future__ import annotations

import pytest

from tests.fault_matrix import (
    FAULTS,
    OPERATIONS,
    TOTAL_S,
    VALUE,
    Cell,
    Outcome,
    cells,
    promised,
    run_all,
)

CELLS = list(cells())
LATE_S = 4.0  # of scheduling, on a busy machine


@pytest.fixture(scope="module")
def outcomes() -> dict[Cell, Outcome]:
    return run_all()


def test_every_operation_meets_every_fault() -> None:
    met = {(cell.operation, cell.fault.name) for cell in CELLS}

    assert met == {(operation, fault.name) for operation in OPERATIONS for fault in FAULTS}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_cell_ends_as_promised(outcomes: dict[Cell, Outcome], cell: Cell) -> None:
    outcome = outcomes[cell]

    assert outcome.is_ours, f"{outcome.result}: {outcome.text}"
    assert (outcome.result, outcome.requests) == promised(cell), outcome.text
    assert outcome.seconds < TOTAL_S + LATE_S
    assert outcome.again == VALUE, "the same client, when the fault has gone"


@pytest.mark.parametrize("cell", [c for c in CELLS if c.call == "start"], ids=lambda c: c.name)
def test_a_start_is_sent_once_and_looked_for_a_bounded_number_of_times(
    outcomes: dict[Cell, Outcome], cell: Cell
) -> None:
    counts = outcomes[cell].counts

    assert counts.get("start", 0) <= 1
    assert counts.get("look", 0) <= (5 if cell.operation == "start" else 0)


@pytest.mark.parametrize("cell", [c for c in CELLS if c.call == "stop"], ids=lambda c: c.name)
def test_a_stop_is_sent_once(outcomes: dict[Cell, Outcome], cell: Cell) -> None:
    assert outcomes[cell].counts.get("stop", 0) <= 1


@pytest.mark.parametrize("cell", [c for c in CELLS if c.call == "result"], ids=lambda c: c.name)
def test_a_result_is_asked_for_twice_at_most(outcomes: dict[Cell, Outcome], cell: Cell) -> None:
    assert outcomes[cell].counts.get("result", 0) <= 2


@pytest.mark.parametrize("cell", [c for c in CELLS if c.fault.kind == "400 refused"][:8])
def test_a_refusal_comes_in_the_servers_words(outcomes: dict[Cell, Outcome], cell: Cell) -> None:
    assert "Something in the workflow is not right" in outcomes[cell].text
