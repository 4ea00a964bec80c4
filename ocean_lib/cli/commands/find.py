"""`search` and `show`: what is published, for whoever looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ocean_lib.cli.options import ADDRESS, DID, network_options, output_options
from ocean_lib.cli.session import Session, pass_session

if TYPE_CHECKING:
    from ocean_lib.assets.asset import Asset

_COLUMNS = ("did", "type", "name", "publisher")


@click.command(short_help="Find data sets and algorithms by words.")
@click.argument("words", nargs=-1)
@click.option("--type", "kind", type=click.Choice(["dataset", "algorithm"]), help="Only these.")
@click.option("--owner", metavar="ADDRESS", type=ADDRESS, help="Only of this publisher.")
@click.option(
    "--limit",
    metavar="NUMBER",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="At most so many.",
)
@network_options
@output_options
@pass_session
def search(
    session: Session, words: tuple[str, ...], kind: str | None, owner: str | None, limit: int
) -> None:
    """Find assets that have all these WORDS in their documents; without any, all assets."""
    found = session.ocean.assets.find(" ".join(words), type=kind, owner=owner, limit=limit)
    rows = [_row(asset) for asset in found]
    if session.out.as_json:
        session.out.document({"assets": rows})
    elif rows:
        session.out.table(_COLUMNS, [[row[name] for name in _COLUMNS] for row in rows])
    else:
        session.out.say("Nothing was found.")


@click.command(short_help="Show an asset as it is published, in the format of `publish`.")
@click.argument("did", type=DID)
@network_options
@output_options
@pass_session
def show(session: Session, did: str) -> None:
    """Show an asset as it is published, in the format of `publish` and `update`.

    Where its files lie is encrypted; everything that is not there is as it is by default.
    """
    shown = session.ocean.assets.show(did)
    if session.out.as_json:
        session.out.document(shown.as_dict())
    else:
        session.out.raw(str(shown))


def _row(asset: Asset) -> dict[str, Any]:
    main = (asset.metadata or {}).get("main")
    about = main if isinstance(main, dict) else {}
    return {
        "did": asset.did,
        "type": about.get("type"),
        "name": about.get("name"),
        "publisher": asset.publisher,
    }
