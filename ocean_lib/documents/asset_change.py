"""What a change of a published asset does, or did."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.http.redaction import one_line


@dataclass(frozen=True)
class Difference:
    """One value of an asset's description that changes.

    Attributes:
        path: of the value, such as `compute.max_run_time`.
        before: as it is published.
        after: as it will be.
    """

    path: str
    before: Any
    after: Any

    def __str__(self) -> str:
        """Return both values on one line."""
        return f"{self.path}: {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True)
class AssetChange:
    """What a change of an asset does, or did.

    Attributes:
        did: the asset.
        differences: what changes; nothing, and then nothing is sent.
        notes: what else it means, in words.
        refreshed: DIDs of this publisher's data sets that trust the algorithm and get its new
            checksums, in a transaction each.
        broken: DIDs of other publishers' data sets that no longer trust it, until they do the
            same.
        fee: what all its transactions cost in ether at the gas price of the moment; about, where
            new files are not encrypted yet.
        tx_hashes: the transactions; () for a dry run, and where nothing changes.
    """

    did: str
    differences: tuple[Difference, ...]
    notes: tuple[str, ...] = ()
    refreshed: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    fee: Decimal = Decimal(0)
    tx_hashes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything was sent."""
        return bool(self.tx_hashes)

    def as_dict(self) -> dict[str, Any]:
        """Return the change as a dict that JSON can hold, with `changed`."""
        return {**dataclasses.asdict(self), "fee": f"{self.fee:f}", "changed": self.changed}

    def __str__(self) -> str:
        """Return the change in words."""
        return "\n".join(f"{name}: {text}".removeprefix(": ") for name, text in self._rows())

    def _repr_html_(self) -> str:
        return html_table(self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        if not self.differences:
            yield "", f"Nothing changes in {self.did}. No transaction is needed."
            return
        yield "asset", self.did
        for difference in self.differences:
            name, _, values = str(difference).partition(": ")
            yield name, values
        yield from (("note", note) for note in self.notes)
        yield from (("refreshes the trust of", did) for did in self.refreshed)
        yield from (("breaks the trust of", did) for did in self.broken)
        if not self.tx_hashes:
            yield "costs about", f"{self.fee:f} ether in {1 + len(self.refreshed)} transaction(s)"
        yield from (("transaction", tx_hash) for tx_hash in self.tx_hashes)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return one_line(", ".join(map(str, value)) or "none", 300)
    return one_line(str(value).lower() if isinstance(value, bool) else str(value or "none"), 300)
