"""`publish` and `mint`: for who offers data and algorithms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ocean_lib.cli.options import ADDRESS, DID, TOKENS, client_options
from ocean_lib.cli.session import Session, pass_session
from ocean_lib.cli.typed_job import data_token_of


def _print_schema(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from ocean_lib.documents.schema import json_schema

        ctx.ensure_object(Session).out.document(json_schema())
        ctx.exit()


@click.command(short_help="Publish a data set or an algorithm from a small file.")
@click.argument("kind", type=click.Choice(["dataset", "algorithm"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the format's JSON Schema, for an editor.",
)
@client_options
@pass_session
def publish(session: Session, kind: str, file: Path) -> None:
    """Publish a data set or an algorithm that a YAML or JSON file describes.

    \b
        name: Breast tumours
        author: UCI
        license: CC-BY-4.0
        files: [tumours.csv]      # or URLs
        compute:
          trusted_algorithms: ["did:op:..."]

    An algorithm has `container:` with image, tag and entrypoint in place of `compute:`.
    --schema prints every field.
    """  # noqa: D301  (click's mark for text as it stands)
    wallet = session.wallet  # before anything is copied or sent
    with session.sending():
        asset = session.ocean.assets.publish(file, wallet, type=kind)
    offered: list[dict[str, Any]] = [
        {"index": service.index, "type": service.type, "price": str(service.main["cost"])}
        for service in asset.services
        if service.type in ("access", "compute")
    ]
    main = (asset.metadata or {})["main"]
    session.out.fields(
        {
            "did": asset.did,
            "type": kind,
            "name": main["name"],
            "data_token": asset.data_token_address,
            "publisher": wallet.address,
        },
        also={"services": offered, "transactions": asset.transactions},
    )


@click.command(short_help="Give somebody data tokens of an asset that is yours.")
@click.argument("did", type=DID)
@click.option(
    "--to",
    "receiver",
    metavar="ADDRESS",
    type=ADDRESS,
    help="Who gets them.  [default: the wallet itself]",
)
@click.option(
    "--amount", metavar="TOKENS", type=TOKENS, default="1", show_default=True, help="How many."
)
@client_options
@pass_session
def mint(session: Session, did: str, receiver: str | None, amount: str) -> None:
    """Make data tokens of an asset and give them to somebody, who can then order it.

    The wallet must be the publisher's, or whoever else may mint the asset's data token.
    """
    from ocean_lib.checks import is_token_did
    from ocean_lib.ocean.util import from_base_18

    ocean = session.ocean
    in_did = is_token_did(did)
    address = data_token_of(did) if in_did else ocean.assets.resolve(did).data_token_address
    token = ocean.get_data_token(address)
    receiver = receiver or session.wallet.address
    with session.sending():
        tx = token.mint_tokens(receiver, amount, session.wallet)
    balance = from_base_18(token.balanceOf(receiver))
    session.out.fields(
        {
            "did": did,
            "data_token": token.address,
            "to": receiver,
            "amount": amount,
            "balance": f"{balance:f}",
            "tx": tx,
        }
    )
