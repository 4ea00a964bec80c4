"""Published DDOs, read from the Metadata contract's events and completed as Aquarius does."""

from __future__ import annotations

import logging
import lzma
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.v3.contract_reads import (
    Datatoken,
    MetadataEvent,
    block_time,
    metadata_events,
)

_MAX_DDO_BYTES = 4 * 1024**2
_MAX_LZMA_BYTES = 256 * 1024**2  # of memory: a few bytes can ask for 4 GiB
_PRICE = {
    "datatoken": 0.0,
    "ocean": 0.0,
    "value": 0.0,
    "type": "",
    "exchange_id": "",
    "address": "",
    "pools": [],
    "isConsumable": "",
}
_log = logging.getLogger(__name__)


class Publications:
    """What was published through one Metadata contract.

    Args:
        chain: Where the contract is.
        contract: The contract's address.
    """

    def __init__(self, chain: ChainClient, contract: str) -> None:
        self._chain = chain
        self._contract = contract

    def read(
        self, first: int, last: int, kept: Callable[[str], dict[str, Any] | None]
    ) -> dict[str, dict[str, Any]]:
        """Return the DDOs of the events in the blocks `first` to `last`, by their DIDs.

        Args:
            first: The first block.
            last: The last one.
            kept: Returns the DDO that an asset has so far, or None.
        """
        fresh: dict[str, dict[str, Any]] = {}
        for event in metadata_events(self._chain, self._contract, first, last):
            did = "did:op:" + event.datatoken.removeprefix("0x")
            ddo = self._completed(did, event, fresh.get(did) or kept(did))
            if ddo is not None:
                fresh[did] = ddo
        return fresh

    def _completed(
        self, did: str, event: MetadataEvent, old: dict[str, Any] | None
    ) -> dict[str, Any] | None:
        try:
            ddo = _read_ddo(event)
            if ddo["id"] != did:
                message = f"the document calls itself {ddo['id']}"
                raise ValueError(message)
            metadata = metadata_of(ddo)
        except (KeyError, TypeError, ValueError, StopIteration, lzma.LZMAError) as error:
            _log.warning("the metadata event for %s is not used: %s", did, error)
            return None
        if event.created == bool(old):
            _log.warning("the metadata event for %s is out of order", did)
            return None
        moment = published = _iso(block_time(self._chain, event.block))
        ddo["created"] = moment
        if old:
            ddo["created"] = old["created"]
            published = metadata_of(old)["main"]["datePublished"]
        self._decorate(ddo, metadata, event, moment, published)
        return ddo

    def _decorate(
        self,
        ddo: dict[str, Any],
        metadata: dict[str, Any],
        event: MetadataEvent,
        moment: str,
        published: str,
    ) -> None:
        # What Aquarius adds to every document; the checksums of trust do not cover these keys.
        metadata["main"]["datePublished"] = published
        metadata["curation"] = {"rating": 0.0, "numVotes": 0, "isListed": True}
        ddo["updated"] = moment
        ddo["accessWhiteList"] = ddo.get("accessWhiteList") or []
        ddo["price"] = dict(_PRICE)
        try:
            ddo["dataTokenInfo"] = Datatoken(self._chain, event.datatoken).info()
        except RpcError as error:
            _log.warning("%s cannot be read: %s", event.datatoken, error)
            ddo["dataTokenInfo"] = {"address": event.datatoken}
        ddo["isInPurgatory"] = "false"


def _read_ddo(event: MetadataEvent) -> dict[str, Any]:
    data = event.data
    if event.flags and event.flags[0] & 2:
        message = "encrypted documents are not supported"
        raise ValueError(message)
    if event.flags and event.flags[0] & 1:
        decompressor = lzma.LZMADecompressor(memlimit=_MAX_LZMA_BYTES)
        data = decompressor.decompress(data, _MAX_DDO_BYTES)
        if not decompressor.eof:
            message = f"the document is larger than {_MAX_DDO_BYTES} bytes"
            raise ValueError(message)
    document = safe_json.loads(data)
    if not isinstance(document, dict):
        message = "the document is not an object"
        raise TypeError(message)
    return document


def metadata_of(ddo: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a DDO's metadata service; KeyError and the like if it has none."""
    service = next(item for item in ddo["service"] if item["type"] == "metadata")
    attributes: dict[str, Any] = service["attributes"]
    if not isinstance(attributes["main"]["name"], str):
        message = "its name is not a text"
        raise TypeError(message)
    return attributes


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
