"""The contracts of a node's network: on its own chain, once, whatever cuts their deployment off."""

from __future__ import annotations

from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.chain import EmbeddedChain
from ocean_lib.localnet.chain.deployment import Deployment
from ocean_lib.localnet.dialects.node.contracts import (
    NodeContracts,
    contract_artifact,
    deploy_contracts,
)
from ocean_lib.localnet.dialects.v3.contracts import contract_artifact as v3_artifact

KEY = "0x" + "11" * 32
DEPLOYER = str(Account.from_key(KEY).address)
NODE = "0x" + "00" * 19 + "99"
ACCOUNTS = ["0x" + "00" * 19 + f"{number:02x}" for number in range(0xA1, 0xA4)]
STEPS = 20  # 13 contracts, 4 registrations, the node's ether, and 2 to give the tokens away
ETHER = 10**18


class CutOff(Exception):
    pass


class CutChain:
    """A chain whose connection breaks before a transaction."""

    def __init__(self, chain: EmbeddedChain, sent_before: int) -> None:
        self._chain, self._left = chain, sent_before

    def call(self, method: str, *params: Any) -> Any:
        if method == "eth_sendRawTransaction":
            if not self._left:
                raise CutOff
            self._left -= 1
        return self._chain.call(method, *params)


@pytest.fixture
def chain():
    made = EmbeddedChain(funded={DEPLOYER: 1000 * ETHER})
    yield made
    made.close()


def read(chain: EmbeddedChain, to: str, selector: str, *arguments: str) -> int:
    data = selector + "".join(one[2:].lower().rjust(64, "0") for one in arguments)
    return int(chain.call("eth_call", {"to": to, "data": data}, "latest"), 16)


def balance(chain: EmbeddedChain, contracts: NodeContracts, account: str) -> int:
    return read(chain, contracts.ocean_token, "0x70a08231", account)


def places(contracts: NodeContracts) -> dict[str, Any]:
    return {**contracts.as_address_file()["development"], "startBlock": 0}


def sent(chain: EmbeddedChain) -> int:
    return int(chain.call("eth_getTransactionCount", DEPLOYER, "latest"), 16)


def test_the_contracts_know_each_other_and_the_accounts_have_tokens(chain):
    contracts = deploy_contracts(chain, KEY, NODE, ACCOUNTS)

    router, factory = contracts.router, contracts.erc721_factory
    assert read(chain, router, "0xc45a0155") == int(factory, 16)  # factory()
    assert read(chain, router, "0x" + selector("isFixedRateContract(address)"), factory) == 0
    for name, place in (
        ("isFixedRateContract", contracts.fixed_rate_exchange),
        ("isDispenserContract", contracts.dispenser),
        ("isApprovedToken", contracts.ocean_token),
    ):
        assert read(chain, router, "0x" + selector(f"{name}(address)"), place) == 1
    assert read(chain, factory, "0x" + selector("getCurrentTemplateCount()")) == 2
    assert read(chain, contracts.escrow, "0x" + selector("factoryRouter()")) == int(router, 16)
    assert [balance(chain, contracts, one) for one in ACCOUNTS] == [1000 * ETHER] * 3
    assert int(chain.call("eth_getBalance", NODE, "latest"), 16) == 10 * ETHER
    assert sent(chain) == STEPS


@pytest.mark.parametrize("before", [0, 1, 9, 12, 16, 17, 18, 19])
def test_a_deployment_that_was_cut_off_goes_on_where_it_was(chain, before):
    with pytest.raises(CutOff):
        deploy_contracts(CutChain(chain, before), KEY, NODE, ACCOUNTS)

    contracts = deploy_contracts(chain, KEY, NODE, ACCOUNTS)

    again = deploy_contracts(chain, KEY, NODE, ACCOUNTS)
    assert places(again) == places(contracts)
    assert sent(chain) == STEPS
    assert balance(chain, contracts, ACCOUNTS[2]) == 1000 * ETHER


def test_a_deployer_that_did_other_things_before_deploys_anew(chain):
    Deployment(chain, KEY, contract_artifact).put("AccessList")

    contracts = deploy_contracts(chain, KEY, NODE, ACCOUNTS)

    assert sent(chain) == 1 + STEPS
    assert balance(chain, contracts, ACCOUNTS[0]) == 1000 * ETHER


def test_another_release_of_the_contracts_is_named_and_not_deployed(chain, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _: "2.10.0")

    with pytest.raises(LocalNetworkError, match=r"needs ocean-contracts 2\.7\.0, and 2\.10\.0 is"):
        deploy_contracts(chain, KEY, NODE, ACCOUNTS)

    assert sent(chain) == 0


def test_without_v3s_packed_contracts_it_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "files", lambda _: tmp_path)

    with pytest.raises(LocalNetworkError, match=r"V3's contracts are missing: .* pip install -e"):
        v3_artifact("DTFactory")


def test_more_accounts_than_one_transaction_holds_all_get_tokens(chain):
    many = ["0x" + f"{number:040x}" for number in range(0x1000, 0x1000 + 401)]

    contracts = deploy_contracts(chain, KEY, NODE, many)

    assert {balance(chain, contracts, one) for one in (many[0], many[200], many[400])} == {
        1000 * ETHER
    }


def test_a_network_that_starts_again_has_the_same_contracts_and_what_was_spent_stays_spent(
    tmp_path: Path,
):
    with LocalNetwork(tmp_path / "state", generation="node", account_count=2) as network:
        before = network.contracts
        token = before.ocean_token
        wallet, other = network.wallet(0), network.accounts[1].address
        transfer = "0xa9059cbb" + other[2:].lower().rjust(64, "0") + f"{5 * ETHER:064x}"
        signed = wallet.sign_tx(
            {
                "to": token,
                "data": transfer,
                "nonce": 0,
                "gas": 100_000,
                "gasPrice": 2 * 10**9,
                "chainId": network.chain_id,
                "value": 0,
            }
        )
        tx = wallet.web3.eth.send_raw_transaction(signed)
        assert wallet.web3.eth.wait_for_transaction_receipt(tx)["status"] == 1

    with LocalNetwork(tmp_path / "state", generation="node", account_count=2) as network:
        web3 = network.wallet(0).web3
        data = "0x70a08231" + network.accounts[0].address[2:].lower().rjust(64, "0")
        left = int.from_bytes(web3.eth.call({"to": token, "data": data}), "big")

        assert places(network.contracts) == places(before)
        assert left == 995 * ETHER


def selector(signature: str) -> str:
    from eth_utils.crypto import keccak

    return bytes(keccak(text=signature)[:4]).hex()
