"""A publisher asks why an algorithm is not trusted, mends it on the chain, and the job starts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocean_lib.assets.asset import Asset
from ocean_lib.exceptions import (
    AlgorithmNotTrusted,
    AssetNotFound,
    InvalidDid,
    InvalidInput,
    NoComputeService,
    NotYourAsset,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.preflight.trust import TrustChange
from tests.integration.preflight_world import UNKNOWN_DID, World
from tests.integration.test_preflight import (
    OTHER_PUBLISHER,
    list_too,
    metadata,
    no_checksums,
    other_container,
    other_publishers,
    privacy,
    set_files,
)


@pytest.fixture(scope="module")
def world(network: LocalNetwork) -> World:
    wallets = [network.wallet(index) for index in (0, 1, 2)]
    return World(network, Ocean(network.config), *wallets)


def transactions(world: World) -> int:
    return world.ocean.web3.eth.get_transaction_count(world.publisher.address)


def document(world: World, asset: Asset) -> dict[str, Any]:
    return world.ocean.assets.resolve(str(asset.did)).as_dictionary()


def without_list(ddo: dict[str, Any]) -> str:
    """Return everything but the list of trusted algorithms, and what the metadata cache adds."""
    for service in ddo["service"]:
        service["attributes"]["main"].get("privacy", {}).pop("publisherTrustedAlgorithms", None)
        service["attributes"].pop("curation", None)
    ddo.pop("updated", None)
    return json.dumps({key: ddo[key] for key in sorted(ddo) if key != "event"}, sort_keys=True)


@pytest.mark.parametrize("name", ["filesChecksum", "containerSectionChecksum"])
def test_a_changed_algorithm_is_explained_and_refreshed_and_its_job_starts(
    world: World, name: str
) -> None:
    assets, algorithm = world.ocean.assets, world.new_algorithm()
    dataset = world.new_dataset(trusted=[world.algorithm.did, algorithm.did])
    dids = (str(dataset.did), str(algorithm.did))
    job = world.by_did(world.ordered(dataset), algorithm=algorithm)
    change = {
        "filesChecksum": set_files(world, world.file()),
        "containerSectionChecksum": other_container,
    }[name]
    before = assets.explain_trust(*dids)
    world.changed(algorithm, change)

    report = assets.explain_trust(*dids)
    with pytest.raises(AlgorithmNotTrusted, match=name):
        world.send(job)
    mended = assets.refresh_trust(*dids, world.publisher)
    after = assets.explain_trust(*dids)

    assert (before.trusted, report.trusted, after.trusted) == (True, False, True)
    (wrong,) = [checksum for checksum in report.checksums if not checksum.fits]
    assert wrong.name == name
    assert f"{name} was {wrong.recorded}, is {wrong.now}" in report.why
    assert f"{name} recorded: {wrong.recorded}\n{name} now: {wrong.now}" in str(report)
    assert wrong.now in report._repr_html_().replace("<wbr>", "")
    assert (mended.changed, mended.algorithm_dids) == (True, (dids[1],))
    assert after.trusted_dids == before.trusted_dids == (str(world.algorithm.did), dids[1])
    assert world.ocean.compute.start(**job.arguments(world.consumer))


def test_trust_and_untrust_change_the_list_and_nothing_else(world: World) -> None:
    assets = world.ocean.assets

    def unusual(asset: Asset) -> None:
        privacy(asset).pop("allowAllPublishedAlgorithms")
        privacy(asset).update(allowNetworkAccess=True, ourOwnRule={"b": 1, "a": [None]})
        metadata(asset)["additionalInformation"] = {"description": "näme"}
        asset.add_address_to_allow_list(world.consumer.address)

    dataset = world.new_dataset(unusual)
    dids = (str(dataset.did), str(world.other_algorithm.did))
    before = document(world, dataset)

    added = assets.trust(*dids, world.publisher)
    between = document(world, dataset)
    removed = assets.untrust(*dids, world.publisher)

    assert dids[1] in json.dumps(between)
    assert without_list(between) == without_list(document(world, dataset))
    assert without_list(before) == without_list(document(world, dataset))
    for change in (added, removed):
        assert change.tx_hash in str(change)
        assert world.ocean.web3.eth.get_transaction_receipt(change.tx_hash)["status"] == 1
        json.dumps(change.as_dict())


def test_the_list_grows_at_its_end_and_shrinks_to_what_it_was(world: World) -> None:
    assets, dataset = world.ocean.assets, world.new_dataset()
    dids = (str(dataset.did), str(world.other_algorithm.did))
    before = assets.resolve(dids[0]).get_trusted_algorithms()

    assets.trust(*dids, world.publisher)
    grown = assets.resolve(dids[0]).get_trusted_algorithms()
    assets.untrust(dids[0], dids[1].lower(), world.publisher)

    assert grown is not None
    assert grown[:-1] == before
    assert set(grown[-1]) == {"did", "filesChecksum", "containerSectionChecksum"}
    assert assets.resolve(dids[0]).get_trusted_algorithms() == before


def test_where_nothing_is_to_be_changed_no_transaction_is_sent(world: World) -> None:
    assets, dataset = world.ocean.assets, world.new_dataset()
    did, trusted = str(dataset.did), str(world.algorithm.did)
    other = str(world.other_algorithm.did)
    before = transactions(world)

    changes: list[TrustChange] = [
        assets.trust(did, trusted, world.publisher),
        assets.untrust(did, other, world.publisher),
        assets.refresh_trust(did, trusted, world.publisher),
        assets.refresh_trust(did, None, world.publisher),
    ]

    assert transactions(world) == before
    for change in changes:
        assert (change.changed, change.tx_hash, change.algorithm_dids) == (False, "", ())
        assert str(change).startswith("Nothing changed")
        assert "No transaction was sent" in str(change)


def test_all_entries_are_refreshed_at_once_and_lost_algorithms_named(world: World) -> None:
    assets = world.ocean.assets
    changed, loose = world.new_algorithm(), world.new_algorithm()

    def odd(asset: Asset) -> None:
        entries = privacy(asset)["publisherTrustedAlgorithms"]
        entries.append({"did": UNKNOWN_DID, "filesChecksum": "0" * 64})
        entries.append({"did": str(loose.did), "note": "any version"})

    dataset = world.new_dataset(odd, trusted=[world.algorithm.did, changed.did])
    did = str(dataset.did)
    before = assets.resolve(did).get_trusted_algorithms()
    for algorithm in (changed, loose):
        world.changed(algorithm, other_container)

    change = assets.refresh_trust(did, None, world.publisher)
    after = assets.resolve(did).get_trusted_algorithms()

    assert change.algorithm_dids == (str(changed.did),)
    assert change.skipped_dids == (UNKNOWN_DID,)
    assert UNKNOWN_DID in str(change)
    assert before is not None
    assert after is not None
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True, True]
    assert assets.explain_trust(did, str(loose.did)).trusted
    assert not assets.explain_trust(did, UNKNOWN_DID).trusted
    with pytest.raises(AssetNotFound):
        assets.refresh_trust(did, UNKNOWN_DID, world.publisher)


def test_an_entry_is_pinned_when_it_is_trusted_again(world: World) -> None:
    assets, dataset = world.ocean.assets, world.new_dataset(no_checksums)
    dids = (str(dataset.did), str(world.algorithm.did))
    loose = assets.explain_trust(*dids)

    assets.trust(*dids, world.publisher)

    assert (loose.trusted, loose.checksums[0].recorded) == (True, None)
    assert "in any version" in loose.why
    assert all(checksum.recorded for checksum in assets.explain_trust(*dids).checksums)


def test_a_report_names_the_rules_that_decide(world: World) -> None:
    explain = world.ocean.assets.explain_trust
    algorithm = str(world.other_algorithm.did)

    open_to_all = explain(str(world.open_dataset.did), algorithm)
    listed = explain(str(world.dataset.did), algorithm)
    gone = explain(str(world.dataset.did), UNKNOWN_DID)
    no_algorithm = explain(str(world.open_dataset.did), str(world.dataset.did))

    assert (open_to_all.trusted, open_to_all.allows_all_published) == (True, True)
    assert (listed.trusted, listed.allows_raw) == (False, True)
    assert listed.trusted_dids == (str(world.algorithm.did),)
    assert str(world.algorithm.did) in listed.why
    assert [finding.code for finding in gone.findings] == ["asset-not-found"]
    assert no_algorithm.checksums[0].now is None
    json.dumps(listed.as_dict())


def test_taking_a_name_off_does_not_close_an_open_data_set(world: World) -> None:
    assets, algorithm = world.ocean.assets, str(world.algorithm.did)
    dataset = str(world.new_dataset(other_publishers, allow_all=True).did)

    change = assets.untrust(dataset, algorithm, world.publisher)
    report = assets.explain_trust(dataset, algorithm)

    assert "still lets every published algorithm run" in change.what
    assert report.trusted
    assert f"trusted publishers: {OTHER_PUBLISHER}" in str(report)


def test_a_data_set_on_the_list_is_no_trusted_algorithm(world: World) -> None:
    other = world.open_dataset
    dataset = world.new_dataset(lambda asset: list_too(asset, other))

    report = world.ocean.assets.explain_trust(str(dataset.did), str(other.did))

    assert [finding.code for finding in report.findings] == ["not-an-algorithm"]


def test_what_cannot_be_done_is_an_error_and_sends_nothing(world: World) -> None:
    assets, dataset = world.ocean.assets, str(world.dataset.did)
    other, wallet = str(world.other_algorithm.did), world.publisher
    no_algorithm, no_compute = str(world.open_dataset.did), str(world.download_only.did)
    before = transactions(world)

    with pytest.raises(InvalidInput, match=r"assets\.trust"):
        assets.refresh_trust(dataset, other, wallet)
    with pytest.raises(InvalidInput, match="algorithm"):
        assets.trust(dataset, no_algorithm, wallet)
    with pytest.raises(AssetNotFound):
        assets.trust(dataset, UNKNOWN_DID, wallet)
    with pytest.raises(AssetNotFound):
        assets.explain_trust(UNKNOWN_DID, other)
    with pytest.raises(InvalidDid, match="algorithm_did"):
        assets.trust(dataset, "did:x", wallet)
    with pytest.raises(NoComputeService):
        assets.trust(no_compute, other, wallet)
    with pytest.raises(NoComputeService):
        assets.explain_trust(no_compute, other)
    for refused in (
        lambda: assets.trust(dataset, other, world.consumer),
        lambda: assets.untrust(dataset, str(world.algorithm.did), world.consumer),
    ):
        with pytest.raises(NotYourAsset, match=wallet.address):
            refused()

    assert transactions(world) == before
    assert not assets.explain_trust(dataset, other).trusted
