"""`quote`, `buy`, `order`, `check` and `start`: what a job costs, paying for it, starting it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.checks import is_token_did
from ocean_lib.cli.errors import CommandError, ExitCode, show_findings
from ocean_lib.cli.job_arguments import job_arguments, max_cost_option
from ocean_lib.cli.job_file import (
    WhichJob,
    job_file_option,
    place_words,
    writable_job_file,
)
from ocean_lib.cli.options import DID, WORD, client_options, owner_option
from ocean_lib.cli.session import Session, pass_session
from ocean_lib.cli.typed_job import TypedJob, index_of, service_of
from ocean_lib.models.amounts import in_tokens

if TYPE_CHECKING:
    from ocean_lib.jobs.service_orders import ServiceOrders
    from ocean_lib.ocean.compute_job import ComputeJob
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet


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
        return show_findings(session.out, session.ocean.assets.check_order(did, address, wanted))
    wallet = session.wallet
    with session.sending():
        paid = pay_for(session.ocean, did, wallet, index=index, service_type=service_type)
    session.out.fields(paid)
    return ExitCode.DONE


@click.command(short_help="Order data sets and algorithms, unless the wallet has orders of them.")
@click.argument("dids", metavar="ASSET...", type=DID, nargs=-1, required=True)
@click.option("--again", is_flag=True, help="Pay for new orders whatever the wallet has. V3 only.")
@click.option(
    "--environment",
    metavar="ID",
    type=WORD,
    help="At an Ocean Node: where the job will run.  [default: the first that costs money]",
)
@click.option(
    "--max-duration",
    metavar="SECONDS",
    type=click.IntRange(1),
    help="At an Ocean Node: for how long.  [default: the environment's limit]",
)
@client_options
@pass_session
def buy(
    session: Session,
    dids: tuple[str, ...],
    again: bool,
    environment: str | None,
    max_duration: int | None,
) -> None:
    """Order data sets and algorithms with data tokens that the wallet has.

    An order that the wallet has is used. Otherwise a data set is ordered for compute (or, without
    such a service, for access), and an algorithm for access. Everything is checked before the
    first transaction is sent; after an interruption, the same command goes on.

    At an Ocean Node name the data sets of a job and its algorithm: their orders are for the
    environment that runs it. What the job costs there is put into the escrow, too.
    """
    if all(map(is_token_did, dids)):
        wallet = session.wallet
        with session.sending():
            orders = session.ocean.assets.buy(list(dids), wallet, again=again)
    else:
        orders = _for_a_job(session, dids, environment, max_duration)
    if session.out.as_json:
        session.out.document({"orders": [order.to_dict() for order in orders]})
        return
    _table(session, orders)


def _for_a_job(
    session: Session, dids: tuple[str, ...], environment: str | None, max_duration: int | None
) -> ServiceOrders:
    """Pay for a job at a node on these data sets, with the one algorithm among them."""
    ocean = session.ocean
    algorithms = [did for did in dids if ocean.assets.resolve(did).view.is_algorithm]
    if len(algorithms) != 1:
        raise click.UsageError(
            "At an Ocean Node name the data sets of one job and its algorithm. A job with code of "
            "your own is paid for by `run` and `start`, with --max-cost."
        )
    paid = (one.id for one in ocean.compute.environments() if not one.is_free)
    quote = ocean.compute.quote(
        [did for did in dids if did not in algorithms],
        session.wallet,
        algorithm_did=algorithms[0],
        environment=environment or next(paid, None),
        max_duration=max_duration,
    )
    with session.sending():
        return quote.pay(session.wallet)


@click.command(short_help="Tell what a job costs, before anything is paid.")
@job_arguments
@owner_option
@client_options
@pass_session
def quote(session: Session, typed: TypedJob) -> ExitCode:
    """Tell what a job costs: the orders that it needs, and what the wallet has.

    Takes the arguments of `start`, and signs nothing, so that no password is asked for. Orders
    that the wallet has are found on the chain and cost nothing. The exit status is 5 if the wallet
    cannot pay.
    """
    consumer = session.watcher()
    plan = typed.plan(session, consumer, strict=True, finds_orders=False)
    found = session.ocean.compute.quote_plan(plan, consumer)
    if session.out.as_json:
        session.out.document(found.to_dict())
    else:
        _table(session, found.orders)
        if found.compute is not None:
            click.echo(f"{found.compute.words[:1].upper()}{found.compute.words[1:]}.")
        click.echo(f"In all: {found.total}.")
        for token, lacks in found.missing.items():
            click.echo(f"The wallet lacks {in_tokens(lacks)} of {token}.")
    return ExitCode.REFUSED if found.missing else ExitCode.DONE


def _table(session: Session, orders: ServiceOrders) -> None:
    session.out.table(
        ("asset", "service", "costs", "order"),
        [
            (
                order.did,
                f"{order.service_index} ({order.service_type})",
                in_tokens(order.amount) if order.source is None else order.source.words,
                order.order_tx or "to pay",
            )
            for order in orders
        ],
    )


def pay_for(
    ocean: Ocean,
    did: str,
    wallet: Wallet,
    *,
    index: int | None = None,
    service_type: str | None = None,
) -> dict[str, Any]:
    """Order a service with data tokens that the wallet has.

    Args:
        ocean: the client.
        did: the asset.
        wallet: pays and consumes.
        index: which service; None: compute if there is one, else access.
        service_type: which service, in place of the index.

    Returns:
        The order, as the `order` command shows it.
    """
    asset = ocean.assets.resolve(did)
    service = service_of(asset, index, service_type)
    asked = ocean.assets.order(did, wallet.address, service_index=service.index)
    tx = ocean.assets.pay_for_service(
        asked.amount, asked.data_token_address, did, service.index, None, wallet
    )
    return {
        "did": did,
        "service_index": service.index,
        "service_type": service.type,
        "order_tx": tx,
        "amount": f"{asked.amount.normalize():f}",
        "data_token": asked.data_token_address,
        "consumer": wallet.address,
    }


@click.command(short_help="Tell, before starting, what the Provider would refuse.")
@job_arguments
@owner_option
@client_options
@pass_session
def check(session: Session, typed: TypedJob) -> ExitCode:
    """Tell, without starting anything, what the Provider would refuse, and how to fix it.

    Takes the arguments of `start`, and signs nothing, so that no password is asked for. What is
    not ordered yet is one finding among the others. The exit status is 5 if the job would be
    refused, and 6 if something could not be checked.
    """
    consumer = session.watcher()
    plan = typed.plan(session, consumer, strict=False)
    return show_findings(session.out, session.ocean.compute.check_plan(plan, consumer))


@click.command(short_help="Start a job on data that is ordered.")
@job_arguments
@max_cost_option
@job_file_option
@client_options
@pass_session
def start(
    session: Session, typed: TypedJob, max_cost: dict[str, str] | None, job_file: Path | None
) -> None:
    """Start a job on data that is ordered, or on files at an Ocean Node.

    DATASET is a DID, or the URL of a file for a node; further ones are further inputs. Orders
    that are not given are looked up on the chain: the wallet's newest. `run` also waits, shows
    the log and downloads.
    """
    job = start_typed(session, typed, job_file, max_cost)
    kept = {"job_file": str(job_file)} if job_file is not None else {}
    session.out.fields(
        {"job_id": job.job_id, "did": job.did, "environment": job.environment, **kept},
        also={"owner": job.owner, "order_tx": job.order_tx},
    )
    words = WhichJob(job.job_id, "", job_file).words(session)
    session.out.say(f"Wait for it: ocean-compute wait {words}")


def start_typed(
    session: Session, typed: TypedJob, job_file: Path | None, max_cost: dict[str, str] | None
) -> ComputeJob:
    """Start a job, and remember it in a file if one is named; pay up to `max_cost` for it.

    Raises:
        CommandError: something is not ordered; or the job runs and could not be remembered.
    """
    typed.check_code()
    with nullcontext() if job_file is None else writable_job_file(session, job_file) as write:
        if typed.is_free and max_cost is None:
            session.allow_free_wallet(make=True)
        if typed.dids:
            session.agree_to_provider(typed.dids[0])
        plan = typed.plan(session, session.wallet, strict=True, finds_orders=max_cost is None)
        look = shlex.join(["ocean-compute", "jobs", *place_words(session)])
        maybe = f"Interrupted. The job may have started: `{look}` tells."
        with session.interruptible(maybe):
            job = session.ocean.compute.submit_plan(plan, session.wallet, max_cost=max_cost)
        if write is not None:
            _remember(session, job, write, str(job_file))
    return job


def _remember(
    session: Session, job: ComputeJob, write: Callable[[ComputeJob], None], file: str
) -> None:
    try:
        write(job)
    except OSError as error:
        words = WhichJob(job.job_id, job.did, None).words(session)
        raise CommandError(
            f"Job {job.job_id} was started, but the job file {file} could not be written: "
            f"{error.strerror}. Wait for it: ocean-compute wait {words}",
            ExitCode.ERROR,
            job_id=job.job_id,
            did=job.did,
        ) from None
