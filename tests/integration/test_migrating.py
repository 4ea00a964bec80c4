"""MIGRATING.md says what is so: its Python runs, and ocean.py's helpers do what they did."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocean_lib import DataToken, Ocean
from ocean_lib.exceptions import VerifyTxFailed
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.metadata import MetadataContract
from ocean_lib.ocean.util import get_contracts_addresses
from ocean_lib.web3_internal.utils import from_wei, get_ether_balance
from ocean_lib.web3_internal.web3_provider import Web3Provider
from tests.flows import publish_algorithm, publish_dataset

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _one_program(network: LocalNetwork) -> Iterator[None]:
    """A program whose chain was set, as other tests' Oceans are of the same process."""
    Web3Provider.set_web3(Ocean(network.config).web3)
    yield
    Web3Provider.set_web3(None)


def blocks_of(document: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def run(blocks: list[str], document: str, names: dict[str, Any]) -> None:
    for block in blocks:
        exec(compile(block, document, "exec"), names)


def test_what_migrating_says_runs(
    network: LocalNetwork, ocean: Ocean, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = network.options
    for variable, value in {
        "NETWORK_URL": options["eth-network"]["network"],
        "ADDRESS_FILE": options["eth-network"]["address.file"],
        "METADATA_CACHE_URI": options["resources"]["metadata_cache_uri"],
        "PROVIDER_URL": options["resources"]["provider.url"],
    }.items():
        monkeypatch.setenv(variable, str(value))
    publisher, consumer = network.wallet(2), network.wallet(3)
    code = publish_algorithm(ocean, network, publisher, "print('ran')")
    data = publish_dataset(ocean, network, publisher, "1\n", trusted=[str(code.did)])
    for asset in (code, data):
        ocean.get_data_token(asset.data_token_address).mint_tokens(publisher.address, 20, publisher)
    DataToken(code.data_token_address).transfer_tokens(consumer.address, 1, publisher)
    names: dict[str, Any] = {
        "did": data.did,
        "data_token": data.data_token_address,
        "algorithm_did": code.did,
        "consumer_wallet": consumer,
        "publisher_wallet": publisher,
    }

    blocks = blocks_of("MIGRATING.md")
    run(blocks, "MIGRATING.md", names)

    assert len(blocks) == 2
    assert names["job"].wait(timeout=60, progress=False).succeeded
    assert names["token"].token_balance(consumer.address) == 9, "one order, and it was used"
    assert names["limits"] == {}


def test_ocean_pys_helpers_read_through_the_programs_chain(
    network: LocalNetwork, ocean: Ocean
) -> None:
    wallet, other = network.wallet(2), network.wallet(4)
    asset = publish_dataset(ocean, network, wallet, "2\n", raw=True)
    ocean.get_data_token(asset.data_token_address).mint_tokens(wallet.address, 5, wallet)
    token = DataToken(asset.data_token_address)

    sent = token.transfer_tokens(other.address, 1.5, wallet)
    token.approve_tokens(other.address, "0.5", wallet)

    transaction, log = token.verify_transfer_tx(sent, wallet.address, other.address)
    assert (transaction["from"], log.args.value) == (wallet.address, 15 * 10**17)
    with pytest.raises(VerifyTxFailed, match="receiver: expected"):
        token.verify_transfer_tx(sent, wallet.address, wallet.address)
    assert token.contract_concise.totalSupply() == 5 * 10**18
    assert token.allowance(wallet.address, other.address) == 5 * 10**17
    assert from_wei(get_ether_balance(other.address)) > 1


def test_the_events_of_the_registry_are_read_as_in_ocean_py(
    network: LocalNetwork, ocean: Ocean
) -> None:
    wallet = network.wallet(2)
    block = ocean.web3.eth.block_number
    asset = publish_dataset(ocean, network, wallet, "3\n", raw=True)
    addresses = get_contracts_addresses(ocean.config.address_file, "ganache") or {}
    registry = MetadataContract(addresses[MetadataContract.CONTRACT_NAME or ""])

    changed = ocean.assets.update(asset, wallet)

    created = registry.get_event_log(registry.EVENT_METADATA_CREATED, block, asset.asset_id, 30)
    assert created.args.dataToken == asset.data_token_address
    receipt = registry.get_tx_receipt(changed)
    (log,) = registry.event_MetadataUpdated.processReceipt(receipt)
    assert log.args.dataToken == asset.data_token_address
    assert registry.event_MetadataCreated.process_receipt(receipt) == []
    nobody = "0x" + "9" * 40
    assert registry.get_event_log(registry.EVENT_METADATA_CREATED, block, nobody, 0) is None
