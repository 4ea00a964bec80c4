"""The client's reading of a data set's rules is the embedded Provider's, whatever they are."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocean_lib.assets.asset import Asset
from ocean_lib.backends.v3.trust import allows_raw, checksums_of, trust_report
from ocean_lib.localnet.dialects.v3.assets import ProviderAsset
from ocean_lib.localnet.dialects.v3.rules import why_not_trusted
from ocean_lib.preflight.trust import TrustReport
from tests.players import ALGORITHM_DID
from tests.unit.conftest import DATASET_DID

OTHER = "did:op:" + "2" * 40
CODES = {
    "no trusted algorithms are set": "nobody-trusted",
    "not from a trusted publisher": "publisher-not-trusted",
    "don't have a did": "trust-list-unreadable",
    "is not trusted.": "algorithm-not-trusted",
    "filesChecksum for": "files-changed",
    "containerSectionChecksum for": "container-changed",
}


def judged(
    dataset_ddo: dict[str, Any], algorithm_ddo: dict[str, Any], rules: dict[str, Any]
) -> TrustReport:
    ddo = copy.deepcopy(dataset_ddo)
    for service in ddo["service"]:
        if service["type"] == "compute":
            service["attributes"]["main"]["privacy"] = rules
    dataset = Asset(dictionary=ddo)
    service = dataset.get_service("compute")
    assert service is not None
    return trust_report(dataset, service, ALGORITHM_DID, Asset(dictionary=algorithm_ddo))


def providers_words(algorithm_ddo: dict[str, Any], rules: dict[str, Any], raw: bool) -> str:
    did = None if raw else ALGORITHM_DID
    return why_not_trusted(DATASET_DID, rules, did, raw, lambda _: ProviderAsset(algorithm_ddo))


def any_rules(publisher: str, now: dict[str, str]) -> st.SearchStrategy[dict[str, Any]]:
    def checksum(name: str) -> st.SearchStrategy[Any]:
        return st.sampled_from([now[name], "0" * 64, f" {now[name]}", "", None])

    entry = st.fixed_dictionaries(
        {},
        optional={
            "did": st.sampled_from([ALGORITHM_DID, ALGORITHM_DID.lower(), OTHER]),
            "filesChecksum": checksum("filesChecksum"),
            "containerSectionChecksum": checksum("containerSectionChecksum"),
        },
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "allowRawAlgorithm": st.sampled_from([True, False, None, "", "no"]),
            "allowAllPublishedAlgorithms": st.sampled_from([True, False, None]),
            "publisherTrustedAlgorithms": st.none() | st.lists(entry, max_size=3),
            "publisherTrustedAlgorithmPublishers": st.none()
            | st.lists(st.sampled_from([publisher, publisher.lower(), "0x1"]), max_size=2),
        },
    )


def test_any_rules_are_read_as_the_provider_reads_them(
    dataset_ddo: dict[str, Any], algorithm_ddo: dict[str, Any]
) -> None:
    asset = Asset(dictionary=algorithm_ddo)

    @given(rules=any_rules(str(asset.publisher), checksums_of(asset)))
    def agrees(rules: dict[str, Any]) -> None:
        report = judged(dataset_ddo, algorithm_ddo, rules)
        words = providers_words(algorithm_ddo, rules, raw=False)

        assert report.trusted is (words == ""), (words, str(report))
        if words:
            (code,) = [code for text, code in CODES.items() if text in words]
            assert report.findings[0].code == code
        assert allows_raw(rules) is (providers_words(algorithm_ddo, rules, raw=True) == "")

    agrees()


def test_a_did_in_another_spelling_is_pointed_at(
    dataset_ddo: dict[str, Any], algorithm_ddo: dict[str, Any]
) -> None:
    entry = {"did": ALGORITHM_DID.lower()}
    report = judged(dataset_ddo, algorithm_ddo, {"publisherTrustedAlgorithms": [entry]})

    assert f"another spelling, {ALGORITHM_DID.lower()}" in report.why


@pytest.mark.parametrize("hostile", ["<b>\x1b[2J", "x" * 5000])
def test_what_a_publisher_writes_is_shown_without_harm(
    dataset_ddo: dict[str, Any], algorithm_ddo: dict[str, Any], hostile: str
) -> None:
    entries = [{"did": hostile}] * 20 + [{"did": ALGORITHM_DID, "filesChecksum": hostile}]
    report = judged(dataset_ddo, algorithm_ddo, {"publisherTrustedAlgorithms": entries})
    unlisted = judged(dataset_ddo, algorithm_ddo, {"publisherTrustedAlgorithms": entries[:-1]})

    for text in (str(report), report._repr_html_(), str(unlisted)):
        assert "\x1b" not in text
        assert "x" * 1000 not in text
    assert "<b>" not in report._repr_html_()
    assert "and 10 more" in unlisted.why
