"""How findings of a check are shown, and what exit status they give."""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING

import click

from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._output import coloured, one_line
from ocean_lib.cli._wording import in_commands

if TYPE_CHECKING:
    from ocean_lib.cli._session import Session
    from ocean_lib.preflight.findings import Finding, Findings

_COMMANDS = {"not-ordered": "Order it: ocean-compute order {subject}"}
"""What to type, where the finding's own words are for a program."""

_COLOURS = {"refused": "red", "unknown": "yellow", "warning": "yellow"}


def show_findings(session: Session, findings: Findings) -> ExitCode:
    """Show findings; the status is that of the worst.

    Returns:
        REFUSED, or UNREACHABLE if something could not be looked at, or DONE.
    """
    code = ExitCode.DONE
    if findings.errors:
        code = ExitCode.REFUSED
    elif findings.unknowns:
        code = ExitCode.UNREACHABLE
    if session.out.as_json:
        listed = [told_in_commands(finding).as_dict() for finding in findings]
        verdict = {"ok": findings.ok, "can_order": findings.can_order}
        session.out.document({**verdict, "findings": listed})
        return code
    if not findings:
        click.echo("Nothing stands in the way.")
    for finding in (*findings.errors, *findings.unknowns, *findings.warnings):
        told = told_in_commands(finding)
        severity = coloured(told.severity, sys.stdout, fg=_COLOURS[told.severity])
        click.echo(f"{severity}: {told.what} [{told.code}]")
        click.echo(f"    {told.how_to_mend}")
    return code


def told_in_commands(finding: Finding) -> Finding:
    """Return a finding as somebody at a command line can use it, each text on one line."""
    command = _COMMANDS.get(finding.code, "") if finding.subject else ""
    return dataclasses.replace(
        finding,
        what=in_commands(one_line(finding.what)),
        how_to_mend=command.format(subject=finding.subject)
        or in_commands(one_line(finding.how_to_mend)),
    )
