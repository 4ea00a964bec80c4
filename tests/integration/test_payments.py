"""Tokens are spent on orders that work, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.config import Config
from ocean_lib.exceptions import AssetNotFound, InvalidDid, InvalidInput
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_assets import OceanAssets
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import publish_dataset, raw_code
from tests.wire import WireServer, html

COMPUTE = 4


@pytest.fixture(scope="module")
def asset(network: LocalNetwork) -> Asset:
    return publish_dataset(Ocean(network.config), network, network.wallet(0), "1\n", raw=True)


@pytest.fixture
def buyer(network: LocalNetwork, asset: Asset) -> Wallet:
    """Somebody with three of the asset's tokens at least."""
    token = Ocean(network.config).get_data_token(asset.data_token_address)
    token.mint_tokens(network.wallet(6).address, 3, network.wallet(0))
    return network.wallet(6)


@pytest.fixture
def nothing_is_sent(
    ocean: Ocean, asset: Asset, buyer: Wallet
) -> Iterator[Callable[[], tuple[int, int]]]:
    def held() -> tuple[int, int]:
        token = ocean.get_data_token(asset.data_token_address)
        return token.balanceOf(buyer.address), ocean.web3.eth.get_transaction_count(buyer.address)

    before = held()
    yield held
    assert held() == before


@pytest.mark.parametrize(
    ("amount", "index", "fault"),
    [
        (1, 77, "no service of index 77"),
        (1, 0, "is its metadata"),
        (0.5, COMPUTE, r"costs 1, and the amount is 0\.5"),
        (0, COMPUTE, "costs 1, and the amount is 0:"),
    ],
)
@pytest.mark.usefixtures("nothing_is_sent")
def test_what_the_provider_would_not_take_is_not_paid(ocean, asset, buyer, amount, index, fault):
    with pytest.raises(InvalidInput, match=f"{fault}.*Nothing was sent"):
        ocean.assets.pay_for_service(
            amount, asset.data_token_address, asset.did, index, None, buyer
        )


@pytest.mark.usefixtures("nothing_is_sent")
def test_without_a_did_nothing_is_paid(ocean, asset, buyer):
    with pytest.raises(InvalidDid):
        ocean.assets.pay_for_service(1, asset.data_token_address, None, COMPUTE, None, buyer)


def test_a_token_without_an_asset_buys_nothing(ocean, network, buyer):
    token = ocean.create_data_token("n", "s", network.wallet(0))
    token.mint_tokens(buyer.address, 1, network.wallet(0))

    with pytest.raises(AssetNotFound, match="Nothing was sent"):
        ocean.assets.pay_for_service(
            1, token.address, "did:op:" + token.address[2:], COMPUTE, None, buyer
        )

    assert token.balanceOf(buyer.address) == 10**18


@pytest.mark.parametrize("amount", [1, 1.5])
def test_the_price_and_more_is_an_order_that_starts_a_job(ocean, asset, buyer, amount):
    order = ocean.assets.pay_for_service(
        amount, asset.data_token_address, asset.did, COMPUTE, None, buyer
    )

    job = ocean.compute.submit(
        [ComputeInput(asset.did, order, COMPUTE)], buyer, algorithm_meta=raw_code("print(1)")
    )
    assert job.wait(timeout=60).is_finished


def test_while_the_cache_is_away_services_can_be_paid_for(network, asset, buyer, caplog):
    with WireServer(lambda _: html(400)) as away:
        options = {**network.options}
        options["resources"] = {**options["resources"], "metadata_cache_uri": away.url}
        ocean = Ocean(Config(options_dict=options))

        order = ocean.assets.pay_for_service(
            1, asset.data_token_address, asset.did, COMPUTE, None, buyer
        )

    found = ocean.get_user_orders(buyer.address, asset.data_token_address)
    assert order in [each.transactionId for each in found]
    assert "without checking the asset" in caplog.text


def test_on_the_class_it_is_paid_as_in_ocean_py(asset, buyer):
    assert OceanAssets.pay_for_service(
        1.0, asset.data_token_address, asset.did, COMPUTE, None, buyer
    )
