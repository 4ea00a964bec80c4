"""What a check found: one value per thing that stands in the way, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from ocean_lib.base.advice import Advice
from ocean_lib.base.tables import html_table
from ocean_lib.exceptions import WorkflowRefused

Severity = Literal["refused", "warning", "unknown"]
"""refused: it would be refused. warning: it would be taken, but hardly do what is wanted.
unknown: it could not be looked at, so nothing is said about it."""

ORDER_STILL_TO_PLACE = frozenset({"not-ordered", "escrow-too-low", "escrow-not-authorised"})
_PAYING_MENDS = ORDER_STILL_TO_PLACE | {"balance-too-low"}  # of which paying says more


_TEXTS = ("severity", "code", "what", "how_to_mend", "subject")


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        severity: `refused`, `warning` or `unknown`.
        code: names the kind of finding; they are listed in docs/preflight.md.
        what: what was found, in words, with the expected and the actual value.
        how_to_mend: the next step.
        subject: the DID it is about, '' if it is about none.
        advice: the next step as data; None where it is in words only.
    """

    severity: Severity
    code: str
    what: str
    how_to_mend: str
    subject: str = ""
    advice: Advice | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a dict of its texts."""
        return {name: getattr(self, name) for name in _TEXTS}

    def __str__(self) -> str:
        """Return the finding in two lines."""
        return f"{self.severity}: {self.what} [{self.code}]\n    {self.how_to_mend}"


class Findings(list[Finding]):
    """All that a check found; empty when nothing stands in the way."""

    @property
    def ok(self) -> bool:
        """Whether nothing is refused and nothing is unknown; warnings may be there."""
        return all(finding.severity == "warning" for finding in self)

    @property
    def errors(self) -> list[Finding]:
        """What would be refused."""
        return self._of("refused")

    @property
    def unknowns(self) -> list[Finding]:
        """What could not be looked at."""
        return self._of("unknown")

    @property
    def warnings(self) -> list[Finding]:
        """What would be taken, but hardly do what is wanted."""
        return self._of("warning")

    @property
    def can_order(self) -> bool:
        """Whether nothing is in the way but orders that are still to be placed."""
        return all(f.severity == "warning" or f.code in ORDER_STILL_TO_PLACE for f in self)

    def check_worth_paying(self) -> None:
        """Check that a job would start once its orders are paid.

        Raises:
            WorkflowRefused: the Provider would refuse it.
        """
        bad = [f for f in self.errors if f.code not in _PAYING_MENDS]
        if bad:
            said = " ".join(f"{finding.what} {finding.how_to_mend}" for finding in bad)
            raise WorkflowRefused(
                f"Nothing was paid: the job would be refused. {said}", operation="start the job"
            )

    @property
    def codes(self) -> list[str]:
        """The codes of the findings, in their order."""
        return [finding.code for finding in self]

    def as_dicts(self) -> list[dict[str, str]]:
        """Return the findings as dicts, for JSON."""
        return [finding.as_dict() for finding in self]

    def __str__(self) -> str:
        """Return the findings in words, the worst first."""
        if not self:
            return "Nothing found that stands in the way."
        counts = [
            f"{len(found)} {name}"
            for name, found in (
                ("refused", self.errors),
                ("unknown", self.unknowns),
                ("warning", self.warnings),
            )
            if found
        ]
        return "\n".join([f"Findings: {', '.join(counts)}.", *map(str, self._worst_first())])

    def _repr_html_(self) -> str:
        if not self:
            return f"<p>{self}</p>"
        return html_table(
            ((f.severity, f.code, f.subject, f.what, f.how_to_mend) for f in self._worst_first()),
            ("severity", "code", "subject", "what", "how to mend"),
        )

    def _of(self, severity: Severity) -> list[Finding]:
        return [finding for finding in self if finding.severity == severity]

    def _worst_first(self) -> list[Finding]:
        return [*self.errors, *self.unknowns, *self.warnings]


def collected(findings: Iterable[Finding]) -> Findings:
    """Return findings as a list in which none stands twice.

    Args:
        findings: in the order in which they were found.
    """
    return Findings(dict.fromkeys(findings))


def refused(code: str, what: str, mend: str | Advice, subject: object = "") -> Finding:
    """Make a finding of what would be refused; see `Finding`."""
    return _made("refused", code, what, mend, subject)


def warning(code: str, what: str, mend: str | Advice, subject: object = "") -> Finding:
    """Make a finding of what would be taken all the same; see `Finding`."""
    return _made("warning", code, what, mend, subject)


def warned(finding: Finding, name: str) -> Finding:
    """Return a refusal as a warning: the back end of this name starts the job, others refuse it."""
    what = f"{finding.what} {name} starts the job all the same; other Providers refuse it."
    return replace(finding, severity="warning", what=what)


def unknown(code: str, what: str, mend: str | Advice, subject: object = "") -> Finding:
    """Make a finding of what could not be looked at; see `Finding`."""
    return _made("unknown", code, what, mend, subject)


def _made(severity: Severity, code: str, what: str, mend: str | Advice, subject: object) -> Finding:
    advice = mend if isinstance(mend, Advice) else None
    return Finding(severity, code, what, str(mend), str(subject or ""), advice)
