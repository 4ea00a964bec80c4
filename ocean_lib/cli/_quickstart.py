"""The story behind `ocean-compute quickstart`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocean_lib.cli._assets import buy, publish_described
from ocean_lib.cli._description import describe

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


def run_story(
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
    algorithm = _publish(ocean, network, publisher, "algorithm", CODE, "correlate.py", _ALGORITHM)
    say(f"Published the algorithm   {algorithm}")
    rules = {"compute": {"trusted_algorithms": [algorithm]}}
    dataset = _publish(ocean, network, publisher, "dataset", DATA, "patients.csv", rules)
    say(f"Published the data set    {dataset}, which trusts that algorithm")
    orders = {}
    for did in (dataset, algorithm):
        token = ocean.get_data_token(f"0x{did.removeprefix('did:op:')}")
        token.mint_tokens(consumer.address, 1, publisher)
        orders[did] = buy(ocean, did, consumer)
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


_ALGORITHM = {"container": {"image": "python", "tag": "3.11", "entrypoint": "python3 $ALGO"}}


def _publish(
    ocean: Ocean,
    network: LocalNetwork,
    wallet: Wallet,
    kind: str,
    content: bytes,
    name: str,
    more: dict[str, Any],
) -> str:
    url = network.publish_file(content, name)
    about = {**_ABOUT, "name": name, "files": [url], **more}
    description = describe(kind, about, Path())
    return str(publish_described(ocean, description, [url], wallet).did)


def _submit(ocean: Ocean, wallet: Wallet, data: dict[str, Any], algorithm: dict[str, Any]) -> Any:
    from ocean_lib.models.compute_input import ComputeInput

    return ocean.compute.submit(
        [ComputeInput(data["did"], data["order_tx"], data["service_index"])],
        wallet,
        algorithm_did=algorithm["did"],
        algorithm_tx_id=algorithm["order_tx"],
        algorithm_data_token=algorithm["data_token"],
    )
