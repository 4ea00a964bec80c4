"""The network's neutral part knows no dialect's words, and a dialect is what it says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ocean_lib.localnet
from ocean_lib.localnet.dialects.dialect import Dialect
from ocean_lib.localnet.dialects.v3.dialect import V3Dialect

LOCALNET = Path(ocean_lib.localnet.__file__).parent
NEUTRAL = sorted(
    path for path in LOCALNET.rglob("*.py") if LOCALNET / "dialects" / "v3" not in path.parents
)
V3_WORDS = re.compile(
    r"""/api/v1|did:op|documentId|serviceId|transferTxId|dataToken|consumerAddress|algorithmDid
    |algorithmMeta|algoDID|inputDID|agreementId|statusText|stopreq|resultsUrl|algorithmLogUrl
    |providerAddress|computeAddress|publisherTrusted|allowRawAlgorithm|encryptedFiles
    |TRANSFORMATION_DID|"DIDS"|serviceEndpoint""",
    re.VERBOSE,
)


@pytest.mark.parametrize("path", NEUTRAL, ids=lambda path: str(path.relative_to(LOCALNET)))
def test_the_neutral_part_says_no_word_of_v3(path: Path) -> None:
    assert V3_WORDS.findall(path.read_text(encoding="utf-8")) == []


def test_only_one_file_of_the_neutral_part_names_a_dialect() -> None:
    named = {
        str(path.relative_to(LOCALNET))
        for path in NEUTRAL
        if "localnet.dialects.v3" in path.read_text(encoding="utf-8")
    }

    assert named == {"open_network.py"}


def test_v3_is_a_dialect() -> None:
    dialect: Dialect = V3Dialect()

    assert dialect.layout.algorithm == "transformations/algorithm"
