"""The metadata cache: published DDOs, read from the chain's Metadata events.

It asks the chain for new events whenever it is asked itself, so who has the receipt of a
publication finds the asset at once.
"""

from __future__ import annotations

import json
import logging
import lzma
import threading
import time
from collections.abc import Iterable
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
from ocean_lib.localnet.metadata.leaves import Leaves, values_at
from ocean_lib.localnet.metadata.query import Matcher, compile_query
from ocean_lib.localnet.state.database import Database

_MAX_DDO_BYTES = 4 * 1024**2
_MAX_LZMA_BYTES = 256 * 1024**2  # of memory: a few bytes can ask for 4 GiB
_QUERY_S = 5.0
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


class MetadataCache:
    """DDOs by DID.

    Args:
        database: Where they are kept.
        chain: Where the Metadata contract is.
        contract: The contract's address.
        first_block: No event is before this block. If it is not 0, the contract is new, and what
            the database holds is of another chain: it is forgotten.
    """

    def __init__(
        self, database: Database, chain: ChainClient, contract: str, *, first_block: int = 0
    ) -> None:
        self._database = database
        self._chain = chain
        self._contract = contract
        self._first_block = first_block
        self._lock = threading.Lock()
        if first_block:
            self._forget()

    def ddo(self, did: str) -> dict[str, Any] | None:
        """Return the DDO of an asset, or None."""
        self.sync()
        return self._kept(did)

    def names(self, dids: Iterable[str]) -> dict[str, str]:
        """Return the names of assets; '' for a DID that is unknown."""
        self.sync()
        kept = {did: self._kept(did) for did in dids}
        return {did: _metadata_of(ddo)["main"]["name"] if ddo else "" for did, ddo in kept.items()}

    def dids(self) -> list[str]:
        """Return the DIDs of all assets, in order."""
        self.sync()
        return [row["did"] for row in self._database.rows("SELECT did FROM assets ORDER BY did")]

    def ddos(self) -> list[dict[str, Any]]:
        """Return all DDOs, in order of their DIDs."""
        self.sync()
        rows = self._database.rows("SELECT ddo FROM assets ORDER BY did")
        return [_document(row["ddo"]) for row in rows]

    def search(
        self, query: Any, *, sort: Any = None, page: int = 1, per_page: int = 100
    ) -> dict[str, Any]:
        """Find assets.

        Args:
            query: A query document or a query string.
            sort: Fields with 1 or -1, the first field first; None keeps the DIDs' order.
            page: The page, from 1.
            per_page: How many assets a page has.

        Raises:
            BadQuery: If the query is not understood, or takes longer than others can wait.
        """
        found = self._found(compile_query(query))
        if isinstance(sort, dict):
            for field, direction in reversed(list(sort.items())):
                found.sort(
                    key=lambda ddo, field=field: _sort_key(ddo, field),  # type: ignore[misc]
                    reverse=direction in (-1, "desc", "-1"),
                )
        start = (page - 1) * per_page
        return {
            "results": found[start : start + per_page],
            "page": page,
            "total_pages": -(-len(found) // per_page),
            "total_results": len(found),
        }

    def sync(self) -> None:
        """Read the events that came since the last time."""
        with self._lock:
            latest = int(self._chain.call("eth_blockNumber"), 16)
            rows = self._database.rows("SELECT block FROM sync WHERE name = 'metadata'")
            first = int(rows[0]["block"]) + 1 if rows else self._first_block
            if first > latest:
                return
            events = metadata_events(self._chain, self._contract, first, latest)
            fresh: dict[str, dict[str, Any]] = {}
            for event in events:
                self._apply(event, fresh)
            with self._database.transaction() as connection:
                for did, ddo in fresh.items():
                    connection.execute(
                        "INSERT INTO assets (did, ddo) VALUES (?, ?) "
                        "ON CONFLICT (did) DO UPDATE SET ddo = excluded.ddo",
                        (did, json.dumps(ddo)),
                    )
                connection.execute(
                    "INSERT INTO sync (name, block) VALUES ('metadata', ?) "
                    "ON CONFLICT (name) DO UPDATE SET block = excluded.block",
                    (latest,),
                )

    def _found(self, matches: Matcher) -> list[dict[str, Any]]:
        ddos, deadline = self.ddos(), time.monotonic() + _QUERY_S
        return [ddo for ddo in ddos if matches(Leaves(ddo, deadline))]

    def _forget(self) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM assets")
            connection.execute("DELETE FROM sync")

    def _apply(self, event: MetadataEvent, fresh: dict[str, dict[str, Any]]) -> None:
        did = "did:op:" + event.datatoken.removeprefix("0x")
        try:
            ddo = _read_ddo(event)
            if ddo["id"] != did:
                message = f"the document calls itself {ddo['id']}"
                raise ValueError(message)
            metadata = _metadata_of(ddo)
        except (KeyError, TypeError, ValueError, StopIteration, lzma.LZMAError) as error:
            _log.warning("the metadata event for %s is not used: %s", did, error)
            return
        old = fresh.get(did) or self._kept(did)
        if event.created == bool(old):
            _log.warning("the metadata event for %s is out of order", did)
            return
        moment = published = _iso(block_time(self._chain, event.block))
        ddo["created"] = moment
        if old:
            ddo["created"] = old["created"]
            published = _metadata_of(old)["main"]["datePublished"]
        self._decorate(ddo, metadata, event, moment, published)
        fresh[did] = ddo

    def _kept(self, did: str) -> dict[str, Any] | None:
        rows = self._database.rows("SELECT ddo FROM assets WHERE did = ?", (did,))
        return _document(rows[0]["ddo"]) if rows else None

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


def _metadata_of(ddo: dict[str, Any]) -> dict[str, Any]:
    service = next(item for item in ddo["service"] if item["type"] == "metadata")
    attributes: dict[str, Any] = service["attributes"]
    if not isinstance(attributes["main"]["name"], str):
        message = "its name is not a text"
        raise TypeError(message)
    return attributes


def _document(text: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _sort_key(ddo: dict[str, Any], field: str) -> tuple[int, float, str]:
    value = next(values_at(ddo, field.removesuffix(".keyword")), None)
    if isinstance(value, (int, float)):
        return (0, value, "")  # never made a float: a whole number may be too large for one
    return (2, 0, "") if value is None else (1, 0, str(value))
