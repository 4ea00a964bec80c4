"""A published asset is changed: what it says beforehand, what it does, whom it breaks, who may."""

from __future__ import annotations

import json
import lzma
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.config import Config
from ocean_lib.documents.asset_change import AssetChange
from ocean_lib.exceptions import (
    AssetNotFound,
    ConfigError,
    InvalidAddress,
    InvalidDescription,
    InvalidInput,
    NotYourAsset,
    OrderNotValid,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.web3_internal.wallet import Wallet
from tests.flows import order, raw_code
from tests.integration.test_publishing import ABOUT, ADDRESSES, CONTAINER, described, sealed

OTHER_CODE = [{"content": "print(2)", "name": "other.py"}]


@pytest.fixture
def owner(network: LocalNetwork) -> Wallet:
    return network.wallet(0)


@pytest.fixture
def stranger(network: LocalNetwork) -> Wallet:
    return network.wallet(2)


def sent_by(ocean: Ocean, wallet: Wallet) -> int:
    return ocean.web3.eth.get_transaction_count(wallet.address)


def data_set(ocean: Ocean, wallet: Wallet, **more: Any) -> str:
    return str(ocean.assets.publish(described("data", **more), wallet).did)


def algorithm(ocean: Ocean, wallet: Wallet) -> str:
    code = [{"content": "print(1)", "name": "code.py"}]
    about = {**ABOUT, "name": "code", "files": code, "container": CONTAINER}
    return str(ocean.assets.publish(about, wallet).did)


def differences(change: AssetChange) -> dict[str, tuple[Any, Any]]:
    return {one.path: (one.before, one.after) for one in change.differences}


def test_a_dry_run_says_what_would_change_and_what_it_costs_and_sends_nothing(
    network: LocalNetwork, ocean: Ocean, owner: Wallet
) -> None:
    did = data_set(ocean, owner, price=1)
    before, stored = sent_by(ocean, owner), sorted((network.state_dir / "files").iterdir())
    changes = {"price": 2, "compute": {"cpu": 4}, "name": "data", "files": OTHER_CODE}

    planned = ocean.assets.change(did, changes, owner, dry_run=True)

    assert differences(planned) == {
        "price": (1, 2),
        "compute.cpu": (1, 4),
        "files": ("1 encrypted", ["other.py (text/x-python)"]),
    }
    assert (planned.changed, planned.tx_hashes) == (False, ())
    assert planned.notes == ("Orders that were paid at the lower price are refused from now on.",)
    assert sent_by(ocean, owner) == before
    assert sorted((network.state_dir / "files").iterdir()) == stored
    done = ocean.assets.change(did, changes, owner)
    receipt = ocean.web3.eth.get_transaction_receipt(done.tx_hashes[0])
    paid = Decimal(receipt["gasUsed"] * receipt["effectiveGasPrice"]).scaleb(-18)
    assert paid / 2 < planned.fee < paid * 2
    assert "costs about: " in str(planned)
    assert f"transaction: {done.tx_hashes[0]}" in str(done)
    assert json.loads(json.dumps(planned.as_dict()))["fee"] == f"{planned.fee:f}"
    assert "<table>" in planned._repr_html_()


def test_what_the_change_does_not_name_stays_as_it_is(ocean: Ocean, owner: Wallet) -> None:
    did = data_set(ocean, owner)
    asset = ocean.assets.resolve(did)
    assert asset.metadata is not None
    asset.metadata["additionalInformation"] = {"links": ["x"], "description": "old"}
    asset.credentials["allow"] = [{"type": "role", "values": ["admin"]}]
    service = asset.get_service("compute")
    assert service is not None
    service.main["theirs"] = {"kept": [1]}
    ocean.assets.update(asset, owner)

    change = ocean.assets.change(
        did, {"description": "new", "timeout": 5, "credentials": {"allow": ADDRESSES[:1]}}, owner
    )

    found = ocean.assets.resolve(did)
    assert len(change.tx_hashes) == 1
    assert (found.metadata or {})["additionalInformation"] == {"links": ["x"], "description": "new"}
    service = found.get_service("compute")
    assert service is not None
    assert (service.main["theirs"], service.main["timeout"]) == ({"kept": [1]}, 5)
    assert found.credentials["allow"] == [
        {"type": "role", "values": ["admin"]},
        {"type": "address", "values": ADDRESSES[:1]},
    ]


def test_where_nothing_is_different_nothing_is_sent(ocean: Ocean, owner: Wallet) -> None:
    did = data_set(ocean, owner, credentials={"allow": [owner.address]})
    before = sent_by(ocean, owner)

    change = ocean.assets.change(
        did, {"name": "data", "credentials": {"allow": [owner.address.lower()]}}, owner
    )

    assert (change.differences, change.tx_hashes) == ((), ())
    assert str(change) == f"Nothing changes in {did}. No transaction is needed."
    assert sent_by(ocean, owner) == before


@pytest.mark.parametrize("dry_run", [True, False])
def test_somebody_else_is_told_whose_it_is(
    ocean: Ocean, owner: Wallet, stranger: Wallet, dry_run: bool
) -> None:
    did = data_set(ocean, owner)
    before = sent_by(ocean, stranger)

    with pytest.raises(NotYourAsset, match=owner.address) as refused:
        ocean.assets.change(did, {"price": 2}, stranger, dry_run=dry_run)
    with pytest.raises(NotYourAsset):
        ocean.assets.change_credentials(did, stranger, allow=[stranger.address], dry_run=dry_run)

    assert (refused.value.did, refused.value.publisher) == (did, owner.address)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)
    assert sent_by(ocean, stranger) == before


def test_a_new_minter_may_and_the_one_before_no_longer(
    ocean: Ocean, owner: Wallet, stranger: Wallet
) -> None:
    did = data_set(ocean, owner)
    token = ocean.get_data_token(ocean.assets.resolve(did).data_token_address)
    token.proposeMinter(stranger.address, owner)
    token.approveMinter(stranger)

    with pytest.raises(NotYourAsset, match=stranger.address):
        ocean.assets.change(did, {"price": 2}, owner)

    assert ocean.assets.change(did, {"price": 2}, stranger).changed


def test_new_files_are_encrypted_and_the_old_ones_are_gone(
    network: LocalNetwork, ocean: Ocean, owner: Wallet
) -> None:
    did = data_set(ocean, owner)
    files = [{"content": b"x", "name": "x.csv"}, {"content": b"y", "name": "y.bin"}]
    change = ocean.assets.change(did, {"files": files}, owner)

    assert sealed(network, ocean, did) == [("x.csv", b"x"), ("y.bin", b"y")]
    assert ocean.assets.show(did).files == ("text/csv", "application/octet-stream")
    (tx_hash,) = change.tx_hashes
    sent = bytes(ocean.web3.eth.get_transaction(tx_hash)["input"])  # type: ignore[arg-type]
    document = lzma.decompress(sent[sent.index(b"\xfd7zXZ\0") :].rstrip(b"\0"))
    assert b"/files/" not in document


def test_files_can_be_left_out_of_a_whole_description(
    network: LocalNetwork, ocean: Ocean, owner: Wallet, tmp_path: Path
) -> None:
    (tmp_path / "data.csv").write_text("1\n")
    path = tmp_path / "data.yaml"
    text = "name: data\nauthor: a test\nlicense: CC0-1.0\nfiles: [data.csv]\nprice: {}\n"
    path.write_text(text.format(1))
    did = str(ocean.assets.publish(path, owner).did)
    encrypted = ocean.assets.resolve(did).encrypted_files

    path.write_text(text.format(2))
    change = ocean.assets.change(did, path, owner, keep_files=True)

    assert differences(change) == {"price": (1, 2)}
    assert ocean.assets.resolve(did).encrypted_files == encrypted


def test_an_order_at_the_lower_price_is_refused_after_the_price_rose(
    network: LocalNetwork, ocean: Ocean, owner: Wallet
) -> None:
    consumer = network.wallet(1)
    did = data_set(ocean, owner, compute={"allow_raw_algorithm": True})
    ordered = order(ocean, ocean.assets.resolve(did), "compute", owner, consumer)
    code = raw_code("print(1)")
    ocean.compute.submit([ordered], consumer, algorithm_meta=code).wait(timeout=60)

    ocean.assets.change(did, {"price": 2}, owner)

    with pytest.raises(OrderNotValid):
        Ocean(network.config).compute.submit([ordered], consumer, algorithm_meta=code)
    assert ocean.assets.order(did, consumer.address, service_type="compute").amount == 2


def test_an_asset_is_disabled_and_enabled(
    network: LocalNetwork, ocean: Ocean, owner: Wallet
) -> None:
    did = data_set(ocean, owner)
    ocean.assets.change(did, {"disabled": True}, owner)
    findings = ocean.assets.check_order(did, network.wallet(1), service_type="compute").errors
    disabled = ocean.assets.resolve(did)
    ocean.assets.change(did, {"disabled": False}, owner)

    assert "asset-disabled" in {finding.code for finding in findings}
    assert disabled.is_disabled
    assert not ocean.assets.resolve(did).is_disabled
    assert "status" not in ocean.assets.resolve(did).as_dictionary()


def test_services_are_added_and_taken_away(ocean: Ocean, owner: Wallet) -> None:
    did = data_set(ocean, owner, price=3)
    added = ocean.assets.change(did, {"access": True}, owner)
    both = ocean.assets.resolve(did)
    taken = ocean.assets.change(did, {"compute": False}, owner)

    assert differences(added) == {"access": (False, True)}
    access = both.get_service("access")
    assert access is not None
    assert (access.index, access.main["cost"]) == (3, 3)
    assert access.service_endpoint.endswith("/api/v1/services/download")  # type: ignore[union-attr]
    assert taken.notes == ("Orders of its compute service cannot be used any more.",)
    assert ocean.assets.resolve(did).get_service("compute") is None
    with pytest.raises(InvalidDescription, match="access must be true where compute is false"):
        ocean.assets.change(did, {"access": False}, owner)


def test_a_changed_algorithm_is_trusted_again_by_its_owners_data_sets_and_others_are_named(
    ocean: Ocean, owner: Wallet, stranger: Wallet
) -> None:
    code, other = algorithm(ocean, owner), algorithm(ocean, owner)
    rules = {"compute": {"trusted_algorithms": [code, other]}}
    mine, theirs = data_set(ocean, owner, **rules), data_set(ocean, stranger, **rules)
    stale = data_set(ocean, owner, **rules)
    wrong = ocean.assets.resolve(stale)
    entries = wrong.get_trusted_algorithms() or []
    entries[0] |= {"filesChecksum": "12" * 32, "containerSectionChecksum": "12" * 32}
    wrong.update_compute_privacy(entries, allow_all=False, allow_raw_algorithm=False)
    ocean.assets.update(wrong, owner)
    before = {did: trust_of(ocean, did, other) for did in (mine, theirs)}

    changes = {"files": OTHER_CODE, "container": {"tag": "3.12"}}
    planned = ocean.assets.change(code, changes, owner, dry_run=True)
    done = ocean.assets.change(code, changes, owner)

    for change in (planned, done):
        assert (change.refreshed, change.broken) == ((mine,), (theirs,))
    assert f"breaks the trust of: {theirs}" in str(planned)
    assert len(done.tx_hashes) == 2
    explained = {did: ocean.assets.explain_trust(did, code) for did in (mine, theirs, stale)}
    assert {did: report.trusted for did, report in explained.items()} == {
        mine: True,
        theirs: False,
        stale: False,
    }
    assert {did: trust_of(ocean, did, other) for did in (mine, theirs)} == before
    ocean.assets.refresh_trust(theirs, code, stranger)
    assert ocean.assets.explain_trust(theirs, code).trusted


def trust_of(ocean: Ocean, dataset: str, did: str) -> Any:
    entries = ocean.assets.resolve(dataset).get_trusted_algorithms() or []
    return next(entry for entry in entries if entry["did"] == did)


def test_a_change_that_leaves_the_code_alone_breaks_no_trust(ocean: Ocean, owner: Wallet) -> None:
    code = algorithm(ocean, owner)
    mine = data_set(ocean, owner, compute={"trusted_algorithms": [code]})
    change = ocean.assets.change(code, {"name": "a better name", "price": 2}, owner)

    assert (change.refreshed, change.broken) == ((), ())
    assert ocean.assets.explain_trust(mine, code).trusted


def test_what_is_trusted_already_is_not_trusted_anew(ocean: Ocean, owner: Wallet) -> None:
    code, new = algorithm(ocean, owner), algorithm(ocean, owner)
    mine = data_set(ocean, owner, compute={"trusted_algorithms": [code]})
    asset = ocean.assets.resolve(code)
    assert asset.metadata is not None
    asset.metadata["main"]["algorithm"]["container"]["tag"] = "3.12"
    ocean.assets.update(asset, owner)

    ocean.assets.change(mine, {"compute": {"trusted_algorithms": [new, code]}}, owner)

    assert not ocean.assets.explain_trust(mine, code).trusted
    assert ocean.assets.explain_trust(mine, new).trusted
    ocean.assets.change(mine, {"compute": {"trusted_algorithms": []}}, owner)
    assert not ocean.assets.explain_trust(mine, new).trusted


def test_an_address_is_on_one_list_at_most(ocean: Ocean, owner: Wallet) -> None:
    did, (a, b, c) = data_set(ocean, owner), ADDRESSES
    change = ocean.assets.change_credentials
    first = change(did, owner, allow=[a, b])
    second = change(did, owner, deny=[b, c])
    third = change(did, owner, remove=[a])

    assert first.notes == ("From now on nobody else may use it than the 2 that are allowed.",)
    assert differences(second) == {
        "credentials.allow": ([a, b], [a]),
        "credentials.deny": ([], [b, c]),
    }
    assert second.notes == ("The deny list has no effect beside an allow list.",)
    assert third.notes == ("The allow list is empty now: everybody may use it who is not denied.",)
    found = ocean.assets.resolve(did)
    assert (found.allowed_addresses, found.denied_addresses) == ([], [b, c])
    assert not change(did, owner, remove=[a]).changed
    for wrong, kind in (
        ({}, InvalidInput),
        ({"allow": [a], "deny": [a]}, InvalidInput),
        ({"allow": ["0x1"]}, InvalidAddress),
    ):
        with pytest.raises(kind):
            change(did, owner, **wrong)  # type: ignore[arg-type]


def test_mistakes_in_a_change_are_told_at_once_and_nothing_is_sent(
    network: LocalNetwork, ocean: Ocean, owner: Wallet
) -> None:
    did = data_set(ocean, owner, token={"name": "T", "symbol": "T", "cap": 10})
    before = sent_by(ocean, owner)

    with pytest.raises(InvalidDescription) as refused:
        ocean.assets.change(did, "prize: 1\nprice: 11\nauthor:\ntype: algorithm\n", owner)
    with pytest.raises(InvalidDescription, match=r"token\.symbol cannot be changed: .* is T\."):
        ocean.assets.change(did, {"token": {"symbol": "U", "cap": 10, "name": "T"}}, owner)
    with pytest.raises(AssetNotFound):
        ocean.assets.change("did:op:" + "12" * 20, {"price": 2}, owner)
    with pytest.raises(AssetNotFound):
        ocean.assets.change(
            did, {"compute": {"trusted_algorithms": ["did:op:" + "12" * 20]}}, owner
        )
    options = {name: part for name, part in network.options.items() if name != "localnet"}
    with pytest.raises(ConfigError, match="embedded network"):
        elsewhere = Ocean(Config(options_dict=options)).assets
        elsewhere.change(did, {"files": OTHER_CODE}, owner, dry_run=True)

    assert [(one.path, one.line) for one in refused.value.mistakes] == [
        ("prize", 1),
        ("price", 2),
        ("author", 3),
        ("type", 4),
    ]
    assert sent_by(ocean, owner) == before


def test_where_a_refresh_fails_it_is_said_what_was_sent(ocean: Ocean, owner: Wallet) -> None:
    code = algorithm(ocean, owner)
    mine = data_set(ocean, owner, compute={"trusted_algorithms": [code]})
    document = ocean.assets.resolve(mine).as_dictionary()
    # Some other program wrote a file in the clear: this library would encrypt it, if it were there.
    document["service"][0]["attributes"]["main"]["files"][0]["url"] = "http://127.0.0.1:9/"
    data = lzma.compress(json.dumps(document).encode())
    ocean.assets.ddo_registry().update(mine, bytes([1]), data, owner)
    before = sent_by(ocean, owner)

    with pytest.raises(InvalidInput, match=f"{code} is changed already .* trust of {mine}"):
        ocean.assets.change(code, {"files": OTHER_CODE}, owner)

    assert sent_by(ocean, owner) == before + 1
    assert not ocean.assets.explain_trust(mine, code).trusted


def test_a_job_runs_on_what_was_changed(network: LocalNetwork, ocean: Ocean, owner: Wallet) -> None:
    consumer = network.wallet(1)
    did = data_set(ocean, owner)
    changes = {"compute": {"allow_raw_algorithm": True}, "files": OTHER_CODE}
    ocean.assets.change(did, changes, owner)
    ordered: ComputeInput = order(ocean, ocean.assets.resolve(did), "compute", owner, consumer)
    code = (
        "import os, pathlib\n"
        "for file in sorted(pathlib.Path(os.environ['INPUTS']).rglob('*')):\n"
        "    if file.is_file(): print('read', file.read_text())\n"
    )
    job = ocean.compute.submit([ordered], consumer, algorithm_meta=raw_code(code))
    job.wait(timeout=60)

    assert "read print(2)" in job.logs()
