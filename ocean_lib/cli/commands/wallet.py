"""`wallet new` and `wallet show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ocean_lib.cli.asking import ask_password
from ocean_lib.cli.embedded import write_private
from ocean_lib.cli.errors import CommandError, ExitCode
from ocean_lib.cli.options import DID, client_options, output_options, password_option
from ocean_lib.cli.session import Session, existing_folder_of, pass_session
from ocean_lib.cli.typed_job import data_token_of


@click.group(short_help="Make a keystore, or show one.")
@client_options
def wallet() -> None:
    """Make a keystore, or show one.

    A key is never an argument, where other programs and the shell's history would see it. It
    comes from

    \b
      --keystore FILE, or the file that OCEAN_KEYSTORE names; its password from
          --password-file, from OCEAN_WALLET_PASSWORD, or typed without being shown
      OCEAN_PRIVATE_KEY, the key itself
      a prompt, where there is a terminal

    For free jobs at an Ocean Node, `run` makes a wallet for whoever names none.
    """  # noqa: D301  (click's mark for text as it stands)


@wallet.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@password_option
@output_options
@pass_session
def new(session: Session, file: Path) -> None:
    """Make a new key, and keep it encrypted in FILE."""
    from ocean_lib.web3_internal.wallet import Wallet

    existing_folder_of(file)
    if file.exists():
        raise CommandError(f"{file} exists and was not touched.", ExitCode.USAGE)
    password = ask_password(session.keys, f"New password of {file}", confirm=True)
    made = Wallet.create()
    write_private(file, json.dumps(made.to_keystore(password)))
    session.out.fields({"address": made.address, "keystore": str(file)})
    session.out.say("Without the password nobody can open it, not even you. Keep a copy of both.")


@wallet.command()
@click.argument("dids", metavar="[DID]...", type=DID, nargs=-1)
@click.option("--balance", is_flag=True, help="Also ask the chain how much ether it has.")
@client_options
@pass_session
def show(session: Session, dids: tuple[str, ...], balance: bool) -> None:
    """Show the wallet's address, and how many data tokens of these assets it has.

    Of a keystore, no password is needed.
    """
    from ocean_lib.ocean.util import from_base_18
    from ocean_lib.web3_internal.utils import get_ether_balance

    session.allow_free_wallet()
    address = session.watcher().address
    shown: dict[str, Any] = {"address": address}
    if balance:
        shown["ether"] = f"{from_base_18(get_ether_balance(address, session.ocean.web3)):f}"
    tokens = {}
    for did in dids:
        token = session.ocean.get_data_token(data_token_of(did))
        tokens[did] = f"{from_base_18(token.balanceOf(address)):f}"
    session.out.fields(
        shown if session.out.as_json else {**shown, **tokens}, also={"tokens": tokens}
    )
