"""How JSON-RPC values are read and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.localnet.chain import values as values
from ocean_lib.localnet.chain.errors import INVALID_PARAMS, RpcError

ADDRESS = "0x" + "ab" * 20
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
READERS = [
    lambda value: values.read_quantity(value, "it"),
    lambda value: values.read_data(value, "it"),
    lambda value: values.read_address(value, "it"),
    lambda value: values.read_hash(value, "it"),
    lambda value: values.read_block(value, "it"),
    values.read_call,
]


def refusal(read: Callable[[Any], Any], value: Any) -> RpcError | None:
    try:
        read(value)
    except RpcError as error:
        return error
    return None


@given(st.integers(0, 2**256 - 1))
def test_a_quantity_read_back_is_the_number_written(number: int) -> None:
    assert values.read_quantity(values.quantity(number), "it") == number


@given(st.binary(max_size=100))
def test_data_read_back_is_the_bytes_written(content: bytes) -> None:
    assert values.read_data(values.data(content), "it") == content


@given(JSON)
def test_a_reader_takes_a_value_or_refuses_it_as_invalid_params(value: Any) -> None:
    refused = [error for error in (refusal(read, value) for read in READERS) if error]

    assert all(error.code == INVALID_PARAMS for error in refused)


@pytest.mark.parametrize("number", [0, 1, 15, 16, 1024])
def test_a_quantity_has_no_leading_zeros(number: int) -> None:
    written = values.quantity(number)

    assert written == "0x0" or not written.startswith("0x0")


@pytest.mark.parametrize("value", ["0x", "1f", "0xg", "", None, 1.5, True, -1, "0x-1", 2**256, []])
def test_what_is_no_quantity_is_refused(value: Any) -> None:
    with pytest.raises(RpcError, match="it must be"):
        values.read_quantity(value, "it")


@pytest.mark.parametrize("value", ["0x0", "0xabc", "ab", "0xzz", 12, None])
def test_what_is_no_data_is_refused(value: Any) -> None:
    with pytest.raises(RpcError, match="it must be hex data"):
        values.read_data(value, "it")


def test_an_address_of_another_length_is_refused_with_both_lengths() -> None:
    with pytest.raises(RpcError, match="it must be 20 bytes, got 19"):
        values.read_address("0x" + "00" * 19, "it")


@pytest.mark.parametrize("tag", ["latest", "pending", "safe", "finalized", None])
def test_every_tag_for_the_chains_end_is_the_newest_block(tag: str | None) -> None:
    assert values.read_block(tag) == "latest"


def test_a_block_is_named_by_number_or_by_hash_as_eip_1898_says() -> None:
    assert values.read_block("0x10") == 16
    assert values.read_block({"blockNumber": "0x10"}) == 16
    assert values.read_block({"blockHash": "0x" + "11" * 32}) == b"\x11" * 32
    assert values.read_block("0x" + "11" * 32) == b"\x11" * 32
    with pytest.raises(RpcError, match="must have blockHash or blockNumber"):
        values.read_block({"number": "0x10"})


def test_an_unknown_tag_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RpcError, match="one of earliest, latest"):
        values.read_block("newest")


def test_a_call_reads_data_from_either_name_but_not_from_two_that_differ() -> None:
    assert values.read_call({"to": ADDRESS, "data": "0x01"}).data == b"\x01"
    assert values.read_call({"to": ADDRESS, "input": "0x01"}).data == b"\x01"
    assert values.read_call({"to": ADDRESS, "input": "0x01", "data": "0x01"}).data == b"\x01"
    with pytest.raises(RpcError, match="both input and data"):
        values.read_call({"to": ADDRESS, "input": "0x01", "data": "0x02"})


def test_a_call_without_a_recipient_creates_a_contract() -> None:
    assert values.read_call({"data": "0x00"}).to == b""
    assert values.read_call({"to": None, "data": "0x00"}).to == b""


def test_a_call_reads_an_access_list() -> None:
    entry = {"address": ADDRESS, "storageKeys": ["0x" + "00" * 31 + "07"]}

    request = values.read_call({"to": ADDRESS, "accessList": [entry]})

    assert request.access_list == ((bytes.fromhex(ADDRESS[2:]), (7,)),)


@pytest.mark.parametrize("entries", [{}, ["0x"], [{"address": ADDRESS, "storageKeys": "0x"}], [{}]])
def test_an_access_list_that_is_none_is_refused(entries: Any) -> None:
    with pytest.raises(RpcError, match=r"accessList|storageKeys"):
        values.read_call({"to": ADDRESS, "accessList": entries})


def test_a_contracts_address_follows_from_its_creator_and_nonce() -> None:
    # The example of the Ethereum wiki, computed by other implementations.
    creator = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")

    addresses = [values.contract_address(creator, nonce).hex() for nonce in range(3)]

    assert addresses == [
        "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
        "343c43a37d37dff08ae8c4a11544c718abb4fcf8",
        "f778b86fa74e846c4f0a1fbd1335fe81c00a0c91",
    ]
