"""Trust: the recorded checksums of real assets, and who may run where."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ocean_lib.localnet.dialects.v3.assets import Consumable, ProviderAsset
from ocean_lib.localnet.dialects.v3.encryption import (
    ForeignDocument,
    MisplacedDocument,
    ProviderKey,
)
from ocean_lib.localnet.dialects.v3.rules import container_checksum, files_checksum, why_not_trusted
from tests.unit.localnet.recorded import PROVIDER_KEY, answer

ALGORITHM: dict[str, Any] = answer("02-publish-dataset-compute", "aquarius", "GET", "/ddo/did")
DATASET: dict[str, Any] = answer("04-order-dataset-initialize", "aquarius", "GET", "/ddo/did")
PRIVACY: dict[str, Any] = DATASET["service"][1]["attributes"]["main"]["privacy"]


def _find(did: str) -> ProviderAsset:
    assert did == ALGORITHM["id"]
    return ProviderAsset(ALGORITHM)


def _refusal(privacy: dict[str, Any], *, did: str | None = None, has_raw: bool = False) -> str:
    return why_not_trusted(DATASET["id"], privacy, did, has_raw, _find)


def test_the_checksums_are_those_that_ocean_lib_recorded() -> None:
    [entry] = PRIVACY["publisherTrustedAlgorithms"]
    algorithm = ProviderAsset(ALGORITHM)

    assert files_checksum(algorithm) == entry["filesChecksum"]
    assert container_checksum(algorithm) == entry["containerSectionChecksum"]


def test_the_recorded_dataset_trusts_the_recorded_algorithm() -> None:
    assert _refusal(PRIVACY, did=ALGORITHM["id"]) == ""


@pytest.mark.parametrize(
    ("changes", "did", "has_raw", "text"),
    [
        ({}, None, False, "both algorithmMeta and algorithmDid are missing"),
        ({"allowRawAlgorithm": False}, None, True, "cannot run raw algorithm"),
        ({"publisherTrustedAlgorithms": []}, ALGORITHM["id"], False, "no trusted algorithms"),
        ({}, "did:op:other", False, "is not trusted."),
        ({"publisherTrustedAlgorithms": [{}]}, ALGORITHM["id"], False, "don't have a did"),
        (
            {"publisherTrustedAlgorithmPublishers": ["0x1"]},
            ALGORITHM["id"],
            False,
            "not from a trusted publisher",
        ),
    ],
)
def test_each_refusal_has_its_text(
    changes: dict[str, Any], did: str | None, has_raw: bool, text: str
) -> None:
    assert text in _refusal({**PRIVACY, **changes}, did=did, has_raw=has_raw)


def test_raw_code_needs_an_explicit_yes() -> None:
    assert "cannot run raw" in _refusal({}, has_raw=True)


def test_allow_all_asks_for_nothing_more() -> None:
    assert _refusal({"allowAllPublishedAlgorithms": True}, did="did:op:any") == ""


def test_a_recorded_file_list_opens_with_the_recorded_providers_key() -> None:
    key = ProviderKey(PROVIDER_KEY)
    encrypted = ProviderAsset(ALGORITHM).encrypted_files
    [file] = key.decrypt(encrypted)

    assert key.address == "0xBE5449a6A97aD46c8558A3356267Ee5D2731ab5e"
    assert file["url"] == "http://127.0.0.1:28080/data/algo.py"
    assert PROVIDER_KEY[2:] not in repr(key)
    with pytest.raises(MisplacedDocument):  # the real Provider's names no asset
        key.decrypt_files(encrypted, ALGORITHM["id"])


def test_what_was_encrypted_can_be_read_by_the_same_key_only() -> None:
    key, other = ProviderKey(PROVIDER_KEY), ProviderKey("0x" + "01" * 32)
    did = DATASET["id"]
    encrypted = key.encrypt([{"url": "http://x"}], did)

    assert key.decrypt_files(encrypted, did) == [{"url": "http://x"}]
    for broken in (encrypted[:-2] + "00", "0x", "nonsense", key.encrypt("text", did)):
        with pytest.raises(ForeignDocument):
            key.decrypt_files(broken, did)
    with pytest.raises(ForeignDocument):
        other.decrypt_files(encrypted, did)


@pytest.mark.parametrize("prefix", ["did:op:", "0x"])
@pytest.mark.parametrize("spell", [str, str.lower])
def test_a_file_list_opens_for_its_asset_however_that_was_spelled_and_for_no_other(
    prefix: str, spell: Callable[[str], str]
) -> None:
    key = ProviderKey(PROVIDER_KEY)
    given = prefix + spell(DATASET["id"].removeprefix("did:op:"))
    encrypted = key.encrypt([{"url": "http://x"}], given)

    assert key.decrypt_files(encrypted, DATASET["id"]) == [{"url": "http://x"}]
    with pytest.raises(MisplacedDocument):
        key.decrypt_files(encrypted, ALGORITHM["id"])


@pytest.mark.parametrize("nameless", ["anything", "0x1", "did:op:"])
def test_a_file_list_that_names_no_asset_opens_for_none(nameless: str) -> None:
    key = ProviderKey(PROVIDER_KEY)
    with pytest.raises(MisplacedDocument):
        key.decrypt_files(key.encrypt([{"url": "http://x"}], nameless), DATASET["id"])


def _listed(**lists: list[str]) -> ProviderAsset:
    ddo = copy.deepcopy(DATASET)
    ddo["credentials"] = {
        kind: [{"type": "address", "values": values}] for kind, values in lists.items()
    }
    return ProviderAsset(ddo)


@pytest.mark.parametrize(
    ("lists", "code"),
    [
        ({}, Consumable.OK),
        ({"allow": ["0xAA"]}, Consumable.OK),
        ({"allow": ["0xbb"]}, Consumable.NOT_ALLOWED),
        ({"deny": ["0xAa"]}, Consumable.DENIED),
        ({"deny": ["0xbb"]}, Consumable.OK),
        ({"allow": ["0xaa"], "deny": ["0xaa"]}, Consumable.OK),
        ({"allow": [], "deny": ["0xaa"]}, Consumable.DENIED),
    ],
)
def test_access_lists(lists: dict[str, list[str]], code: Consumable) -> None:
    assert _listed(**lists).access_for("0xaa") == code


def test_credentials_of_null_are_none() -> None:
    ddo = {**copy.deepcopy(DATASET), "credentials": None}

    assert ProviderAsset(ddo).access_for("0xaa") == Consumable.OK


def test_cost_is_exact() -> None:
    ddo = copy.deepcopy(DATASET)
    ddo["service"][1]["attributes"]["main"]["cost"] = 0.1
    service = ProviderAsset(ddo).service(4)

    assert service is not None
    assert service.cost_wei == 10**17
