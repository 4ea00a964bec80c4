"""`escrow`: what paid jobs at Ocean Nodes are paid from."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.cli.options import ADDRESS, TEXT, client_options, owner_option
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.jobs.prices import EscrowLock

_TOKEN_HELP = "Only of this token: its address."  # noqa: S105 - a text
token_option = click.option("--token", metavar="TOKEN", type=ADDRESS, help=_TOKEN_HELP)


@click.group(short_help="See, fill and empty what paid jobs at a node are paid from.")
@client_options
def escrow() -> None:
    """See, fill and empty the escrow that paid jobs at Ocean Nodes are paid from.

    A node locks a job's price there when the job starts, and takes what was used when it has ended.
    It can lock no more than was deposited and than it was authorised to. Amounts are in whole
    tokens; TOKEN is the address of a token's contract.
    """


@escrow.command()
@token_option
@owner_option
@client_options
@pass_session
def show(session: Session, token: str | None) -> None:
    """Show balances, what nodes may lock, and what they have locked now."""
    account, side = session.watcher().address, session.ocean.escrow
    found: dict[str, list[Any]] = {
        "balances": [side.balance(token, account)] if token else side.balances(account),
        "authorizations": side.authorizations(account, token or ""),
        "locks": side.locks(account, token or ""),
    }
    if session.out.as_json:
        listed = {name: [_document(one) for one in each] for name, each in found.items()}
        session.out.document({"account": account, "escrow": side.address, **listed})
        return
    session.out.fields({"account": account, "escrow": side.address})
    for name, each in found.items():
        if each:
            rows = [_row(one) for one in each]
            click.echo()
            click.echo(f"{name}:")
            session.out.table([*rows[0]], [[*row.values()] for row in rows])


@escrow.command()
@click.argument("amount", type=TEXT)
@click.argument("token", type=ADDRESS)
@click.option("--up-to", is_flag=True, help="Only what is missing until AMOUNT is available.")
@client_options
@pass_session
def deposit(session: Session, amount: str, token: str, up_to: bool) -> None:
    """Put AMOUNT of TOKEN into the escrow.

    With --up-to it is safe to repeat, whatever an interrupted command has sent.
    """
    wallet = session.wallet
    with session.sending():
        tx = session.ocean.escrow.deposit(token, amount, wallet, up_to=up_to)
    _show_balance(session, token, tx)


@escrow.command()
@click.argument("amount", type=TEXT)
@click.argument("token", type=ADDRESS)
@client_options
@pass_session
def withdraw(session: Session, amount: str, token: str) -> None:
    """Take AMOUNT of TOKEN back that is not locked; `all` for all of it."""
    wallet = session.wallet
    with session.sending():
        tx = session.ocean.escrow.withdraw(token, wallet, None if amount == "all" else amount)
    _show_balance(session, token, tx)


@escrow.command()
@click.argument("payee", type=ADDRESS)
@click.argument("amount", type=TEXT)
@click.argument("token", type=ADDRESS)
@click.option(
    "--seconds",
    type=click.IntRange(0),
    required=True,
    help="For how long it may lock: a job's duration and queue, and the time to settle it.",
)
@click.option(
    "--locks",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="How many locks it may have at the same time: one for each job.",
)
@client_options
@pass_session
def authorize(
    session: Session, payee: str, amount: str, token: str, seconds: int, locks: int
) -> None:
    """Let PAYEE lock up to AMOUNT of TOKEN; takes the place of what it was allowed before.

    PAYEE is the consumer address of a node's environment. AMOUNT 0 ends the authorisation.
    """
    wallet, side = session.wallet, session.ocean.escrow
    with session.sending():
        tx = side.authorize(
            token, payee, wallet, max_amount=amount, max_lock_s=seconds, max_locks=locks
        )
    for one in side.authorizations(wallet, token):
        if one.payee == payee:
            session.out.fields({**_document(one), "tx": tx})
    _say_if_nothing(session, tx)


@escrow.command("cancel-expired")
@token_option
@client_options
@pass_session
def cancel_expired(session: Session, token: str | None) -> None:
    """Get back what nodes locked for jobs and did not settle before the locks expired."""
    wallet = session.wallet
    with session.sending():
        locks = session.ocean.escrow.cancel_expired(wallet, token or "")
    if session.out.as_json:
        session.out.document({"cancelled": [_document(one) for one in locks]})
    elif locks:
        rows = [_row(one) for one in locks]
        session.out.table([*rows[0]], [[*row.values()] for row in rows])
    if not locks:
        session.out.say("No lock has expired. Nothing was sent.")


def _show_balance(session: Session, token: str, tx: str) -> None:
    balance = session.ocean.escrow.balance(token, session.wallet)
    session.out.fields({**_document(balance), "tx": tx})
    _say_if_nothing(session, tx)


def _say_if_nothing(session: Session, tx: str) -> None:
    if not tx:
        session.out.say("Nothing was sent: it is so already.")


def _document(one: Any) -> dict[str, Any]:
    """Return what is to be shown with amounts as texts, for JSON."""
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in dataclasses.asdict(one).items()
    }


def _row(one: Any) -> dict[str, Any]:
    """Return what is to be shown for people: columns by their headers."""
    row = {name.replace("_", " "): value for name, value in _document(one).items()}
    if "expires s" in row:
        row["until"] = _time(one)
        del row["expires s"], row["is expired"]
    return row


def _time(lock: EscrowLock) -> str:
    when = datetime.fromtimestamp(lock.expires_s, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{when} (expired)" if lock.is_expired else when
