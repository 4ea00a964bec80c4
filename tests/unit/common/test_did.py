"""DIDs are taken apart."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from ocean_lib.common.did import OCEAN_PREFIX, did_parse, did_to_id
from ocean_lib.exceptions import InvalidDid


def test_an_id_comes_out_of_a_did() -> None:
    raw = secrets.token_bytes(32)

    did = OCEAN_PREFIX + raw.hex()

    assert did_parse(did) == {"method": "op", "id": raw.hex()}
    assert did_to_id(did) == raw.hex()


@pytest.mark.parametrize("did", ["", OCEAN_PREFIX, "op:123", "did:OP:12"])
def test_other_text_is_refused(did: str) -> None:
    with pytest.raises(InvalidDid):
        did_to_id(did)


@pytest.mark.parametrize("value", [None, {}, 42])
def test_the_wrong_type_raises_as_it_did(value: Any) -> None:
    for function in (did_parse, did_to_id):
        with pytest.raises(TypeError):
            function(value)  # type: ignore[operator]
