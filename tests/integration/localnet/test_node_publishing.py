"""A publisher at the embedded node, on real contracts: publish, show, change, trust."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from ocean_lib import AlgorithmMetadata, ComputeInput, Ocean, Wallet
from ocean_lib.assets.asset4 import Asset4
from ocean_lib.backends.node.orders import Datatoken
from ocean_lib.backends.node.sources import find_source
from ocean_lib.cli import main
from ocean_lib.cli.embedded import keep_config
from ocean_lib.exceptions import InvalidDescription, InvalidInput, NotYourAsset
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.contract_base import ContractBase

ABOUT = {"author": "lab", "license": "CC0-1.0"}
CONTAINER = {
    "image": "python",
    "tag": "3.11-slim",
    "entrypoint": "python3 $ALGO",
    "checksum": "sha256:" + "2e" * 32,
}
CODE = "import os\nprint(open('/data/inputs/table.csv').read())\n"


@pytest.fixture(scope="module")
def network() -> Iterator[LocalNetwork]:
    with LocalNetwork(generation="node") as found:
        yield found


@pytest.fixture(scope="module")
def ocean(network: LocalNetwork) -> Ocean:
    return Ocean(network.config)


def wallet_of(network: LocalNetwork, number: int) -> Wallet:
    key = "0x" + bytes(network.accounts[number].key).hex()
    return Wallet(get_web3(str(network.rpc_url)), private_key=key)


@pytest.fixture(scope="module")
def publisher(network: LocalNetwork) -> Wallet:
    return wallet_of(network, 0)


@pytest.fixture(scope="module")
def other(network: LocalNetwork) -> Wallet:
    return wallet_of(network, 1)


def algorithm(**more: Any) -> dict[str, Any]:
    files = [{"content": CODE, "name": "algo.py"}]
    return {"name": "echo", **ABOUT, "container": CONTAINER, "files": files, "price": 0, **more}


def dataset(**more: Any) -> dict[str, Any]:
    return {"name": "table", **ABOUT, "files": [{"content": "a,b", "name": "table.csv"}], **more}


@pytest.fixture(scope="module")
def pair(ocean: Ocean, publisher: Wallet) -> tuple[Asset4, Asset4]:
    """A published data set, and the algorithm that it trusts."""
    code = ocean.assets.publish(algorithm(), publisher)
    data = ocean.assets.publish(dataset(compute={"trusted_algorithms": [code.did]}), publisher)
    assert isinstance(data, Asset4)
    assert isinstance(code, Asset4)
    return data, code


def source_of(ocean: Ocean, asset: Any, account: str) -> Any:
    token = Datatoken(asset.data_token_address, web3=ocean.web3)
    return find_source(token, account)


def test_a_description_becomes_an_nft_a_datatoken_and_a_document(
    ocean: Ocean, pair: tuple[Asset4, Asset4], publisher: Wallet, other: Wallet
) -> None:
    data, code = pair
    served = ocean.assets.resolve(str(data.did))
    view = served.view

    assert len(data.transactions) == 2
    assert view.owner == publisher.address
    assert view.datatoken == data.data_token_address
    assert view.services[0].timeout_s == 3600
    assert [entry.did for entry in view.services[0].compute.trusted_algorithms] == [code.did]
    assert "table.csv" not in json.dumps(served.as_dictionary())
    assert source_of(ocean, data, other.address) is None
    assert source_of(ocean, code, other.address).is_dispenser


def test_what_is_shown_is_a_description_of_the_same_asset(
    ocean: Ocean, pair: tuple[Asset4, Asset4], publisher: Wallet
) -> None:
    data, code = pair
    shown = ocean.assets.show(str(data.did))

    assert shown.publisher == publisher.address
    assert shown.description == {
        "type": "dataset",
        "name": "table",
        **ABOUT,
        "compute": {"trusted_algorithms": [code.did]},
    }
    assert ocean.assets.show(str(code.did)).services[0]["price"] == "0"


def test_a_datatoken_is_sold_where_the_description_says_for_what(
    ocean: Ocean, network: LocalNetwork, publisher: Wallet, other: Wallet
) -> None:
    money = str(network.contracts.ocean_token)
    sold = dataset(compute=False, access=True, price=2.5, token={"sold_for": money, "cap": 10})
    asset = ocean.assets.publish(sold, publisher)

    found = source_of(ocean, asset, other.address)
    assert (found.token, str(found.price)) == (money, "2.5025")  # with the community's 0.1 %
    assert [s.type for s in asset.services] == ["access"]
    assert ocean.assets.show(str(asset.did)).services[0]["price"] == "2.5"


def test_changes_are_told_beforehand_sent_once_and_undone(
    ocean: Ocean, publisher: Wallet, other: Wallet
) -> None:
    asset = ocean.assets.publish(dataset(compute={"allow_raw_algorithm": False}), publisher)
    did = str(asset.did)
    changes = {"tags": ["new"], "disabled": True, "compute": {"allow_raw_algorithm": True}}

    told = ocean.assets.change(did, changes, publisher, dry_run=True)
    assert {d.path for d in told.differences} == {
        "tags",
        "disabled",
        "compute.allow_raw_algorithm",
    }
    assert told.fee > 0
    assert not ocean.assets.resolve(did).is_disabled
    with pytest.raises(NotYourAsset) as caught:
        ocean.assets.change(did, changes, other)
    assert caught.value.publisher == publisher.address

    assert len(ocean.assets.change(did, changes, publisher).tx_hashes) == 1
    now = ocean.assets.resolve(did)
    assert (now.is_disabled, now.view.state) == (True, 4)
    assert now.as_dictionary()["metadata"]["tags"] == ["new"]
    assert now.view.services[0].compute.allow_raw
    assert now.view.services[0].files == asset.view.services[0].files
    assert "asset-disabled" in checked(ocean, did, other)

    enabled = ocean.assets.change(did, {"disabled": False, "access": True}, publisher)
    assert enabled.changed
    assert [s.type for s in ocean.assets.resolve(did).services] == ["compute", "access"]
    assert not ocean.assets.change(did, {"disabled": False}, publisher).changed
    with pytest.raises(InvalidDescription, match="price cannot be changed here"):
        ocean.assets.change(did, {"price": 5}, publisher)


def checked(ocean: Ocean, did: str, consumer: Wallet, **more: Any) -> list[str]:
    item = ComputeInput(did, ocean.compute.NOT_ORDERED, 0)
    return ocean.compute.check([item], consumer, **more).codes


def test_credentials_by_address_are_kept_by_the_node(
    ocean: Ocean, pair: tuple[Asset4, Asset4], publisher: Wallet, other: Wallet
) -> None:
    data, code = pair
    did, by_did = str(data.did), {"algorithm_did": str(code.did)}

    ocean.assets.change_credentials(did, publisher, deny=[other.address])
    assert checked(ocean, did, other, **by_did) == ["on-deny-list"]
    assert checked(ocean, did, publisher, **by_did) == []
    ocean.assets.change_credentials(did, publisher, remove=[other.address])
    assert checked(ocean, did, other, **by_did) == []


class ListFactory(ContractBase):
    CONTRACT_NAME = "AccessListFactory"
    ABI_PATH = str(resources.files("artifacts"))

    def make(self, member: str, wallet: Wallet) -> str:
        """Make an access list with one member."""
        given = ("members", "M", False, wallet.address, [member], [""])
        tx = self.send_transaction("deployAccessListContract", given, wallet)
        (log,) = self._logs_in_receipt(self.web3, self.get_tx_receipt(tx), "NewAccessList")
        return str(log["args"]["contractAddress"])


def test_members_of_an_access_list_are_let_in(
    ocean: Ocean, network: LocalNetwork, publisher: Wallet, other: Wallet
) -> None:
    factory = ListFactory(str(network.contracts.access_list_factory), web3=ocean.web3)
    listed = factory.make(other.address, publisher)
    data = ocean.assets.publish(dataset(compute={"allow_raw_algorithm": True}), publisher)
    rule = {"type": "accessList", "chainId": network.chain_id, "accessList": listed}
    data.credentials["allow"] = [rule]
    ocean.assets.update(data, publisher)

    code = {"algorithm_meta": AlgorithmMetadata({"rawcode": "print(1)", "container": CONTAINER})}
    assert "not-on-allow-list" not in checked(ocean, str(data.did), other, **code)
    assert "not-on-allow-list" in checked(ocean, str(data.did), publisher, **code)


def test_trust_is_explained_taken_given_and_renewed(
    ocean: Ocean, pair: tuple[Asset4, Asset4], publisher: Wallet, other: Wallet
) -> None:
    data, code = str(pair[0].did), str(pair[1].did)
    report = ocean.assets.explain_trust(data, code)
    assert report.trusted
    assert all(one.fits and one.recorded for one in report.checksums)

    new_code = [{"content": "print(2)", "name": "algo.py"}]
    change = ocean.assets.change(code, {"files": new_code}, publisher)
    assert change.refreshed == (data,)
    assert ocean.assets.explain_trust(data, code).trusted

    with pytest.raises(NotYourAsset, match=publisher.address):
        ocean.assets.untrust(data, code, other)
    assert ocean.assets.untrust(data, code, publisher).changed
    assert [f.code for f in ocean.assets.explain_trust(data, code).findings] == ["nobody-trusted"]
    assert ocean.assets.trust(data, code, publisher).changed
    assert not ocean.assets.trust(data, code, publisher).changed
    assert ocean.assets.explain_trust(data, code).trusted
    assert not ocean.assets.refresh_trust(data, code, publisher).changed


def test_what_was_published_is_found(ocean: Ocean, pair: tuple[Asset4, Asset4]) -> None:
    owner = str(pair[0].publisher)
    found = [asset.did for asset in ocean.assets.find(type="algorithm", owner=owner)]

    assert found == [pair[1].did]
    assert str(pair[0].did) in ocean.assets.owner_assets(owner)


def test_bad_input_is_refused_before_anything_is_on_the_chain(
    ocean: Ocean, publisher: Wallet
) -> None:
    before = ocean.web3.eth.get_transaction_count(publisher.address)
    with pytest.raises(InvalidInput, match="The node cannot read file 0"):
        ocean.assets.publish(dataset(files=["http://127.0.0.1:9/none.csv"]), publisher)
    with pytest.raises(InvalidDescription, match=r"compute\.cpu is not an asset's"):
        ocean.assets.publish(dataset(compute={"cpu": 4}), publisher)
    assert ocean.web3.eth.get_transaction_count(publisher.address) == before


def test_a_datatoken_that_is_there_is_used_again(
    ocean: Ocean, publisher: Wallet, other: Wallet
) -> None:
    first = ocean.assets.publish(dataset(), publisher)
    again = dataset(token={"address": first.data_token_address}, description="again")

    second = ocean.assets.publish(again, publisher)
    assert (second.did, len(second.transactions)) == (first.did, 1)
    assert ocean.assets.resolve(str(first.did)).as_dictionary()["metadata"]["description"] == (
        "again"
    )
    with pytest.raises(InvalidInput, match=f"is owned by {publisher.address}"):
        ocean.assets.publish(again, other)


def test_the_command_line_does_the_same(
    network: LocalNetwork, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    config = keep_config(tmp_path, network.options, lambda _: None)
    monkeypatch.setenv("CONFIG_FILE", str(config))
    monkeypatch.setenv("OCEAN_PRIVATE_KEY", network.accounts[0].key.hex())

    def run(*arguments: str) -> Any:
        capsys.readouterr()
        ended = main([*arguments, "--json"])
        said = capsys.readouterr()
        assert ended == 0, said.err
        return json.loads(said.out)

    (tmp_path / "algo.json").write_text(json.dumps(algorithm(name="by hand")))
    (tmp_path / "data.json").write_text(json.dumps(dataset(name="zebras")))
    (tmp_path / "new.yml").write_text("tags: [striped]\n")
    code = run("publish", "algorithm", str(tmp_path / "algo.json"))
    data = run("publish", "dataset", str(tmp_path / "data.json"))
    somebody = network.accounts[2].address

    assert data["services"] == [{"index": 0, "type": "compute", "price": "1"}]
    assert run("update", data["did"], str(tmp_path / "new.yml"))["changed"]
    run("credentials", "allow", data["did"], somebody)
    run("trust", "add", data["did"], code["did"])
    shown = run("show", data["did"])["description"]
    assert shown["credentials"] == {"allow": [somebody.lower()]}
    assert shown["compute"] == {"trusted_algorithms": [code["did"]]}
    assert shown["tags"] == ["striped"]
    found = run("search", "zebras")
    assert data["did"] in json.dumps(found)
    assert run("mint", data["did"], "--to", somebody)["balance"] == "1"
