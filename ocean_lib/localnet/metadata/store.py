"""The metadata store: published documents, kept in the database and found by queries.

It asks the chain for new events whenever it is asked itself, so an asset is found as
soon as its publication has a receipt.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from ocean_lib.localnet.chain import ChainClient
from ocean_lib.localnet.metadata.leaves import Leaves, values_at
from ocean_lib.localnet.metadata.query import Matcher, compile_query
from ocean_lib.localnet.state.database import Database

_QUERY_S = 5.0
Document = dict[str, Any]


class PublicationReader(Protocol):
    """Reads what was published on the chain; each dialect has its own contracts and documents."""

    def read(
        self, first: int, last: int, kept: Callable[[str], Document | None]
    ) -> dict[str, Document]:
        """Return the documents of the blocks `first` to `last`, by the names of their assets.

        Args:
            first: The first block.
            last: The last one.
            kept: Returns the document that an asset has so far, or None.
        """


class MetadataStore:
    """Documents by the names of their assets.

    Args:
        database: Where they are kept.
        chain: Where they are published.
        reader: Reads them from there.
        first_block: Nothing was published before this block. If it is not 0, the contract is new,
            and what the database holds is of another chain: it is forgotten.
    """

    def __init__(
        self,
        database: Database,
        chain: ChainClient,
        reader: PublicationReader,
        *,
        first_block: int = 0,
    ) -> None:
        self._database = database
        self._chain = chain
        self._reader = reader
        self._first_block = first_block
        self._lock = threading.Lock()
        if first_block:
            self._forget()

    def document(self, did: str) -> Document | None:
        """Return the document of an asset, or None."""
        self.sync()
        return self._kept(did)

    def find(self, dids: Iterable[str]) -> dict[str, Document | None]:
        """Return the documents of several assets, None for one that is unknown."""
        self.sync()
        return {did: self._kept(did) for did in dids}

    def dids(self) -> list[str]:
        """Return the names of all assets, in order."""
        self.sync()
        return [row["did"] for row in self._database.rows("SELECT did FROM assets ORDER BY did")]

    def documents(self) -> list[Document]:
        """Return all documents, in the order of their assets' names."""
        self.sync()
        rows = self._database.rows("SELECT ddo FROM assets ORDER BY did")
        return [_parsed(row["ddo"]) for row in rows]

    def search(self, query: Any, *, sort: Any = None) -> list[Document]:
        """Find documents.

        Args:
            query: A query document or a query string.
            sort: Fields with 1 or -1, the first field first; None keeps the names' order.

        Raises:
            BadQuery: If the query is not understood, or takes longer than others can wait.
        """
        found = self._found(compile_query(query))
        if isinstance(sort, dict):
            for field, direction in reversed(list(sort.items())):
                found.sort(
                    key=lambda document, field=field: _sort_key(document, field),  # type: ignore[misc]
                    reverse=direction in (-1, "desc", "-1"),
                )
        return found

    def sync(self) -> None:
        """Read what was published since the last time."""
        with self._lock:
            latest = int(self._chain.call("eth_blockNumber"), 16)
            rows = self._database.rows("SELECT block FROM sync WHERE name = 'metadata'")
            first = int(rows[0]["block"]) + 1 if rows else self._first_block
            if first > latest:
                return
            fresh = self._reader.read(first, latest, self._kept)
            with self._database.transaction() as connection:
                for did, document in fresh.items():
                    connection.execute(
                        "INSERT INTO assets (did, ddo) VALUES (?, ?) "
                        "ON CONFLICT (did) DO UPDATE SET ddo = excluded.ddo",
                        (did, json.dumps(document)),
                    )
                connection.execute(
                    "INSERT INTO sync (name, block) VALUES ('metadata', ?) "
                    "ON CONFLICT (name) DO UPDATE SET block = excluded.block",
                    (latest,),
                )

    def _found(self, matches: Matcher) -> list[Document]:
        documents, deadline = self.documents(), time.monotonic() + _QUERY_S
        return [document for document in documents if matches(Leaves(document, deadline))]

    def _forget(self) -> None:
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM assets")
            connection.execute("DELETE FROM sync")

    def _kept(self, did: str) -> Document | None:
        rows = self._database.rows("SELECT ddo FROM assets WHERE did = ?", (did,))
        return _parsed(rows[0]["ddo"]) if rows else None


def _parsed(text: str) -> Document:
    document: Document = json.loads(text)
    return document


def _sort_key(document: Document, field: str) -> tuple[int, float, str]:
    value = next(values_at(document, field.removesuffix(".keyword")), None)
    if isinstance(value, (int, float)):
        return (0, value, "")  # never made a float: a whole number may be too large for one
    return (2, 0, "") if value is None else (1, 0, str(value))
