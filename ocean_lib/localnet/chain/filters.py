"""Log queries from JSON, and the filters that clients poll for what is new."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

from ocean_lib.localnet.chain.engine import ChainEngine
from ocean_lib.localnet.chain.errors import invalid_params, server_error
from ocean_lib.localnet.chain.shapes import log_json
from ocean_lib.localnet.chain.store import LogQuery, StoredLog
from ocean_lib.localnet.chain.values import (
    BlockRef,
    data,
    quantity,
    read_address,
    read_block,
    read_hash,
)

_MAX_CHOICES = 1_000  # addresses, or topics at one place, as geth
_MAX_FILTERS = 10_000
_IDLE_S = 300.0  # a filter nobody polls is forgotten, as geth


@dataclass(frozen=True)
class LogCriteria:
    """Which logs a client wants; block references are resolved when the chain is asked."""

    from_block: BlockRef = "latest"
    to_block: BlockRef = "latest"
    block_hash: bytes | None = None
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


def read_criteria(value: Any) -> LogCriteria:
    """Read the filter object of ``eth_getLogs`` and ``eth_newFilter``.

    Raises:
        RpcError: (invalid params) it is malformed, or names blocks in two ways.
    """
    if not isinstance(value, dict):
        raise invalid_params(f"filter must be an object, got {type(value).__name__}")
    block_hash = value.get("blockHash")
    borders = [value.get(key) for key in ("fromBlock", "toBlock")]
    if block_hash is not None and borders != [None, None]:
        raise invalid_params(
            "cannot specify both blockHash and fromBlock/toBlock, choose one or the other"
        )
    return LogCriteria(
        from_block=read_block(borders[0], "fromBlock"),
        to_block=read_block(borders[1], "toBlock"),
        block_hash=None if block_hash is None else read_hash(block_hash, "blockHash"),
        addresses=_read_addresses(value.get("address")),
        topics=_read_topics(value.get("topics")),
    )


def find_logs(engine: ChainEngine, criteria: LogCriteria) -> list[StoredLog]:
    """Find the logs on the chain that match.

    Raises:
        RpcError: The block named by hash does not exist, or the range runs backwards.
    """
    if criteria.block_hash is not None:
        header = engine.find_header(criteria.block_hash)
        if header is None:
            raise server_error(f"unknown block: no block has hash {data(criteria.block_hash)}")
        first = last = int(header.block_number)
    else:
        first = _number(engine, criteria.from_block)
        last = _number(engine, criteria.to_block)
        if first > last and isinstance(criteria.to_block, int):
            raise invalid_params(f"invalid block range: fromBlock {first} is after toBlock {last}")
    return engine.find_logs(LogQuery(first, last, criteria.addresses, criteria.topics))


class Filters:
    """The filters clients have made, each with how far its client has read."""

    def __init__(self, engine: ChainEngine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._filters: dict[str, _Filter] = {}

    def add(self, kind: str, criteria: LogCriteria | None = None) -> str:
        """Make a filter of a kind (logs, blocks, transactions), and return its id."""
        now = time.monotonic()
        with self._lock:
            idle = [key for key, made in self._filters.items() if now - made.polled_at > _IDLE_S]
            for key in idle:
                del self._filters[key]
            if len(self._filters) >= _MAX_FILTERS:
                raise server_error(f"too many filters: {_MAX_FILTERS}; uninstall those not in use")
            filter_id = quantity(secrets.randbits(127) + 1)
            seen = self._engine.head.block_number
            self._filters[filter_id] = _Filter(kind, criteria or LogCriteria(), seen, now)
        return filter_id

    def remove(self, filter_id: Any) -> bool:
        """Forget a filter; say whether it was there."""
        with self._lock:
            return self._filters.pop(_key(filter_id), None) is not None

    def changes(self, filter_id: Any) -> list[Any]:
        """Return what is new since the last call.

        Raises:
            RpcError: There is no such filter (any more).
        """
        with self._lock:
            found = self._find(filter_id)
            first, last = found.seen + 1, self._engine.head.block_number
            found.seen, found.polled_at = last, time.monotonic()
        if found.kind == "logs":
            return self._new_logs(found.criteria, first, last)
        headers = (self._engine.find_header(number) for number in range(first, last + 1))
        present = [header for header in headers if header is not None]
        if found.kind == "blocks":
            return [data(header.hash) for header in present]
        return [
            data(made.hash) for header in present for made in self._engine.transactions_of(header)
        ]

    def logs(self, filter_id: Any) -> list[Any]:
        """Return every log that a filter's criteria match, seen or not.

        Raises:
            RpcError: There is no such filter, or it is not for logs.
        """
        with self._lock:
            found = self._find(filter_id)
            found.polled_at = time.monotonic()
        if found.kind != "logs":
            raise server_error(f"filter {filter_id} is for {found.kind}, not for logs")
        return [log_json(log) for log in find_logs(self._engine, found.criteria)]

    def _find(self, filter_id: Any) -> _Filter:
        found = self._filters.get(_key(filter_id))
        if found is None:
            raise server_error(f"filter not found: {_key(filter_id)}")
        return found

    def _new_logs(self, criteria: LogCriteria, first: int, last: int) -> list[Any]:
        if isinstance(criteria.from_block, int):
            first = max(first, criteria.from_block)
        if isinstance(criteria.to_block, int):
            last = min(last, criteria.to_block)
        query = LogQuery(first, last, criteria.addresses, criteria.topics)
        return [log_json(log) for log in self._engine.find_logs(query)]


@dataclass
class _Filter:
    kind: str
    criteria: LogCriteria
    seen: int
    polled_at: float


def _key(filter_id: Any) -> str:
    if not isinstance(filter_id, str):
        raise invalid_params(f"filter id must be a hex string, got {type(filter_id).__name__}")
    return filter_id.lower()


def _number(engine: ChainEngine, block: BlockRef) -> int:
    """Resolve a reference; a number beyond the newest block stays what it is."""
    if isinstance(block, int):
        return block
    header = engine.find_header(block)
    if header is None:
        raise server_error("unknown block")
    return header.block_number


def _read_addresses(value: Any) -> tuple[bytes, ...]:
    if value is None:
        return ()
    values = _limited(value if isinstance(value, list) else [value], "address")
    return tuple(read_address(address, "address") for address in values)


def _read_topics(value: Any) -> tuple[tuple[bytes, ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > 4:
        raise invalid_params("topics must be a list of up to 4 places")
    return tuple(_read_topic_choices(place) for place in value)


def _read_topic_choices(value: Any) -> tuple[bytes, ...]:
    choices = value if isinstance(value, list) else [value]
    if any(choice is None for choice in choices):  # null stands for any topic
        return ()
    return tuple(read_hash(choice, "topic") for choice in _limited(choices, "topics"))


def _limited(values: list[Any], name: str) -> list[Any]:
    if len(values) > _MAX_CHOICES:
        raise invalid_params(f"{name} has {len(values)} choices, the limit is {_MAX_CHOICES}")
    return values
