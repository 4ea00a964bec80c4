"""The indexer: published documents, decrypted, checked and completed as a node does."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import ChainClient, RpcError
from ocean_lib.localnet.dialects.node.contract_calls import (
    ZERO,
    Event,
    block_time,
    events,
    events_in,
    read,
    receipt_of,
    topic,
)
from ocean_lib.localnet.dialects.node.contracts import NodeContracts
from ocean_lib.localnet.dialects.node.node_key import ForeignText, NodeKey, document_hash
from ocean_lib.localnet.dialects.node.orders import ORDER_REUSED, ORDER_STARTED
from ocean_lib.localnet.dialects.node.prices import PRICE_CHANGED, datatoken_of, prices_of, stats_of
from ocean_lib.localnet.dialects.node.validation import why_invalid

_METADATA = "(address,uint8,string,bytes,bytes,bytes32,uint256,uint256)"
_CREATED, _UPDATED = topic(f"MetadataCreated{_METADATA}"), topic(f"MetadataUpdated{_METADATA}")
_PUBLISHED = "uint8,string,bytes,bytes,bytes32,uint256,uint256"
_STATE = topic("MetadataState(address,uint8,uint256,uint256)")
_ENCRYPTED, _COMPRESSED = 2, 1
_ACTIVE = 0
_HIDDEN = (2, 3)
Document = dict[str, Any]
Find = Callable[[str], Document | None]
_log = logging.getLogger(__name__)


class Unusable(Exception):
    """A published document that is not indexed; the text says why."""


def did_of(nft: str, chain_id: int) -> str:
    """Return the DID of what is published with an NFT, whose address is checksummed."""
    return "did:op:" + hashlib.sha256(f"{nft}{chain_id}".encode()).hexdigest()


class Indexer:
    """Reads what was published, changed and ordered on one chain.

    Args:
        chain: Where.
        contracts: Only NFTs of this factory count.
        key: Opens the documents.
    """

    def __init__(self, chain: ChainClient, contracts: NodeContracts, key: NodeKey) -> None:
        self._chain = chain
        self._contracts = contracts
        self._key = key

    def read(self, first: int, last: int, kept: Find) -> dict[str, Document]:
        """Return the documents that the blocks `first` to `last` changed, by their DIDs.

        Args:
            first: The first block.
            last: The last one.
            kept: Returns the document that an asset has so far, or None.
        """
        fresh: dict[str, Document] = {}

        def find(did: str) -> Document | None:
            return fresh.get(did) or kept(did)

        kinds = (_CREATED, _UPDATED, _STATE, ORDER_STARTED, ORDER_REUSED, *PRICE_CHANGED)
        for event in events(self._chain, kinds, first, last):
            try:
                document = self._changed(event, find)
            except (Unusable, ForeignText, RpcError, DecodingError) as error:
                _log.warning("an event of %s is not used: %s", event.contract, error)
                continue
            if document is not None:
                fresh[document["id"]] = document
        return fresh

    def _changed(self, event: Event, find: Find) -> Document | None:
        """Return the document that an event makes of an asset's; None if it changes none."""
        kind = event.topics[0]
        if kind in (_CREATED, _UPDATED):
            return self._published(event, find)
        if kind == _STATE:
            return self._with_state(event, find)
        return self._with_stats(event, find)

    def _published(self, event: Event, find: Find) -> Document:
        nft = event.contract
        moment = event.values(_PUBLISHED)[5]
        self.check_nft(nft)
        did, state = did_of(nft, self._contracts.chain_id), self._state_of(nft)
        previous = find(did)
        if state in _HIDDEN:
            if previous is None:
                raise Unusable("it is hidden, and was never seen")
            return self._hidden(previous, state)
        document: Document = safe_json.loads(self.text_of(event))
        document.pop("indexedMetadata", None)
        _check_turn(event, previous)
        reason = why_invalid(document)
        if reason:
            raise Unusable(f"it is not valid: {reason}")
        return self._completed(document, event, state, moment)

    def check_nft(self, nft: str) -> None:
        """Refuse an NFT that is not of this network's factory.

        Raises:
            Unusable: If it is not.
        """
        factory, listed = self._contracts.erc721_factory, "erc721List(address)"
        (known,) = read(self._chain, factory, listed, "address", nft)
        if known.lower() != nft.lower():
            raise Unusable("the NFT is not of this network's factory")

    def is_hidden(self, nft: str) -> bool:
        """Tell whether an asset was deprecated or revoked."""
        return self._state_of(nft) in _HIDDEN

    def publication(self, nft: str, transaction: object) -> Event | None:
        """Return the event of an NFT's publication in a transaction; None if there is none."""
        receipt = receipt_of(self._chain, transaction)
        found = [
            event
            for kind in (_CREATED, _UPDATED)
            for event in (events_in(receipt, kind) if receipt else ())
            if event.contract == nft
        ]
        return found[0] if found else None

    def text_of(self, event: Event) -> str:
        """Open a published document.

        Raises:
            ForeignText: If another node encrypted it.
            Unusable: If it is of another asset, or not what the event says.
        """
        _, _, flags, data, digest, _, _ = event.values(_PUBLISHED)
        flag = flags[0] if flags else 0
        if flag & _ENCRYPTED:
            data = self._key.decrypt(data)
        elif flag & _COMPRESSED:
            raise Unusable("Failed to lzma decompress")
        try:
            text = str(data, "utf-8")
            document = safe_json.loads(text)
        except ValueError as error:
            raise Unusable("it is not JSON") from error
        did = did_of(event.contract, self._contracts.chain_id)
        if not isinstance(document, dict) or document.get("id") != did:
            raise Unusable("did does not match")
        if document_hash(text) != "0x" + digest.hex():
            raise Unusable("checksum does not match")
        return text

    def _completed(self, document: Document, event: Event, state: int, moment: int) -> Document:
        nft, owner = event.contract, event.address(1)
        tokens = [self._token_of(service) for service in document["services"]]
        stats = [
            one
            for service, token in zip(document["services"], tokens, strict=True)
            for one in stats_of(token, prices_of(self._chain, service["datatokenAddress"]))
        ]
        chain_id = self._contracts.chain_id
        document.update(chainId=chain_id, nftAddress=nft, datatokens=tokens)
        (number,) = read(self._chain, nft, "getId()", "uint8")
        (uri,) = read(self._chain, nft, "tokenURI(uint256)", "string", number)
        document["indexedMetadata"] = {
            "stats": stats,
            "nft": {
                "state": state,
                "address": nft,
                **self._names(nft),
                "owner": owner,
                "created": _iso(moment) + "Z",
                "tokenURI": uri,
            },
            "event": {
                "txid": event.transaction,
                "from": owner,
                "contract": nft,
                "block": event.block,
                "datetime": _iso(block_time(self._chain, event.block)) + ".000Z",
            },
            "purgatory": {"state": False},
        }
        return document

    def _token_of(self, service: Document) -> Document:
        address = service["datatokenAddress"]
        if address == ZERO:
            raise Unusable(f"service {service['id']} has no datatoken")
        return {"address": address, **self._names(address), "serviceId": service["id"]}

    def _names(self, contract: str) -> dict[str, str]:
        (name,) = read(self._chain, contract, "name()", "string")
        (symbol,) = read(self._chain, contract, "symbol()", "string")
        return {"name": name, "symbol": symbol}

    def _state_of(self, nft: str) -> int:
        state: int = read(self._chain, nft, "getMetaData()", "string,string,uint8,bool")[2]
        return state

    def _with_state(self, event: Event, find: Find) -> Document | None:
        document = find(did_of(event.contract, self._contracts.chain_id))
        if document is None:
            return None
        state, _, _ = event.values("uint8,uint256,uint256")
        was = document["indexedMetadata"].get("nft", {}).get("state")
        if was == _ACTIVE and state in _HIDDEN:
            return self._hidden(document, state)
        if was == state:  # the event of a publication that came with it
            return None
        document["indexedMetadata"]["nft"] = {"state": state}
        return document

    def _hidden(self, document: Document, state: int) -> Document:
        return {
            "id": document["id"],
            "version": "deprecated",
            "chainId": self._contracts.chain_id,
            "nftAddress": document["nftAddress"],
            "indexedMetadata": {"nft": {"state": state}},
        }

    def _with_stats(self, event: Event, find: Find) -> Document | None:
        """Count an order, or read prices anew."""
        is_order = event.topics[0] in (ORDER_STARTED, ORDER_REUSED)
        token = event.contract if is_order else datatoken_of(self._chain, event)
        (nft,) = read(self._chain, token, "getERC721Address()", "address")
        document = find(did_of(to_checksum_address(nft), self._contracts.chain_id))
        if document is None or "services" not in document:
            return None
        if is_order:
            for one in document["indexedMetadata"]["stats"]:
                if one["datatokenAddress"].lower() == token.lower():
                    one["orders"] += 1
                    break
            return document
        return self._with_prices(document, token)

    def _with_prices(self, document: Document, token: str) -> Document:
        stats = document["indexedMetadata"]["stats"]
        mine = [one for one in stats if one["datatokenAddress"].lower() == token.lower()]
        orders = mine[0]["orders"] if mine else 0
        names = [one for one in document["datatokens"] if one["address"].lower() == token.lower()]
        others = [one for one in stats if one not in mine]
        fresh = [one for name in names for one in stats_of(name, prices_of(self._chain, token))]
        for one in fresh[:1]:
            one["orders"] = orders
        document["indexedMetadata"]["stats"] = [*others, *fresh]
        return document


def _check_turn(event: Event, previous: Document | None) -> None:
    """Refuse a creation of what is there, and a change of what is not."""
    if event.topics[0] == _UPDATED:
        if previous is None:
            raise Unusable("it is a change of what was never published")
        return
    nft = (previous or {}).get("indexedMetadata", {}).get("nft", {})
    if previous is not None and nft.get("state") == _ACTIVE:
        raise Unusable(f"{previous['id']} is already registered as active")


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
