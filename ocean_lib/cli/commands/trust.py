"""`trust`: for publishers, which algorithms may run on a data set, and why not."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from ocean_lib.cli.errors import ExitCode, told_finding
from ocean_lib.cli.options import DID, client_options, network_options, output_options
from ocean_lib.cli.output import one_line
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.preflight.trust import TrustChange, TrustReport

_COMMANDS = {"add-trust": "add", "renew-trust": "refresh"}
"""What a publisher types, by the code of the advice."""


@click.group(short_help="See and change which algorithms a data set trusts.")
@client_options
def trust() -> None:
    """See and change which algorithms may run on a data set.

    A data set trusts an algorithm as it was when it was added: once its files or its container
    change, the Provider refuses it, until the publisher refreshes the entry.
    """


@trust.command()
@click.argument("dataset", type=DID)
@click.argument("algorithm", type=DID)
@network_options
@output_options
@pass_session
def explain(session: Session, dataset: str, algorithm: str) -> ExitCode:
    """Tell why ALGORITHM may run on DATASET, or why not.

    Both are DIDs. The exit status is 5 if it may not.
    """
    report = _in_commands(session.ocean.assets.explain_trust(dataset, algorithm))
    if session.out.as_json:
        session.out.document(report.as_dict())
    else:
        session.out.raw(str(report))
    return ExitCode.DONE if report.trusted else ExitCode.REFUSED


@trust.command()
@click.argument("dataset", type=DID)
@click.argument("algorithm", type=DID)
@client_options
@pass_session
def add(session: Session, dataset: str, algorithm: str) -> None:
    """Let ALGORITHM, as it is now, run on DATASET."""
    wallet = session.wallet
    with session.sending():
        change = session.ocean.assets.trust(dataset, algorithm, wallet)
    _show(session, change)


@trust.command()
@click.argument("dataset", type=DID)
@click.argument("algorithm", type=DID)
@client_options
@pass_session
def remove(session: Session, dataset: str, algorithm: str) -> None:
    """Take ALGORITHM off the list of DATASET."""
    wallet = session.wallet
    with session.sending():
        change = session.ocean.assets.untrust(dataset, algorithm, wallet)
    _show(session, change)


@trust.command()
@click.argument("dataset", type=DID)
@click.argument("algorithm", type=DID, required=False)
@client_options
@pass_session
def refresh(session: Session, dataset: str, algorithm: str | None) -> None:
    """Trust ALGORITHM, or all that DATASET lists, as they are now."""
    wallet = session.wallet
    with session.sending():
        change = session.ocean.assets.refresh_trust(dataset, algorithm, wallet)
    _show(session, change)


def _in_commands(report: TrustReport) -> TrustReport:
    """Return the report with the commands of the data set's publisher as its advice."""
    pair = f"{report.dataset_did} {report.algorithm_did}"
    findings = []
    for finding in report.findings:
        shown = told_finding(finding)
        command = _COMMANDS.get(finding.advice.code) if finding.advice else None
        if command is not None:
            mend = f"The data set's publisher can fix that: ocean-compute trust {command} {pair}"
            shown = dataclasses.replace(shown, how_to_mend=mend)
        findings.append(shown)
    return dataclasses.replace(report, why=one_line(report.why), findings=tuple(findings))


def _show(session: Session, change: TrustChange) -> None:
    if session.out.as_json:
        session.out.document(change.as_dict())
    else:
        session.out.raw(str(change))
