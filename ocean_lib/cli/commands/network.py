"""`localnet` and `quickstart`: a whole network on this machine, and a first job on it."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

import click

from ocean_lib.cli import embedded
from ocean_lib.cli.commands.order import pay_for
from ocean_lib.cli.options import Folder, output_options
from ocean_lib.cli.session import Session, pass_session, usable_folder

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork
    from ocean_lib.ocean.ocean import Ocean
    from ocean_lib.web3_internal.wallet import Wallet

DATA = b"""patient,age,blood_pressure
1,34,118
2,51,127
3,47,135
4,62,142
5,29,110
6,55,131
"""

CODE = b"""
import csv, json, os, statistics
from pathlib import Path

did = json.loads(os.environ["DIDS"])[0]
table = next((Path(os.environ["INPUTS"]) / did).iterdir())
rows = list(csv.DictReader(table.open()))
ages, pressures = ([float(row[name]) for row in rows] for name in ("age", "blood_pressure"))
found = {
    "patients": len(rows),
    "mean_blood_pressure": round(statistics.mean(pressures), 2),
    "correlation_with_age": round(statistics.correlation(ages, pressures), 3),
}
print("read", len(rows), "rows")
(Path(os.environ["OUTPUTS"]) / "result.json").write_text(json.dumps(found))
"""

_ABOUT = {"author": "ocean-compute", "license": "CC0-1.0"}
_ALGORITHM = {"container": {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}}
_SHOWN = ("provider_url", "rpc_url", "chain_id", "isolation", "state_dir")
_GENERATIONS = ("v3", "node")


@click.command(short_help="Run a network on this machine, until Ctrl-C.")
@click.option(
    "--state",
    metavar="DIR",
    type=Folder(),
    default=Path("ocean-localnet"),
    show_default="ocean-localnet",
    help="Keep everything here, and continue with it.",
)
@click.option(
    "--generation",
    type=click.Choice(_GENERATIONS),
    default="v3",
    show_default="v3",
    help="Ocean V3, or an Ocean Node with free environments.",
)
@click.option("--rate-limit", type=click.IntRange(1), help="Requests a minute a node answers.")
@click.option("--temporary", is_flag=True, help="Keep nothing.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Provider and cache.")
@click.option("--rpc-port", type=click.IntRange(0, 65535), default=0, help="The chain's node.")
@click.option("--jobs", type=click.IntRange(1), help="How many run at once.  [default: cores]")
@click.option("--max-jobs", type=click.IntRange(1), help="How many may wait for their turn.")
@click.option("--isolation", metavar="TIER", help="Of algorithms.  [default: the strongest]")
@click.option("--chain-url", metavar="URL", help="A node to use in place of the embedded chain.")
@click.option("--host", metavar="ADDRESS", help="Listen here.  [default: 127.0.0.1]")
@click.option("--expose", is_flag=True, help="Allow a --host that others can reach.")
@output_options
@pass_session
def localnet(
    session: Session,
    /,
    state: Path,
    temporary: bool,
    jobs: int | None,
    **options: Any,
) -> None:
    """Run a whole Ocean network on this machine, until Ctrl-C.

    A chain with the real contracts, a metadata cache, and a Provider that really runs the
    algorithms; or, with --generation node, an Ocean Node that does. The state folder then holds
    config.ini for the other commands, and the wallets of a publisher and a consumer with play
    money.
    """
    from ocean_lib.localnet.closing import EndSignals

    end = EndSignals()
    limit = options.pop("rate_limit")
    network = embedded.make_network(
        None if temporary else state,
        jobs_at_once=jobs,
        node_rate_limit=limit,
        **{name: value for name, value in options.items() if value is not None},
    )
    embedded.start(network)
    try:
        _show(session, network)
        end.wait()
    finally:
        network.stop()
    session.out.say("The network is stopped.")


def _show(session: Session, network: LocalNetwork) -> None:
    from ocean_lib.localnet.__main__ import describe

    described = describe(network, show_keys=False)
    described["config_file"] = str(embedded.write_config(network, session.out.say))
    wallets = embedded.write_wallets(network)
    if session.out.as_json:
        password = embedded.WALLET_PASSWORD
        session.out.document({**described, "wallets": wallets, "wallet_password": password})
        return
    session.out.fields({name: described[name] for name in _SHOWN if name in described})
    config = shlex.quote(described["config_file"])
    publisher, consumer = (shlex.quote(wallets[role]["keystore"]) for role in embedded.ROLES)
    click.echo(
        "\nIn another terminal:\n\n"
        f"  export CONFIG_FILE={config}\n"
        f"  export OCEAN_WALLET_PASSWORD={embedded.WALLET_PASSWORD}\n"
        f"  export OCEAN_KEYSTORE={publisher}   # or\n"
        f"  export OCEAN_KEYSTORE={consumer}\n"
    )
    session.out.say("Ctrl-C stops the network.")


@click.command(short_help="Publish, order, run and read a first job, on this machine.")
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=Folder(),
    help="Also download the job's files into this folder.",
)
@output_options
@pass_session
def quickstart(session: Session, folder: Path | None) -> None:
    """Run a first compute-to-data job on this machine, on a network that ends with it.

    A publisher offers a small table for computing, and trusts an algorithm. A consumer, who
    never sees the table, orders both, runs the algorithm and reads what it found.
    """
    if folder is not None:
        usable_folder(folder, "--to")
    session.out.say("Starting a network on this machine ...")
    network = embedded.make_network(None)
    embedded.start(network)
    try:
        outcome: dict[str, Any] = _story(network, session.out.say, folder)
    finally:
        network.stop()
    if not session.out.as_json:
        log, found = outcome.pop("log"), outcome.pop("result")
        session.out.say(f"The algorithm's log\n{indent(log, '  ')}")
        outcome |= found
    session.out.fields(outcome)


def _story(
    network: LocalNetwork, say: Callable[[str], None], folder: Path | None
) -> dict[str, Any]:
    """Publish, order, run, read.

    Args:
        network: a running network.
        say: is told each step.
        folder: where to download the files to; None: nowhere.

    Returns:
        What happened, for people and for JSON.
    """
    from ocean_lib.ocean.ocean import Ocean

    began = time.monotonic()
    ocean = Ocean(network.config)
    publisher, consumer = network.wallet(0), network.wallet(1)
    algorithm = _publish(ocean, publisher, CODE, "correlate.py", _ALGORITHM)
    say(f"Published the algorithm   {algorithm}")
    rules = {"compute": {"trusted_algorithms": [algorithm]}}
    dataset = _publish(ocean, publisher, DATA, "patients.csv", rules)
    say(f"Published the data set    {dataset}, which trusts that algorithm")
    orders = {}
    for did in (dataset, algorithm):
        token = ocean.get_data_token(f"0x{did.removeprefix('did:op:')}")
        token.mint_tokens(consumer.address, 1, publisher)
        orders[did] = pay_for(ocean, did, consumer)
    say(f"Ordered both as           {consumer.address}")
    job = _submit(ocean, consumer, orders[dataset], orders[algorithm])
    say(f"Started the job           {job.job_id}")
    status = job.wait()
    result = job.result_json()
    files = [str(path) for path in job.download(folder)] if folder is not None else None
    return {
        "dataset": dataset,
        "algorithm": algorithm,
        "job_id": job.job_id,
        "state": status.state.value,
        "result": result,
        "log": job.logs().strip(),
        "files": files,
        "seconds": round(time.monotonic() - began, 1),
    }


def _publish(ocean: Ocean, wallet: Wallet, content: bytes, name: str, more: dict[str, Any]) -> str:
    files = [{"content": content, "name": name}]
    return str(ocean.assets.publish({**_ABOUT, "name": name, "files": files, **more}, wallet).did)


def _submit(ocean: Ocean, wallet: Wallet, data: dict[str, Any], algorithm: dict[str, Any]) -> Any:
    from ocean_lib.models.compute_input import ComputeInput

    return ocean.compute.submit(
        [ComputeInput(data["did"], data["order_tx"], data["service_index"])],
        wallet,
        algorithm_did=algorithm["did"],
        algorithm_tx_id=algorithm["order_tx"],
        algorithm_data_token=algorithm["data_token"],
    )
