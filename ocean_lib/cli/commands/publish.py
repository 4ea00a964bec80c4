"""`publish` and `mint`: for who offers data and algorithms."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocean_lib.cli import embedded
from ocean_lib.cli.description import read_description
from ocean_lib.cli.options import ADDRESS, DID, TOKENS, client_options
from ocean_lib.cli.session import Session, pass_session
from ocean_lib.cli.typed_job import data_token_of

if TYPE_CHECKING:
    from ocean_lib.assets.asset import Asset
    from ocean_lib.cli.description import Description
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet

_SENT = "Interrupted. A transaction may have been sent: check the chain before trying again."


@click.command(short_help="Publish a data set or an algorithm from a small file.")
@click.argument("kind", type=click.Choice(["dataset", "algorithm"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
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
    docs/cli.md lists every field.
    """  # noqa: D301  (click's mark for text as it stands)
    description = read_description(kind, file)
    wallet = session.wallet  # before anything is copied or sent
    urls = [
        entry.url if entry.path is None else embedded.publish_local_file(session.config, entry.path)
        for entry in description.files
    ]
    with session.interruptible(_SENT):
        asset = publish_described(session.ocean, description, urls, wallet)
    offered = [service for service in asset.services if service.type in ("access", "compute")]
    session.out.fields(
        {
            "did": asset.did,
            "type": kind,
            "name": description.main["name"],
            "data_token": asset.data_token_address,
            "publisher": wallet.address,
        },
        also={
            "services": [
                {"index": service.index, "type": service.type, "price": str(description.price)}
                for service in offered
            ]
        },
    )


@click.command(short_help="Give somebody data tokens of an asset that is yours.")
@click.argument("did", type=DID)
@click.option(
    "--to", "receiver", metavar="ADDRESS", type=ADDRESS, required=True, help="Who gets them."
)
@click.option(
    "--amount", metavar="TOKENS", type=TOKENS, default="1", show_default=True, help="How many."
)
@client_options
@pass_session
def mint(session: Session, did: str, receiver: str, amount: str) -> None:
    """Make data tokens of an asset and give them to somebody, who can then order it.

    The wallet must be the publisher's, or whoever else may mint the asset's data token.
    """
    from ocean_lib.ocean.util import from_base_18

    token = session.ocean.get_data_token(data_token_of(did))
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


def publish_described(
    ocean: Ocean, description: Description, urls: list[str], wallet: Wallet
) -> Asset:
    """Publish an asset.

    Args:
        ocean: the client.
        description: of the asset.
        urls: of its files.
        wallet: the publisher's.
    """
    created = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    token = description.token
    return ocean.assets.create(
        description.metadata(urls, created),
        wallet,
        description.services(ocean, wallet.address, created),
        data_token_address=token.address or None,
        dt_name=token.name or None,
        dt_symbol=token.symbol or None,
        dt_cap=token.cap or None,
    )
