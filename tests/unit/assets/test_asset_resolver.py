"""An asset is found by its DID, and nothing is remembered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import responses

from ocean_lib.assets.asset import Asset
from ocean_lib.assets.asset_resolver import resolve_asset
from ocean_lib.common.aquarius.aquarius import Aquarius
from ocean_lib.common.aquarius.aquarius_provider import AquariusProvider
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.exceptions import AssetNotFound, InvalidInput, InvalidUrl
from ocean_lib.http.exchange import HttpExchange

CACHE = "http://localhost:5000"
DID = "did:op:16A8D214eD5eaA9dDA7e365F8022AbDa92987E36"


def test_every_call_asks_the_cache(dataset_ddo: dict[str, Any]) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{CACHE}/api/v1/aquarius/assets/ddo/{DID}", json=dataset_ddo)

        first = resolve_asset(DID, CACHE)
        second = resolve_asset(DID, metadata_cache_uri=CACHE, http=HttpExchange())

        assert isinstance(first, Asset)
        assert first.as_dictionary() == second.as_dictionary() == dataset_ddo
        assert len(mock.calls) == 2


def test_an_unknown_asset_is_an_error() -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{CACHE}/api/v1/aquarius/assets/ddo/{DID}", status=404, body="<html>")

        with pytest.raises(AssetNotFound):
            resolve_asset(DID, CACHE)


def test_it_must_be_known_where_to_look() -> None:
    with pytest.raises(InvalidInput, match="metadata_cache_uri or token_address"):
        resolve_asset(DID)
    with pytest.raises(InvalidUrl):
        resolve_asset(DID, "localhost")


def test_another_class_of_client_can_be_set(dataset_ddo: dict[str, Any]) -> None:
    urls = []

    def client(url: str) -> Any:
        urls.append(url)
        return SimpleNamespace(get_asset_ddo=lambda did: DDO(dictionary=dataset_ddo))

    AquariusProvider.set_aquarius_class(client)
    try:
        found = resolve_asset(DID, CACHE, http=HttpExchange())
    finally:
        AquariusProvider.set_aquarius_class(Aquarius)

    assert found.did == DID
    assert urls == [CACHE]
