"""Fixtures of the unit tests: what the era's client and servers really said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VECTORS = Path(__file__).parents[1] / "vectors" / "provider-v3"

ALGORITHM_DID = "did:op:1Bc77d1993174a542003f1612c7C318f14804360"
DATASET_DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"


@pytest.fixture(scope="session")
def exchanges() -> Callable[[str], list[dict[str, Any]]]:
    """Give the recorded exchanges of the vector file whose name starts with a number."""

    def load(number: str) -> list[dict[str, Any]]:
        (path,) = VECTORS.glob(f"{number}-*.json")
        recorded: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["exchanges"]
        return recorded

    return load


@pytest.fixture(scope="session")
def ddo_texts(exchanges: Callable[[str], list[dict[str, Any]]]) -> dict[str, str]:
    """Give the text of every recorded DDO, by DID."""
    texts = {}
    for number in ("02", "04", "06", "10", "30"):
        for exchange in exchanges(number):
            _, found, did = exchange["target"].partition("/assets/ddo/did:")
            if found and exchange["status"] == 200:
                texts[f"did:{did}"] = exchange["response_body"]
    return texts


@pytest.fixture
def algorithm_ddo(ddo_texts: dict[str, str]) -> dict[str, Any]:
    """Give the recorded DDO of the algorithm, as a fresh dict."""
    document: dict[str, Any] = json.loads(ddo_texts[ALGORITHM_DID])
    return document


@pytest.fixture
def dataset_ddo(ddo_texts: dict[str, str]) -> dict[str, Any]:
    """Give the recorded DDO of the data set with a compute service, as a fresh dict."""
    document: dict[str, Any] = json.loads(ddo_texts[DATASET_DID])
    return document


@pytest.fixture
def no_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without an `Ocean`, whatever other tests have left."""
    from ocean_lib.web3_internal import web3_provider

    monkeypatch.setattr(web3_provider.Web3Provider, "_web3", None)
    monkeypatch.setattr(web3_provider.Web3Provider, "_offered", web3_provider._Offered())
