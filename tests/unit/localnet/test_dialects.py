"""The network's neutral part knows no dialect's words, and a dialect is what it says it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ocean_lib.localnet
from ocean_lib.localnet.dialects.dialect import Dialect
from ocean_lib.localnet.dialects.node.dialect import NodeDialect
from ocean_lib.localnet.dialects.v3.dialect import V3Dialect

LOCALNET = Path(ocean_lib.localnet.__file__).parent
DIALECTS = {LOCALNET / "dialects" / name for name in ("v3", "node")}
NEUTRAL = sorted(path for path in LOCALNET.rglob("*.py") if not DIALECTS & set(path.parents))
V3_WORDS = re.compile(
    r"""/api/v1|did:op|documentId|serviceId|transferTxId|dataToken|consumerAddress|algorithmDid
    |algorithmMeta|algoDID|inputDID|agreementId|statusText|stopreq|resultsUrl|algorithmLogUrl
    |providerAddress|computeAddress|publisherTrusted|allowRawAlgorithm|encryptedFiles
    |TRANSFORMATION_DID|"DIDS"|serviceEndpoint""",
    re.VERBOSE,
)
NODE_WORDS = re.compile(
    r"""/api/services|freeCompute|fileObject|maxJobDuration|algocustomdata|computeResult
    |stopRequested|isFree|imageLog|outputs\.tar|c2d_storage|queueMaxWaitTime|additionalViewers""",
    re.VERBOSE,
)


@pytest.mark.parametrize("path", NEUTRAL, ids=lambda path: str(path.relative_to(LOCALNET)))
def test_the_neutral_part_says_no_word_of_a_dialect(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert V3_WORDS.findall(text) == []
    assert NODE_WORDS.findall(text) == []


def test_only_the_way_in_names_a_dialect() -> None:
    named = {
        str(path.relative_to(LOCALNET))
        for path in NEUTRAL
        if re.search(r"localnet\.dialects\.(v3|node)", path.read_text(encoding="utf-8"))
    }

    assert named == {"__init__.py", "network.py", "open_network.py"}


def test_no_dialect_imports_another() -> None:
    for one, other in (("v3", "node"), ("node", "v3")):
        for path in (LOCALNET / "dialects" / one).glob("*.py"):
            assert f"dialects.{other}" not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize("dialect", [V3Dialect(), NodeDialect()])
def test_both_are_dialects(dialect: Dialect) -> None:
    assert dialect.layout.algorithm == "transformations/algorithm"
