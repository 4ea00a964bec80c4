"""A whole compute-to-data job, from publishing to results, on a network of your own.

A hospital owns data it must not give away. It publishes the data for compute, and trusts one
algorithm. A scientist orders both, sends the algorithm to the data, and gets only the results.

To run it against a real Provider, replace the three marked lines in `main`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from ocean_lib import AlgorithmMetadata, Ocean, OceanCompute
from ocean_lib.assets.asset import Asset
from ocean_lib.exceptions import OceanError
from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.ocean.compute_job import ComputeJob
from ocean_lib.web3_internal.wallet import Wallet

HERE = Path(__file__).parent
DATA = HERE / "data" / "tumours.csv"
ALGORITHM = HERE / "algorithms" / "classify.py"
RESULTS = Path("quickstart-results", time.strftime("%Y-%m-%d_%H-%M-%S"))

NOW = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
CONTAINER = {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}


def main() -> None:
    make_room()
    with step("Starting a network: chain, contracts, metadata cache, Provider"):
        network = LocalNetwork().start()
    try:
        # For a real Provider:
        ocean = Ocean(network.config)  # Ocean(Config("config.ini"))
        hospital, scientist = network.wallet(0), network.wallet(1)  # Wallet(ocean.web3, key), ...
        data_url, code_url = map(network.publish_file, (DATA, ALGORITHM))  # "https://...", ...

        say(f"Provider  {ocean.config.provider_url}", f"chain     {ocean.config.network_url}")
        say(f"hospital  {hospital.address}", f"scientist {scientist.address}")
        run(ocean, hospital, scientist, data_url, code_url)
    finally:
        network.stop()


def run(ocean: Ocean, hospital: Wallet, scientist: Wallet, data_url: str, code_url: str) -> None:
    """Publish, order, compute, download; then compute again with raw code."""
    with step("The scientist publishes an algorithm"):
        algorithm = publish_algorithm(ocean, scientist, code_url)
        say(algorithm.did)

    with step("The hospital publishes its data for compute, and trusts that algorithm"):
        data = publish_data(ocean, hospital, data_url, trusted=algorithm.did)
        say(data.did)

    with step("The scientist orders both, with a datatoken of each"):
        give_token(ocean, data, hospital, scientist)
        give_token(ocean, algorithm, scientist, scientist)
        orders = ocean.assets.buy([data.did, algorithm.did], scientist)
        say(*(f"transaction {order.order_tx}" for order in orders))

    with step("The algorithm goes to the data and runs there"):
        job = ocean.compute.submit(orders.inputs, scientist, **orders.algorithm)
        follow(job)

    with step("Only the results come home"):
        files = job.download(RESULTS / "by-did", progress=False)
        say(*map(str, files))

    with step("Once more, with the code sent along instead of published"):
        raw = AlgorithmMetadata(
            {
                "rawcode": ALGORITHM.read_text(),
                "language": "python",
                "format": "docker-image",
                "version": "1",
                "container": CONTAINER,
            }
        )
        raw_job = ocean.compute.submit(orders.inputs, scientist, algorithm_meta=raw)
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


def make_room() -> None:
    """Create a folder for the results of this run; earlier ones stay."""
    try:
        RESULTS.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        sys.exit(
            f"The results cannot be written to {RESULTS.absolute()}: {error.strerror}. Run this "
            "in a folder of yours, or move away what is there."
        )


def publish_algorithm(ocean: Ocean, owner: Wallet, url: str) -> Asset:
    metadata = describe("algorithm", "Naive Bayes", url, "text/x-python")
    metadata["main"]["algorithm"] = {
        "language": "python",
        "format": "docker-image",
        "version": "1",
        "container": CONTAINER,
    }
    return ocean.assets.create(metadata, owner)


def publish_data(ocean: Ocean, owner: Wallet, url: str, *, trusted: str = "") -> Asset:
    compute = OceanCompute
    attributes = compute.create_compute_service_attributes(
        timeout=3600,
        creator=owner.address,
        date_published=NOW,
        provider_attributes=compute.build_service_provider_attributes(
            provider_type="Hospital",
            description="One machine in the basement",
            cluster=compute.build_cluster_attributes("Local", "http://127.0.0.1/"),
            containers=[compute.build_container_attributes(**CONTAINER)],
            servers=[compute.build_server_attributes("1", "small", 2, 0, "4gb", "10gb", 600)],
        ),
        privacy_attributes=compute.build_service_privacy_attributes(
            trusted_algorithms=[trusted] if trusted else [],
            metadata_cache_uri=ocean.config.metadata_cache_uri,
            allow_raw_algorithm=True,
        ),
    )
    descriptor = ocean.compute.create_compute_service_descriptor(attributes)
    return ocean.assets.create(describe("dataset", "Tumours", url, "text/csv"), owner, [descriptor])


def describe(kind: str, name: str, url: str, content_type: str) -> dict:
    return {
        "main": {
            "type": kind,
            "name": name,
            "author": "ocean-compute quickstart",
            "license": "CC BY 4.0" if kind == "dataset" else "Apache-2.0",
            "dateCreated": NOW,
            "files": [{"index": 0, "contentType": content_type, "url": url}],
        }
    }


def give_token(ocean: Ocean, asset: Asset, owner: Wallet, buyer: Wallet) -> None:
    """Make the datatoken that an order costs; on a market the buyer would get it."""
    ocean.get_data_token(asset.data_token_address).mint_tokens(buyer.address, 1, owner)


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
