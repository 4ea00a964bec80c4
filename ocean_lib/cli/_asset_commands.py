"""`publish`, `mint` and `order`."""

from __future__ import annotations

from pathlib import Path

import click

from ocean_lib.cli import _embedded
from ocean_lib.cli._assets import buy, data_token_of, index_of, publish_described
from ocean_lib.cli._description import read_description
from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._findings import show_findings
from ocean_lib.cli._options import client_options
from ocean_lib.cli._session import Session, pass_session
from ocean_lib.cli._values import ADDRESS, DID, TOKENS

_SENT = "Interrupted. A transaction may have been sent: look at the chain before trying again."


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
        entry.url
        if entry.path is None
        else _embedded.publish_local_file(session.config, entry.path)
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
    with session.interruptible(_SENT):
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


@click.command(short_help="Pay for a data set or an algorithm.")
@click.argument("did", type=DID)
@click.option("--service", "index", type=click.IntRange(0), help="Which service, by its index.")
@click.option(
    "--type",
    "service_type",
    type=click.Choice(["compute", "access"]),
    help="Which service, by its type.  [default: compute if there is one]",
)
@click.option("--check", "only_check", is_flag=True, help="Pay nothing; tell what is in the way.")
@client_options
@pass_session
def order(
    session: Session, did: str, index: int | None, service_type: str | None, only_check: bool
) -> ExitCode:
    """Pay for a service of an asset with data tokens that the wallet has.

    The publisher gives tokens away (`ocean-compute mint`) or sells them on a market.
    """
    if index is not None and service_type is not None:
        raise click.UsageError("Give --service or --type, not both.")
    if only_check:
        wanted = index_of(session.ocean.assets.resolve(did), index, service_type)
        address = session.watcher().address
        return show_findings(session, session.ocean.assets.check_order(did, address, wanted))
    with session.interruptible(_SENT):
        paid = buy(session.ocean, did, session.wallet, index=index, service_type=service_type)
    session.out.fields(paid)
    return ExitCode.DONE
