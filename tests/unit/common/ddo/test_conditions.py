"""Whether an asset can be consumed: enabled, reachable, open to the address."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.consumable import ConsumableCodes, MalformedCredential
from ocean_lib.common.ddo.credentials import AddressCredential, simplify_credential_to_address
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import InvalidAddress, InvalidInput

ALICE = "0xA78deb2Fa79463945C247991075E2a0e98Ba7A09"
BOB = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"


def credential(address: str) -> dict[str, str]:
    return {"type": "address", "value": address}


@pytest.fixture
def asset(dataset_ddo: dict[str, Any]) -> Asset:
    return Asset(dictionary=dataset_ddo)


def test_an_asset_is_disabled_and_enabled_again(asset: Asset, dataset_ddo: dict[str, Any]) -> None:
    asset.disable()
    assert asset.is_disabled
    assert asset.is_consumable() == ConsumableCodes.ASSET_DISABLED

    asset.enable()
    assert asset.is_enabled
    assert asset.is_consumable() == ConsumableCodes.OK


def test_enabling_an_enabled_asset_changes_nothing(
    asset: Asset, dataset_ddo: dict[str, Any]
) -> None:
    asset.enable()

    assert asset.as_dictionary() == dataset_ddo


def test_enabling_takes_out_a_false_mark_and_keeps_the_rest_of_the_status(asset: Asset) -> None:
    assert asset.metadata is not None
    asset.metadata["status"] = {"isOrderDisabled": False, "isListed": True}

    asset.enable()

    assert asset.metadata["status"] == {"isListed": True}


def at_the_top(asset: Asset) -> dict[str, Any]:
    return asset.as_dictionary().get("status", {})


def test_every_version_of_the_provider_reads_that_an_asset_is_disabled(asset: Asset) -> None:
    assert asset.metadata is not None

    asset.disable()

    assert at_the_top(asset)["isOrderDisabled"] is True  # Provider 0.4.12
    assert asset.metadata["status"]["isOrderDisabled"] is True  # later ones

    asset.enable()

    assert "isOrderDisabled" not in at_the_top(asset)
    assert "isOrderDisabled" not in asset.metadata["status"]


@pytest.mark.parametrize("status", [{"isOrderDisabled": True}, '{"isOrderDisabled": true}'])
@pytest.mark.parametrize("at_the_top", [True, False])
def test_an_asset_that_is_disabled_in_one_place_is_disabled(
    dataset_ddo: dict[str, Any], at_the_top: bool, status: Any
) -> None:
    (metadata,) = (s for s in dataset_ddo["service"] if s["type"] == "metadata")
    (dataset_ddo if at_the_top else metadata["attributes"])["status"] = status
    asset = Asset(dictionary=dataset_ddo)

    assert asset.is_disabled
    assert asset.is_consumable() == ConsumableCodes.ASSET_DISABLED
    asset.enable()
    assert Asset(dictionary=asset.as_dictionary()).is_enabled


def test_an_asset_without_metadata_cannot_be_switched() -> None:
    assert not DDO().is_disabled
    with pytest.raises(InvalidInput, match="no metadata service"):
        DDO().disable()
    with pytest.raises(InvalidInput, match="no metadata service"):
        DDO().enable()


def test_a_status_that_cannot_be_read_is_an_error(asset: Asset) -> None:
    assert asset.metadata is not None
    asset.metadata["status"] = ["isOrderDisabled"]

    with pytest.raises(InvalidInput, match="status in the asset's metadata must be a dict"):
        _ = asset.is_disabled


def test_a_status_of_the_document_that_cannot_be_read_is_an_error(
    dataset_ddo: dict[str, Any],
) -> None:
    asset = Asset(dictionary={**dataset_ddo, "status": ["isOrderDisabled"]})

    with pytest.raises(InvalidInput, match="status of the asset must be a dict"):
        _ = asset.is_disabled


def test_an_allow_list_lets_in_whom_it_names(asset: Asset) -> None:
    asset.add_address_to_allow_list(ALICE)
    asset.add_address_to_allow_list(ALICE.lower())
    asset.add_address_to_deny_list(ALICE)

    assert asset.requires_address_credential is True
    assert asset.allowed_addresses == [ALICE.lower()]
    assert asset.credentials["allow"] == [{"type": "address", "values": [ALICE.lower()]}]
    assert asset.is_consumable(credential(ALICE.lower())) == ConsumableCodes.OK
    for other in (credential(BOB), None, {}):
        assert asset.is_consumable(other) == ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST


def test_a_list_grows_and_may_be_null_before(asset: Asset) -> None:
    asset.credentials["deny"] = None

    asset.add_address_to_deny_list(ALICE)
    asset.add_address_to_deny_list(BOB)

    assert asset.denied_addresses == [ALICE.lower(), BOB.lower()]


def test_a_deny_list_keeps_out_whom_it_names(asset: Asset) -> None:
    asset.add_address_to_deny_list(ALICE)

    assert asset.denied_addresses == [ALICE.lower()]
    assert asset.is_consumable(credential(ALICE)) == ConsumableCodes.CREDENTIAL_IN_DENY_LIST
    assert asset.is_consumable(credential(BOB)) == ConsumableCodes.OK
    with pytest.raises(MalformedCredential, match="depends on who asks"):
        asset.is_consumable()


def test_addresses_are_removed_in_any_case(asset: Asset) -> None:
    asset.add_address_to_allow_list(ALICE)
    asset.add_address_to_deny_list(BOB)

    asset.remove_address_from_allow_list(ALICE)
    asset.remove_address_from_deny_list(BOB.lower())
    asset.remove_address_from_deny_list("0xNotThere")

    assert asset.requires_address_credential is False
    assert asset.is_consumable() == ConsumableCodes.OK


def test_removing_from_no_list_invents_none(asset: Asset, dataset_ddo: dict[str, Any]) -> None:
    asset.remove_address_from_allow_list(ALICE)

    assert asset.as_dictionary() == dataset_ddo


def test_only_an_address_goes_on_a_list(asset: Asset) -> None:
    with pytest.raises(InvalidAddress):
        asset.add_address_to_deny_list("alice.eth")
    with pytest.raises(MalformedCredential):
        asset.remove_address_from_deny_list(None)  # type: ignore[arg-type]


def test_other_entries_of_a_list_stay(asset: Asset) -> None:
    asset.credentials["allow"] = [{"type": "3box", "values": ["x"]}]

    asset.add_address_to_allow_list(ALICE)

    assert asset.credentials["allow"] == [
        {"type": "3box", "values": ["x"]},
        {"type": "address", "values": [ALICE.lower()]},
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "address", "value": ""},
        {"type": "address"},
        {"type": "address", "value": 5},
        {"type": "email", "value": "a@b"},
        "0x123",
    ],
)
def test_a_malformed_credential_is_an_error(asset: Asset, given: Any) -> None:
    asset.add_address_to_allow_list(ALICE)

    with pytest.raises(MalformedCredential):
        asset.is_consumable(given)


@pytest.mark.parametrize(
    "allow", [5, ["x"], [{"type": "address"}], [{"type": "address", "values": [5]}]]
)
def test_a_list_that_cannot_be_read_is_an_error(asset: Asset, allow: Any) -> None:
    asset.credentials["allow"] = allow

    with pytest.raises(MalformedCredential):
        AddressCredential(asset).validate_access(credential(ALICE))


def test_short_test_addresses_of_old_documents_compare_as_text(asset: Asset) -> None:
    asset.credentials["allow"] = [{"type": "address", "values": ["0x123", "0x456A"]}]

    manager = AddressCredential(asset)

    assert manager.get_addresses_of_class("allow") == ["0x123", "0x456a"]
    assert manager.validate_access(credential("0x456a")) == ConsumableCodes.OK
    assert (
        manager.validate_access(credential("0x111")) == ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST
    )


def test_a_credential_is_simplified_to_its_address() -> None:
    assert simplify_credential_to_address(None) is None
    assert simplify_credential_to_address(credential(BOB)) == BOB


def test_the_provider_is_asked_whether_it_reaches_the_files(
    asset: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    answers = [True, False]

    def check(asset: DDO, provider_uri: str) -> bool:
        asked.append((asset.did, provider_uri))
        return answers.pop(0)

    monkeypatch.setattr(DataServiceProvider, "check_asset_file_info", staticmethod(check))

    codes = [asset.is_consumable(provider_uri="http://provider") for _ in range(2)]

    assert codes == [ConsumableCodes.OK, ConsumableCodes.CONNECTIVITY_FAIL]
    assert asked == [(asset.did, "http://provider")] * 2
    assert asset.is_consumable({}, False, "http://provider") == ConsumableCodes.OK


@given(
    st.recursive(st.none() | st.text() | st.integers(), st.lists)
    | st.dictionaries(st.text(), st.text())
)
def test_any_credential_gives_a_code_or_our_error(given: Any) -> None:
    ddo = DDO()
    ddo.add_address_to_allow_list(ALICE)

    try:
        code = ddo.is_consumable(given)
    except MalformedCredential:
        return
    assert code == ConsumableCodes.CREDENTIAL_NOT_IN_ALLOW_LIST
