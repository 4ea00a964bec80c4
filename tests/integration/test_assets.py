"""Assets on a whole network: publish, change, find, order, pay, download."""

from __future__ import annotations

import copy
import json
import lzma
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset_resolver import resolve_asset
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import (
    AquariusError,
    AssetNotConsumable,
    ConfigError,
    InsufficientBalance,
    InvalidInput,
    ProviderError,
    TransactionFailed,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_assets import OceanAssets
from ocean_lib.web3_internal.wallet import Wallet
from ocean_lib.web3_internal.web3_provider import Web3Provider
from tests.flows import order, publish_algorithm

CONTENT = b"a,b\n1,2\n"


def metadata_of(network: LocalNetwork, name: str = "a data set") -> dict[str, Any]:
    return {
        "main": {
            "type": "dataset",
            "name": name,
            "author": "somebody",
            "license": "CC0",
            "dateCreated": "2021-06-24T10:00:00Z",
            "files": [
                {
                    "index": 0,
                    "contentType": "text/csv",
                    "url": network.publish_file(CONTENT, name="data.csv"),
                }
            ],
        },
        "additionalInformation": {"description": "for a test"},
    }


@pytest.fixture
def asset(network: LocalNetwork, ocean: Ocean, publisher_wallet: Wallet) -> Asset:
    return ocean.assets.create(metadata_of(network), publisher_wallet)


def test_a_published_asset_can_be_resolved_at_once(network, ocean, publisher_wallet):
    metadata = metadata_of(network, "näme ✓")
    before = copy.deepcopy(metadata)

    asset = ocean.assets.create(metadata, publisher_wallet, dt_cap=5, dt_blob="b")

    found = ocean.assets.resolve(asset.did)
    token = ocean.get_data_token(found.data_token_address)
    assert metadata == before
    assert found.metadata["main"]["name"] == "näme ✓"
    assert metadata["main"]["files"][0]["url"] not in found.as_text()
    assert ocean.assets.owner(asset.did) == publisher_wallet.address
    assert (token.cap(), token.blob()) == (5 * 10**18, "b")
    assert asset.did in ocean.assets.owner_assets(publisher_wallet.address)
    assert asset.did in [a.did for a in ocean.assets.search("näme", offset=1000)]


def test_an_asset_is_ordered_paid_for_and_downloaded(
    ocean, asset, publisher_wallet, consumer_wallet, tmp_path
):
    assets = ocean.assets
    required = assets.order(asset.did, consumer_wallet.address, service_type="access")
    payment = (required.amount, required.data_token_address, asset.did, 3, None, consumer_wallet)
    with pytest.raises(InsufficientBalance, match=r"has 0 .* needs 1\. Nothing was sent"):
        assets.pay_for_service(*payment)
    ocean.get_data_token(asset.data_token_address).mint_tokens(
        consumer_wallet.address, 2, publisher_wallet
    )

    order = assets.pay_for_service(*payment)
    folder = assets.download(asset.did, 3, consumer_wallet, order, str(tmp_path))

    (file,) = Path(folder).iterdir()
    assert file.read_bytes() == CONTENT
    assert required.amount == 1
    assert ocean.get_user_orders(consumer_wallet.address, asset.data_token_address)[0].amount == 1


def test_pay_for_service_works_on_the_class_for_another_consumer(
    network, ocean, asset, publisher_wallet, consumer_wallet
):
    token = ocean.get_data_token(asset.data_token_address)
    token.mint_tokens(publisher_wallet.address, 1, publisher_wallet)

    order = OceanAssets.pay_for_service(
        1.0, token.address, asset.did, 3, None, publisher_wallet, consumer_wallet.address
    )

    (found,) = ocean.get_user_orders(consumer_wallet.address, token.address)
    assert (found.transactionId, found.payer) == (order, publisher_wallet.address)


def test_a_local_account_can_do_it_all(network, ocean, tmp_path, monkeypatch):
    account = Account.from_key(network.wallet(5).unsafe_private_key())
    asset = ocean.assets.create(metadata_of(network), account)
    ocean.get_data_token(asset.data_token_address).mint_tokens(account.address, "1", account)

    order = ocean.assets.pay_for_service(
        Decimal(1), asset.data_token_address, asset.did, 3, None, account
    )

    folder = ocean.assets.download(asset.did, 3, account, order, str(tmp_path), index=0)
    assert len(list(Path(folder).iterdir())) == 1
    # As where no Ocean lives, or Oceans of several networks: a single one would be used.
    monkeypatch.setattr(Web3Provider, "_offered", type(Web3Provider._offered)())
    with pytest.raises(ConfigError, match="No chain"):
        OceanAssets.pay_for_service(1, asset.data_token_address, asset.did, 3, None, account)


def test_another_order_downloads_nothing(ocean, asset, consumer_wallet, publisher_wallet, tmp_path):
    token = ocean.get_data_token(asset.data_token_address)
    mint = token.mint_tokens(consumer_wallet.address, 1, publisher_wallet)

    with pytest.raises(ProviderError):
        ocean.assets.download(asset.did, 3, consumer_wallet, mint, str(tmp_path))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_change_of_the_asset_is_there_at_once(ocean, asset, publisher_wallet, consumer_wallet):
    asset = ocean.assets.resolve(asset.did)
    asset.add_address_to_deny_list(consumer_wallet.address)

    ocean.assets.update(asset, publisher_wallet)

    with pytest.raises(AssetNotConsumable) as denied:
        ocean.assets.order(asset.did, consumer_wallet.address, 3)
    assert denied.value.consumable_code == 4
    assert ocean.assets.order(asset.did, publisher_wallet.address, 3).amount == 1


def test_only_the_publisher_changes_an_asset(ocean, asset, consumer_wallet):
    with pytest.raises(TransactionFailed, match="Invalid DataToken Minter"):
        ocean.assets.update(asset, consumer_wallet)


def test_an_asset_that_is_encrypted_on_the_chain_is_not_written_in_the_clear(
    ocean, asset, publisher_wallet
):
    registry = ocean.assets.ddo_registry()
    registry.update(asset.did, b"\x02", b"for the cache's key only", publisher_wallet)
    before = ocean.web3.eth.get_transaction_count(publisher_wallet.address)

    with pytest.raises(InvalidInput, match=r"encrypted on the chain \(flags 0x02\)"):
        ocean.assets.update(asset, publisher_wallet)

    assert ocean.web3.eth.get_transaction_count(publisher_wallet.address) == before
    registry.update(asset.did, b"\x00", asset.as_text().encode(), publisher_wallet)
    ocean.assets.update(asset, publisher_wallet)


def on_the_chain(ocean: Ocean, asset: Asset) -> str:
    """The newest document of an asset, as everybody can read it."""
    registry = ocean.assets.ddo_registry()
    wanted = {"dataToken": asset.data_token_address}
    logs = registry.get_event_logs(registry.EVENT_METADATA_UPDATED, wanted)
    return lzma.decompress(bytes(logs[-1]["args"]["data"])).decode()


def test_files_are_changed_by_an_update_and_their_urls_stay_secret(
    network, ocean, asset, publisher_wallet, consumer_wallet, tmp_path
):
    url = network.publish_file(b"new\n", name="new.csv")
    asset.metadata["main"]["files"] = [{"url": url, "contentType": "text/csv"}]
    before = asset.encrypted_files

    ocean.assets.update(asset, publisher_wallet)

    document = on_the_chain(ocean, asset)
    assert "://" not in json.dumps(json.loads(document)["service"][0]["attributes"]["main"])
    assert url.rpartition("/")[2] not in document
    assert asset.as_dictionary() == json.loads(document)
    assert asset.encrypted_files != before
    assert asset.metadata["main"]["files"] == [{"index": 0, "contentType": "text/csv"}]
    ordered = order(ocean, asset, "access", publisher_wallet, consumer_wallet)
    folder = ocean.assets.download(
        asset.did, 3, consumer_wallet, ordered.transfer_tx_id, str(tmp_path)
    )
    assert [path.read_bytes() for path in Path(folder).iterdir()] == [b"new\n"]
    asset.metadata["main"]["name"] = "another name"
    encrypted = asset.encrypted_files
    ocean.assets.update(asset, publisher_wallet)
    assert ocean.assets.resolve(asset.did).encrypted_files == encrypted


URL = "https://example.org/secret"


@pytest.mark.parametrize(
    "files",
    [
        [{"index": 0, "contentType": "text/csv"}, {"url": URL}],
        [{"URL": URL}],
        [{"index": 0, "mirror": URL}],
        [{"index": 0, "places": [{"at": URL}]}],
        [{"url": ""}],
        [{"url": "ipfs://Qm"}],
        [URL],
        {"url": URL},
        URL,
    ],
    ids=str,
)
def test_a_url_that_would_not_be_encrypted_does_not_go_on_the_chain(
    network, ocean, asset, publisher_wallet, files
):
    before = ocean.web3.eth.get_transaction_count(publisher_wallet.address)
    asset.metadata["main"]["files"] = files

    with pytest.raises(InvalidInput):
        ocean.assets.update(asset, publisher_wallet)

    assert ocean.web3.eth.get_transaction_count(publisher_wallet.address) == before


def test_a_url_beside_that_of_the_file_is_not_published_either(network, ocean, publisher_wallet):
    before = ocean.web3.eth.get_transaction_count(publisher_wallet.address)
    metadata = metadata_of(network)
    metadata["main"]["files"][0]["mirror"] = URL

    with pytest.raises(InvalidInput, match="a URL beside `url`"):
        ocean.assets.create(metadata, publisher_wallet)

    assert ocean.web3.eth.get_transaction_count(publisher_wallet.address) == before


def test_a_new_file_that_the_provider_cannot_reach_changes_nothing(ocean, asset, publisher_wallet):
    asset.metadata["main"]["files"] = [{"url": "http://127.0.0.1:9/gone"}]

    with pytest.raises(InvalidInput, match="cannot reach file 0"):
        ocean.assets.update(asset, publisher_wallet)

    assert ocean.assets.resolve(asset.did).metadata["main"]["files"][0]["contentType"] == "text/csv"


def test_a_publication_that_broke_off_is_continued(network, ocean, publisher_wallet, monkeypatch):
    def broken(*_: Any) -> str:
        raise AquariusError("The cable is out.")

    metadata = metadata_of(network)
    with monkeypatch.context() as patched:
        patched.setattr(ocean.data_provider, "encrypt_files_dict", broken)
        with pytest.raises(AquariusError, match="data_token_address='0x") as caught:
            ocean.assets.create(metadata, publisher_wallet)
    token = str(caught.value).rpartition("='")[2].partition("'")[0]

    asset = ocean.assets.create(metadata, publisher_wallet, data_token_address=token)

    assert asset.data_token_address == token
    with pytest.raises(AquariusError, match="already registered"):
        ocean.assets.create(metadata, publisher_wallet, data_token_address=token)


def test_a_data_token_of_somebody_else_cannot_be_used(
    network, ocean, publisher_wallet, consumer_wallet
):
    token = ocean.create_data_token("n", "s", publisher_wallet)

    with pytest.raises(AssertionError, match="minter"):
        ocean.assets.create(metadata_of(network), consumer_wallet, data_token_address=token.address)


def test_metadata_that_the_cache_refuses_costs_nothing(network, ocean, publisher_wallet):
    metadata = metadata_of(network)
    del metadata["main"]["author"]
    before = ocean.web3.eth.get_transaction_count(publisher_wallet.address)

    with pytest.raises(InvalidInput, match="author"):
        ocean.assets.create(metadata, publisher_wallet)

    assert not ocean.assets.validate(metadata)[0]
    assert ocean.web3.eth.get_transaction_count(publisher_wallet.address) == before


def test_the_providers_class_serves_as_in_ocean_py(network, publisher_wallet):
    ocean = Ocean(Config(options_dict=network.options), DataServiceProvider)

    asset = ocean.assets.create(metadata_of(network), publisher_wallet)

    assert ocean.assets.order(asset.did, publisher_wallet.address, 3).amount == 1


def test_a_datatokens_blob_can_say_where_its_asset_is(ocean, network, publisher_wallet) -> None:
    blob = json.dumps({"t": 1, "url": network.metadata_cache_url})
    named = ocean.create_data_token("Named", "NMD", publisher_wallet, blob=blob)
    silent = ocean.create_data_token("Silent", "SLT", publisher_wallet)
    asset = publish_algorithm(ocean, network, publisher_wallet, "print(1)")

    found = resolve_asset(asset.did, token_address=named.address, web3=ocean.web3)

    assert found.did == asset.did
    with pytest.raises(InvalidInput, match="names no metadata cache"):
        resolve_asset(asset.did, token_address=silent.address, web3=ocean.web3)
