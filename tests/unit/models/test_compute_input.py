"""An input is valid once it is made, and has the Provider's keys."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from ocean_lib.exceptions import InvalidDid, InvalidInput, InvalidTransactionHash
from ocean_lib.models.compute_input import ComputeInput

DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"
TX = "0x3a106a6eb94149e3a861bef23763d294eefbc005980affa2cdb269fb05a8ce83"


def test_an_input_has_the_keys_of_the_recorded_additional_input(
    exchanges: Callable[[str], list[dict[str, Any]]],
) -> None:
    recorded = next(
        json.loads(e["request_body"])["additionalInputs"][0]
        for e in exchanges("30")
        if e["method"] == "POST" and e["target"].endswith("/compute")
    )

    made = ComputeInput(
        recorded["documentId"], recorded["transferTxId"], recorded["serviceId"]
    ).as_dictionary()

    assert json.dumps(made) == json.dumps(recorded)


def test_service_index_0_is_an_index() -> None:
    assert ComputeInput(DID, TX, 0).as_dictionary()["serviceId"] == 0


def test_bytes_and_decimal_text_are_brought_into_one_spelling() -> None:
    made = ComputeInput(DID, bytes.fromhex(TX[2:]), "4")  # type: ignore[arg-type]

    assert made == ComputeInput(did=DID, transfer_tx_id=TX, service_id=4)


def test_an_asset_of_a_later_generation_is_an_input_too() -> None:
    did, service = f"did:op:{TX[2:]}", "5e" * 32
    made = ComputeInput(did, TX, service)

    assert made.as_dictionary() == {
        "documentId": did,
        "transferTxId": TX,
        "serviceId": service,
    }
    assert {made, ComputeInput(did, TX, service)} == {made}
    assert did in repr(made)
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.service_id = 4  # type: ignore[misc]


def test_inputs_compare_and_hash_by_value() -> None:
    assert len({ComputeInput(DID, TX, 4), ComputeInput(DID, TX, 4), ComputeInput(DID, TX, 0)}) == 2
    assert repr(ComputeInput(DID, TX, 4)) == (
        f"ComputeInput(did='{DID}', transfer_tx_id='{TX}', service_id=4)"
    )


def test_an_input_cannot_become_invalid() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ComputeInput(DID, TX, 4).service_id = -1  # type: ignore[misc]


def test_bad_values_are_refused_each_with_its_error() -> None:
    with pytest.raises(InvalidDid):
        ComputeInput("", TX, 4)
    with pytest.raises(InvalidTransactionHash, match="transfer_tx_id"):
        ComputeInput(DID, "tx", 4)
    with pytest.raises(InvalidInput, match="service_id"):
        ComputeInput(DID, TX, None)  # type: ignore[arg-type]


def test_old_except_clauses_still_catch() -> None:
    with pytest.raises(AssertionError):
        ComputeInput("", "", None)  # type: ignore[arg-type]
