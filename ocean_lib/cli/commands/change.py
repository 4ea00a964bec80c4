"""`update` and `credentials`: change what is published, after saying what that means."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.cli.options import ADDRESS, DID, client_options
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.documents.asset_change import AssetChange

_LISTS = {
    "allow": "Put addresses on the allow list, and take them off the deny list.",
    "deny": "Put addresses on the deny list, and take them off the allow list.",
    "remove": "Take addresses off both lists.",
}

dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only say what would change, what it costs and breaks."
)


@click.command(short_help="Change an asset that is yours.")
@click.argument("did", type=DID)
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--disable", is_flag=True, help="Let nobody order or use it.")
@click.option("--enable", is_flag=True, help="Let it be ordered and used again.")
@click.option("--keep-files", is_flag=True, help="Leave the files, whatever FILE says of them.")
@dry_run_option
@client_options
@pass_session
def update(
    session: Session,
    did: str,
    file: Path | None,
    disable: bool,
    enable: bool,
    keep_files: bool,
    dry_run: bool,
) -> None:
    """Change an asset to what a YAML or JSON file says, in the format of `publish`.

    \b
    Names that FILE leaves out stay as they are. To begin with what is published:
        ocean-compute show did:op:... > data.yaml

    What changes, what it costs, and whose trust it breaks is told before anything is sent.
    """  # noqa: D301  (click's mark for text as it stands)
    if (file is not None) + disable + enable != 1:
        raise click.UsageError("Give FILE, or one of --disable and --enable.")
    changes: Any = {"disabled": disable} if file is None else file
    assets = session.ocean.assets
    _change(
        session,
        dry_run,
        lambda dry: assets.change(did, changes, session.wallet, keep_files=keep_files, dry_run=dry),
    )


@click.group(short_help="Change who may use an asset that is yours.")
@client_options
def credentials() -> None:
    """Change who may use an asset, by address.

    If there is anybody on the allow list, nobody else may use the asset, and the deny list has no
    effect. `ocean-compute show` tells who is on the lists.
    """


def _add_command(name: str, what: str) -> None:
    @click.argument("did", type=DID)
    @click.argument("addresses", metavar="ADDRESS...", type=ADDRESS, nargs=-1, required=True)
    @dry_run_option
    @client_options
    @pass_session
    def command(session: Session, did: str, addresses: tuple[str, ...], dry_run: bool) -> None:
        assets = session.ocean.assets
        allow, deny, remove = (addresses if name == one else () for one in _LISTS)
        _change(
            session,
            dry_run,
            lambda dry: assets.change_credentials(
                did, session.wallet, allow=allow, deny=deny, remove=remove, dry_run=dry
            ),
        )

    credentials.command(name, help=what)(command)


for _name, _what in _LISTS.items():
    _add_command(_name, _what)


def _change(session: Session, dry_run: bool, change: Callable[[bool], AssetChange]) -> None:
    """Tell what will change; change it, unless it is a dry run; tell what was done."""
    outcome = change(True)
    if outcome.differences and not dry_run:
        session.out.say(f"{outcome}\n")
        with session.sending():
            outcome = change(False)
    if session.out.as_json:
        session.out.document(outcome.as_dict())
    elif outcome.changed:
        session.out.fields({"did": outcome.did, "transactions": outcome.tx_hashes})
    else:
        session.out.raw(str(outcome))
