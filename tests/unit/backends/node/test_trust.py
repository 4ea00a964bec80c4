"""A node's truth table: who may use an asset, which algorithms run, in which states."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ocean_lib.backends.node.trust import (
    Candidate,
    admits,
    allows_raw,
    container_checksum,
    is_orderable,
    is_trusted,
)
from ocean_lib.documents.reading import view_of
from ocean_lib.documents.view import (
    ComputeRules,
    CredentialRule,
    Credentials,
    ServiceView,
    TrustedAlgorithm,
)
from tests.vectors import nodes

ME, OTHER, LIST = "0x" + "aA" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
DATASET, ALGORITHM = view_of(nodes.document("04")), view_of(nodes.document("02"))
(FILES,) = (one["checksum"] for one in json.loads(nodes.body_of(nodes.load("03")[-1])))


def addresses(*values: str) -> CredentialRule:
    return CredentialRule("address", tuple(value.lower() for value in values))


MINE, NOT_MINE, ALL, EMPTY = addresses(ME), addresses(OTHER), addresses("*"), addresses()
MEMBERS, NAMELESS = CredentialRule("accesslist", access_list=LIST), CredentialRule("accesslist")
ODD = CredentialRule("verifiablecredential")


@pytest.mark.parametrize(
    ("credentials", "denied", "allowed"),
    [
        (Credentials(), False, True),
        (Credentials(allow=(MINE,)), False, True),
        (Credentials(allow=(NOT_MINE,)), False, False),
        (Credentials(allow=(ALL,)), False, True),
        (Credentials(allow=(EMPTY,)), False, False),
        (Credentials(allow=(MINE, NOT_MINE)), False, False),
        (Credentials(allow=(MINE, NOT_MINE), match_allow="any"), False, True),
        (Credentials(allow=(MINE, ODD)), False, False),
        (Credentials(allow=(MINE, ODD), match_allow="any"), False, True),
        (Credentials(allow=(ODD,), match_allow="any"), False, False),
        (Credentials(deny=(MINE,)), True, True),
        (Credentials(deny=(ALL,)), True, True),
        (Credentials(deny=(NOT_MINE, MINE)), True, True),
        (Credentials(deny=(NOT_MINE, MINE), match_deny="all"), False, True),
        (Credentials(deny=(MINE, ODD), match_deny="all"), True, True),
        (Credentials(deny=(ODD,)), False, True),
        (Credentials(allow=(MINE,), deny=(MINE,)), True, True),
        (Credentials(allow=(NAMELESS,)), False, False),
    ],
)
def test_the_deny_list_counts_first_and_then_the_allow_list(
    credentials: Credentials, denied: bool, allowed: bool
) -> None:
    assert admits(credentials, ME) == (denied, allowed)
    assert admits(credentials, ME.lower()) == (denied, allowed)


@pytest.mark.parametrize(
    ("credentials", "member", "verdict"),
    [
        (Credentials(allow=(MEMBERS,)), True, (False, True)),
        (Credentials(allow=(MEMBERS,)), False, (False, False)),
        (Credentials(allow=(MEMBERS,)), None, (False, None)),
        (Credentials(allow=(MEMBERS, NOT_MINE)), None, (False, False)),
        (Credentials(allow=(MEMBERS, MINE), match_allow="any"), None, (False, True)),
        (Credentials(deny=(MEMBERS,)), None, (None, True)),
        (Credentials(deny=(MEMBERS, MINE)), None, (True, True)),
        (Credentials(deny=(MEMBERS,)), True, (True, True)),
    ],
)
def test_a_list_on_the_chain_is_asked_only_where_it_decides(
    credentials: Credentials, member: bool | None, verdict: tuple[Any, Any]
) -> None:
    assert admits(credentials, ME, lambda _: member) == verdict


@pytest.mark.parametrize(
    ("state", "orderable"),
    [(0, True), (1, True), (2, False), (3, False), (4, False), (5, False), (None, True)],
)
def test_states_0_and_1_may_be_ordered(state: int | None, orderable: bool) -> None:
    assert is_orderable(replace(DATASET, state=state)) is orderable


def candidate(**fields: Any) -> Candidate:
    assert ALGORITHM.algorithm is not None
    found = Candidate(
        ALGORITHM.did,
        ALGORITHM.services[0].id,
        ALGORITHM.nft_address,
        FILES,
        container_checksum(ALGORITHM.algorithm),
    )
    return replace(found, **fields)


def service(type_: str = "compute", **rules: Any) -> ServiceView:
    return replace(DATASET.services[0], type=type_, compute=ComputeRules(**rules))


def test_the_recorded_data_set_trusts_the_recorded_algorithm_and_its_checksums() -> None:
    assert candidate().container == (
        "4081ba00ae2eddb294354f7ddf1c01d79d107f7b71de21e3610eff0dc1a16a49"
    )
    assert is_trusted(DATASET.services[0], candidate()) is True
    for other in ({"files": "0"}, {"container": "0"}, {"service_id": "0"}, {"did": "did:op:0"}):
        assert is_trusted(DATASET.services[0], candidate(**other)) is False
    assert is_trusted(DATASET.services[0], candidate(files=None)) is None
    assert is_trusted(DATASET.services[0], candidate(files=None, did="did:op:0")) is False


STARS = TrustedAlgorithm("*", "*", "*", "*")


@pytest.mark.parametrize(
    ("rules", "trusted"),
    [
        ({}, False),
        ({"allow_raw": True}, False),
        ({"trusted_algorithms": (STARS,)}, True),
        ({"trusted_algorithms": (replace(STARS, service_id=None),)}, True),
        ({"trusted_algorithms": (replace(STARS, did="did:op:0"),)}, False),
        ({"trusted_algorithms": (replace(STARS, did="did:op:0"), STARS)}, True),
        ({"trusted_algorithms": (replace(STARS, files_checksum=""),)}, False),
        ({"trusted_publishers": ("*",)}, True),
        ({"trusted_publishers": (ALGORITHM.nft_address.lower(),)}, True),
        ({"trusted_publishers": (ALGORITHM.owner.lower(),)}, False),
        ({"trusted_publishers": (OTHER,), "trusted_algorithms": (STARS,)}, True),
    ],
)
def test_one_entry_that_fits_is_enough_and_empty_lists_are_closed(
    rules: dict[str, Any], trusted: bool
) -> None:
    assert is_trusted(service(**rules), candidate()) is trusted


def test_an_access_service_is_open_and_one_without_rules_closed() -> None:
    assert is_trusted(service("access"), candidate()) is True
    assert is_trusted(service("wss", trusted_algorithms=(STARS,)), candidate()) is False
    assert is_trusted(replace(service(), compute=None), candidate()) is False
    assert allows_raw(service("access")) is True
    assert allows_raw(service(allow_raw=True)) is False
    assert allows_raw(service(allow_raw=True, trusted_publishers=(OTHER,))) is True
    assert allows_raw(service(trusted_publishers=("*",))) is False
