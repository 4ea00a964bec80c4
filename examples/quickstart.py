"""A whole compute-to-data job, from publishing to results, on a network of your own.

A hospital owns data it must not give away. It publishes the data for compute, and trusts one
algorithm. A scientist orders both, sends the algorithm to the data, and gets only the results.

To run it against a real Provider, replace the three marked lines in `main`.

`quickstart.py node` runs the same algorithm on an Ocean Node, in a free environment: the data is a
file at a URL, and nothing is published or ordered.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocean_lib import AlgorithmMetadata, ComputeInput, DataToken, FileInput, Ocean
from ocean_lib.assets.asset import Asset
from ocean_lib.common.agreements.service_types import ServiceTypes
from ocean_lib.exceptions import OceanError
from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.ocean.util import to_base_18
from ocean_lib.web3_internal.constants import ZERO_ADDRESS
from ocean_lib.web3_internal.wallet import Wallet

HERE = Path(__file__).parent
DATA = HERE / "data" / "tumours.csv"
ALGORITHM = HERE / "algorithms" / "classify.py"
RESULTS = Path("quickstart-results", time.strftime("%Y-%m-%d_%H-%M-%S"))

CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}


def main() -> None:
    generation = {(): "v3", ("node",): "node"}.get(tuple(sys.argv[1:]))
    if generation is None:
        sys.exit("Give no argument for Ocean V3, or `node` for an Ocean Node.")
    make_room()
    if generation == "node":
        at_a_node()
        return
    with step("Starting a network: chain, contracts, metadata cache, Provider"):
        network = LocalNetwork().start()
    try:
        # For a real Provider:
        ocean = Ocean(network.config)  # Ocean(Config("config.ini"))
        hospital, scientist = network.wallet(0), network.wallet(1)  # Wallet(ocean.web3, key), ...
        data, code = DATA, ALGORITHM  # "https://...", "https://..."

        say(f"Provider  {ocean.config.provider_url}", f"chain     {ocean.config.network_url}")
        say(f"hospital  {hospital.address}", f"scientist {scientist.address}")
        run(ocean, hospital, scientist, data, code)
    finally:
        network.stop()


def run(
    ocean: Ocean, hospital: Wallet, scientist: Wallet, data_file: Path | str, code_file: Path | str
) -> None:
    """Publish, order, compute, download; then compute again with raw code."""
    with step("The scientist publishes an algorithm"):
        about = {
            "name": "Naive Bayes",
            "author": "ocean-compute quickstart",
            "license": "Apache-2.0",
            "files": [code_file],
            "container": CONTAINER,
        }
        algorithm = ocean.assets.publish(about, scientist)
        say(algorithm.did)

    with step("The hospital publishes its data for compute, and trusts that algorithm"):
        data = publish_data(ocean, hospital, data_file, algorithm.did)
        say(data.did)

    with step("The scientist orders both, with a datatoken of each"):
        data_order = order(ocean, data, ServiceTypes.CLOUD_COMPUTE, hospital, scientist)
        algorithm_order = order(ocean, algorithm, ServiceTypes.ASSET_ACCESS, scientist, scientist)
        say(f"transaction {data_order}", f"transaction {algorithm_order}")

    inputs = [ComputeInput(data.did, data_order, service_index(data, ServiceTypes.CLOUD_COMPUTE))]
    with step("The algorithm goes to the data and runs there"):
        job = ocean.compute.submit(
            inputs,
            scientist,
            algorithm_did=algorithm.did,
            algorithm_tx_id=algorithm_order,
            algorithm_data_token=algorithm.data_token_address,
        )
        follow(job)

    with step("Only the results come home"):
        files = job.download(RESULTS / "by-did", progress=False)
        say(*map(str, files))

    with step("Once more, with the code sent along instead of published"):
        raw_job = ocean.compute.submit(inputs, scientist, algorithm_meta=raw_algorithm())
        follow(raw_job)
        raw_job.download(RESULTS / "raw", progress=False)

    report = job.result_json()
    same = "the same" if raw_job.result_json() == report else "NOT the same"
    show(report)
    print(f"\nThe published and the raw algorithm gave {same} figures.")
    print(
        f"""
The files are in {RESULTS.resolve()}
Next: change a row of {DATA.relative_to(HERE.parent)} and run this again;
      copy examples/quickstart.py and put your own data and algorithm in;
      point its three marked lines at a real Provider (see config.ini.example).""",
        flush=True,
    )


def at_a_node() -> None:
    """Compute on a file in a free environment of a node, and download what came out."""
    with step("Starting a network: an Ocean Node"):
        network = LocalNetwork(generation="node").start()
    try:
        # For a real node: Ocean(Config(...)) with its provider.url, Wallet(None, key), "https://..."
        ocean, scientist = Ocean(network.config), network.wallet(1)
        data = FileInput(url=network.publish_file(DATA))

        say(f"node      {ocean.config.provider_url}", f"scientist {scientist.address}")
        with step("The algorithm goes to the data and runs there, free of charge"):
            job = ocean.compute.submit([data], scientist, algorithm_meta=raw_algorithm())
            follow(job)
        with step("Only the results come home"):
            say(*map(str, job.download(RESULTS / "node", progress=False)))
        show(job.result_json())
    finally:
        network.stop()
    print(f"\nThe files are in {RESULTS.resolve()}", flush=True)


def raw_algorithm() -> AlgorithmMetadata:
    """Describe the algorithm's code, to be sent along."""
    return AlgorithmMetadata(
        {
            "rawcode": ALGORITHM.read_text(),
            "language": "python",
            "format": "docker-image",
            "version": "1",
            "container": CONTAINER,
        }
    )


def make_room() -> None:
    """Create a folder for the results of this run; earlier ones stay."""
    try:
        RESULTS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(
            f"The results cannot be written to {RESULTS.absolute()}: {error.strerror}. Run this "
            "in a folder of yours, or move away what is there."
        )


def publish_data(ocean: Ocean, owner: Wallet, file: Path | str, *trusted: str) -> Asset:
    about = {
        "name": "Tumours",
        "author": "ocean-compute quickstart",
        "license": "CC BY 4.0",
        "files": [file],
        "compute": {
            "trusted_algorithms": trusted,
            "allow_raw_algorithm": True,
            "max_run_time": 600,
            "cpu": 2,
            "memory": "4gb",
        },
    }
    return ocean.assets.publish(about, owner)


def service_index(asset: Asset, service_type: str) -> int:
    return asset.get_service(service_type).index


def order(ocean: Ocean, asset: Asset, service_type: str, owner: Wallet, buyer: Wallet) -> str:
    """Give the buyer one datatoken, and pay it for the service."""
    DataToken(asset.data_token_address).mint(buyer.address, to_base_18(1), owner)
    needed = ocean.assets.order(asset.did, buyer.address, service_type=service_type)
    return ocean.assets.pay_for_service(
        needed.amount,
        needed.data_token_address,
        asset.did,
        service_index(asset, service_type),
        ZERO_ADDRESS,
        buyer,
    )


def follow(job: ComputeJob) -> None:
    """Wait for the job and print its states as they come."""
    say(f"job {job.job_id}")
    status = job.wait(on_update=lambda seen: say(f"{seen.code:>3} {seen.text}"), progress=False)
    if status.succeeded is False:
        sys.exit(f"The job ended: {status.state.value}. Its log:\n{job.logs()}")


def show(report: dict) -> None:
    print(f"\n  {report['rows']} rows, {report['held_out']} of them held out to test the model")
    print(
        f"  accuracy {report['accuracy']:.1%} (always guessing one class: "
        f"{report['baseline']:.1%})\n"
    )
    print(f"  {'class':<12}{'rows':>6}{'precision':>12}{'recall':>9}")
    for name, figures in report["classes"].items():
        print(
            f"  {name:<12}{figures['rows']:>6}"
            f"{figures['precision']:>12.1%}{figures['recall']:>9.1%}"
        )
    best = ", ".join(feature["feature"] for feature in report["features"][:3])
    print(f"\n  The features that tell the classes apart best: {best}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce a step, and say how long it took."""
    print(f"\n* {title}", flush=True)
    started = time.monotonic()
    yield
    print(f"    done in {time.monotonic() - started:.1f} s", flush=True)


def say(*lines: str) -> None:
    for line in lines:
        print(f"    {line}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("\nStopped; nothing is left running.")
    except (OSError, OceanError, LocalNetworkError) as error:
        # Drop output that cannot be written, to a full disk or a `| head` that has ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141 if isinstance(error, BrokenPipeError) else f"\nStopped: {error}")
