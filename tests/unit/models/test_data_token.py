"""What a data token answers without a chain."""

import pytest
from eth_utils.crypto import keccak

from ocean_lib.exceptions import ConfigError, InvalidAddress, InvalidDid, InvalidInput
from ocean_lib.models._order_checks import fee_base
from ocean_lib.models.data_token import DataToken
from ocean_lib.models.metadata import data_token_of
from ocean_lib.web3_internal.contract_base import ContractBase

KEY = "0x" + "c0ffee01" * 8
TOKEN = "0x16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"


def test_a_fee_is_rounded_down_as_the_contract_does():
    assert fee_base(10**18, 0.001) == 10**15
    assert fee_base(999, "0.001") == 0
    assert fee_base(3**50, 0.001) == 3**50 // 1000
    assert DataToken.DEFAULT_CAP_BASE == 1000 * 10**18


def test_events_have_the_signature_that_their_logs_carry():
    token = DataToken(TOKEN)

    transfer = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
    assert token.get_event_signature("Transfer") == transfer
    with pytest.raises(ValueError, match="Nothing not found in DataTokenTemplate"):
        token.get_event_signature("Nothing")


def test_the_contract_has_the_functions_of_its_artifact():
    assert {"mint", "startOrder", "balanceOf"} <= set(DataToken(TOKEN).function_names)


@pytest.mark.parametrize("read", ["symbol", "cap", "minter", "blob", "totalSupply"])
@pytest.mark.usefixtures("no_chain")
def test_a_read_without_a_chain_says_how_to_give_one(read):
    with pytest.raises(ConfigError, match=r"DataToken\(address, web3=ocean.web3\)"):
        getattr(DataToken(TOKEN), read)()


def test_a_contract_knows_its_checksum_address():
    token = DataToken(TOKEN.lower())

    assert token.address == TOKEN
    assert str(token) == f"DataTokenTemplate @ {TOKEN}"
    with pytest.raises(InvalidAddress):
        DataToken("0x16a8D214eD5eaA9dDA7e365F8022AbDa92987E36")
    with pytest.raises(InvalidInput, match="no address"):
        _ = DataToken(None).address


def test_the_base_class_is_no_contract_of_its_own():
    with pytest.raises(InvalidInput, match="CONTRACT_NAME"):
        ContractBase(TOKEN)


@pytest.mark.parametrize(
    "did", [f"did:op:{TOKEN[2:]}", f"did:op:{TOKEN[2:].lower()}", TOKEN, TOKEN[2:], TOKEN.lower()]
)
def test_a_did_names_its_data_token(did):
    assert data_token_of(did) == TOKEN


@pytest.mark.parametrize("wrong", [None, 5, True, b"x", [], {}, 1.5])
def test_what_is_no_text_names_no_data_token(wrong):
    with pytest.raises(InvalidAddress, match="address must be"):
        data_token_of(wrong)


@pytest.mark.parametrize("web3", ["http://127.0.0.1:8545", 5, True, {}, b"x"])
def test_a_contract_is_given_a_web3_or_none(web3):
    with pytest.raises(InvalidInput, match="web3 must be a Web3, got"):
        DataToken(TOKEN, web3=web3)


@pytest.mark.parametrize("event", [KEY, KEY[2:], "x" * 100_000, "\x1b[31m", "\ud800", None, 5])
def test_an_event_there_is_not_is_shown_without_harm(event):
    for act in (DataToken(TOKEN).get_event_signature, DataToken(TOKEN).get_event_logs):
        with pytest.raises(InvalidInput, match="not found in DataTokenTemplate") as caught:
            act(event)

        assert len(str(caught.value)) < 200
        assert str(caught.value).isprintable()
        assert "c0ffee" not in str(caught.value)


def test_what_names_no_data_token_is_refused():
    with pytest.raises(InvalidDid):
        data_token_of("did:op:12")
    with pytest.raises(InvalidAddress):
        data_token_of("0x12")
