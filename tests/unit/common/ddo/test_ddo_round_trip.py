"""The law of DDOs: what was read comes out again, nothing lost, nothing added, same order."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.exceptions import InvalidInput

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
DICTS = st.dictionaries(st.text(max_size=5), JSON, max_size=3)


def shuffled(fixed: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make dicts with any of these keys, others beside them, in any order."""
    optional = st.fixed_dictionaries({}, optional=fixed)
    merged = st.builds(lambda a, b: {**b, **a}, optional, DICTS)
    return merged.flatmap(lambda d: st.permutations(list(d.items())).map(dict))


SERVICES = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from(["metadata", "access", "compute", "other"]),
    shuffled(
        {
            "attributes": DICTS,
            "serviceEndpoint": st.none() | st.text(max_size=5),
            "index": st.none() | st.integers(),
            "type": st.just(""),
        }
    ),
)
AUTHENTICATIONS = st.builds(lambda rest: {**rest, "publicKey": "x"}, DICTS)
DDOS = st.builds(
    lambda did, rest: {**rest, "id": did},
    st.none() | st.text(max_size=5),
    shuffled(
        {
            "@context": JSON,
            "created": st.none() | st.text(max_size=5),
            "publicKey": st.none() | st.lists(DICTS, max_size=2),
            "authentication": st.none() | st.lists(AUTHENTICATIONS, max_size=2),
            "service": st.none() | st.lists(SERVICES, max_size=3),
            "proof": st.none() | DICTS,
            "credentials": st.none() | DICTS,
            "id": st.just(""),
        }
    ),
)


def test_recorded_ddos_come_out_byte_for_byte(ddo_texts: dict[str, str]) -> None:
    assert len(ddo_texts) >= 3
    for text in ddo_texts.values():
        assert Asset(dictionary=json.loads(text)).as_text() == text
        assert DDO(json_text=text).as_text() == text


@given(DDOS)
def test_any_ddo_comes_out_as_it_was_read(document: dict[str, Any]) -> None:
    assert json.dumps(Asset(dictionary=document).as_dictionary()) == json.dumps(document)


@given(JSON | DICTS | DDOS.map(lambda d: {**d, "service": d}))
def test_any_json_is_a_ddo_or_our_error(document: Any) -> None:
    try:
        asset = Asset(dictionary={"id": "did:op:x", **document} if document else document)
    except (InvalidInput, TypeError) as error:
        # TypeError: this test's own **, of something that is no dict.
        assert isinstance(error, InvalidInput) or not isinstance(document, dict)  # noqa: PT017
        return
    asset.as_text()


@given(DDOS, st.sampled_from(["publicKey", "authentication", "service", "proof"]))
def test_a_part_can_be_added_to_any_ddo(document: dict[str, Any], part: str) -> None:
    ddo = DDO(dictionary=document)

    if part == "publicKey":
        ddo.add_public_key("id", "owner")
    elif part == "authentication":
        ddo.add_authentication("key", "type")
    elif part == "service":
        ddo.add_service("compute")
    else:
        ddo.add_proof({}, type("Publisher", (), {"address": "0x1"})())

    assert DDO(dictionary=ddo.as_dictionary()).as_text() == ddo.as_text()
    assert ddo.as_dictionary()[part]
