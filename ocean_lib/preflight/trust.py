"""Whether a data set trusts an algorithm, and what a change of that did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ocean_lib.base.tables import html_table
from ocean_lib.preflight.findings import Finding


@dataclass(frozen=True)
class Checksum:
    """A checksum of an algorithm, as the data set's publisher recorded it and as it is now.

    Attributes:
        name: `filesChecksum` or `containerSectionChecksum`.
        recorded: in the list of trusted algorithms; None when nothing is recorded, and then the
            Provider does not compare it.
        now: of the algorithm as it is published now; None when that is not known.
    """

    name: str
    recorded: str | None
    now: str | None

    @property
    def fits(self) -> bool:
        """Whether the Provider finds nothing wrong with it."""
        return not self.recorded or self.recorded == self.now


@dataclass(frozen=True)
class TrustReport:
    """Whether a data set's compute service lets an algorithm run, and why.

    Attributes:
        dataset_did: the data set.
        algorithm_did: the algorithm.
        trusted: whether it lets it run.
        why: the reason, in words.
        findings: what is in the way, and how to mend it; empty when it is trusted.
        checksums: recorded and now, side by side.
        trusted_dids: all algorithms on the list, in its order.
        trusted_publishers: whose algorithms alone may run; anybody's if empty.
        allows_all_published: whether every published algorithm may run; the list then does not
            count.
        allows_raw: whether unpublished code may run.
    """

    dataset_did: str
    algorithm_did: str
    trusted: bool
    why: str
    findings: tuple[Finding, ...]
    checksums: tuple[Checksum, ...]
    trusted_dids: tuple[str, ...]
    trusted_publishers: tuple[str, ...]
    allows_all_published: bool
    allows_raw: bool

    def as_dict(self) -> dict[str, Any]:
        """Return the report as a dict that JSON can hold."""
        findings = tuple(finding.as_dict() for finding in self.findings)
        return {**dataclasses.asdict(self), "findings": findings}

    def __str__(self) -> str:
        """Return the report in words."""
        verdict = "trusted" if self.trusted else "not trusted"
        lines = [f"{verdict}: {self.why}"]
        lines += [f"    {finding.how_to_mend}" for finding in self.findings]
        lines += [f"{name}: {value}" for name, value in self._rows()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        mend = " ".join(finding.how_to_mend for finding in self.findings)
        rows = [
            ("data set", self.dataset_did),
            ("algorithm", self.algorithm_did),
            ("trusted", _yes(self.trusted)),
            ("why", self.why),
            *([("how to mend", mend)] if mend else []),
            *self._rows(),
        ]
        return html_table(rows)

    def _rows(self) -> list[tuple[str, str]]:
        rows = []
        for checksum in self.checksums:
            rows.append((f"{checksum.name} recorded", checksum.recorded or "none"))
            rows.append((f"{checksum.name} now", checksum.now or "not known"))
        rows.append(("trusted algorithms", ", ".join(self.trusted_dids) or "none"))
        if self.trusted_publishers:
            rows.append(("trusted publishers", ", ".join(self.trusted_publishers)))
        rows.append(("all published algorithms allowed", _yes(self.allows_all_published)))
        rows.append(("raw code allowed", _yes(self.allows_raw)))
        return rows


@dataclass(frozen=True)
class TrustChange:
    """What a change of a data set's list of trusted algorithms did.

    Attributes:
        dataset_did: the data set.
        what: what was done, or why nothing was, in words.
        algorithm_dids: the algorithms whose entry changed.
        skipped_dids: algorithms whose entry could not be renewed: they are not published any
            more, or are no algorithms.
        tx_hash: the transaction; '' when nothing changed, and then none was sent.
    """

    dataset_did: str
    what: str
    algorithm_dids: tuple[str, ...] = ()
    skipped_dids: tuple[str, ...] = ()
    tx_hash: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return bool(self.tx_hash)

    def as_dict(self) -> dict[str, Any]:
        """Return the change as a dict that JSON can hold, with `changed`."""
        return {**dataclasses.asdict(self), "changed": self.changed}

    def __str__(self) -> str:
        """Return what was done."""
        return f"{self.what} Transaction {self.tx_hash}." if self.tx_hash else self.what


def _yes(value: bool) -> str:
    return "yes" if value else "no"
