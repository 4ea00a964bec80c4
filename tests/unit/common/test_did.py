"""DIDs are made and taken apart."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ocean_lib.common.did import (
    DID,
    OCEAN_PREFIX,
    did_parse,
    did_to_id,
    did_to_id_bytes,
    id_to_did,
)
from ocean_lib.exceptions import InvalidDid


def test_a_did_of_checksums_is_the_one_ocean_py_made() -> None:
    checksums = {
        "0": "0x52b5c93b82dd9e7ecc3d9fdf4755f7f69a54484941897dc517b4adfe3bbc3377",
        "1": "0x999999952b5c93b82dd9e7ecc3d9fdf4755f7f69a54484941897dc517b4adfe3",
    }

    did = DID.did(checksums)

    assert did == "did:op:138fccf336883ae6312c9b8b375745a90be369454080e90985fb3e314ab0df25"


def test_an_id_goes_into_a_did_and_comes_out_again() -> None:
    raw = secrets.token_bytes(32)

    for given in (raw, raw.hex(), "0x" + raw.hex()):
        did = id_to_did(given)
        assert did == OCEAN_PREFIX + raw.hex()
    assert did_parse(did) == {"method": "op", "id": raw.hex()}
    assert did_to_id(did) == raw.hex()
    assert did_to_id_bytes(did) == raw
    assert did_to_id_bytes(raw) == raw


def test_an_empty_id_is_0() -> None:
    assert id_to_did("") == "did:op:0"
    assert did_to_id_bytes("did:op:0") == b"\0"


@pytest.mark.parametrize("did", ["", OCEAN_PREFIX, "op:123", "did:OP:12"])
def test_other_text_is_refused(did: str) -> None:
    with pytest.raises(InvalidDid):
        did_to_id(did)


@pytest.mark.parametrize("did", ["", "ab" * 32, "0x" + "ab" * 32, "did:op:nothex"])
def test_bytes_come_from_hex_dids_only(did: str) -> None:
    with pytest.raises(ValueError):
        did_to_id_bytes(did)


def test_an_id_that_is_not_hex_is_refused() -> None:
    with pytest.raises(InvalidDid):
        id_to_did("xyz")


@pytest.mark.parametrize("value", [None, {}, 42])
def test_the_wrong_type_raises_as_it_did(value: Any) -> None:
    for function in (did_parse, did_to_id_bytes, id_to_did):
        with pytest.raises(TypeError):
            function(value)  # type: ignore[operator]
