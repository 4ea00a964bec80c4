"""One program, one algorithm file, every generation of Ocean: publish, trust, pay, run, download.

    python examples/any_generation.py v3      a V3 Provider
    python examples/any_generation.py node    an Ocean Node, in an environment that costs money

Each starts the embedded network of that generation. To run on your own, give `run` an
`Ocean(Config(...))` whose provider.url is that of a V3 Provider or of an Ocean Node.
"""

from __future__ import annotations

import sys
from pathlib import Path

from quickstart import ALGORITHM, DATA, give_token

from ocean_lib import Ocean
from ocean_lib.localnet import LocalNetwork
from ocean_lib.web3_internal.wallet import Wallet

RESULTS = Path("any-generation-results")
CONTAINER = {
    "image": "python",
    "tag": "3.11-slim",
    "checksum": "sha256:2e82d7a906e7f312bab81fbb91cdac8d6140dd98f81f93e506141f9e0f4eacd6",
    "entrypoint": "python3 $ALGO",
}


def main() -> None:
    generation = sys.argv[1] if len(sys.argv) == 2 else ""
    if generation not in ("v3", "node"):
        sys.exit("Say which generation: v3 or node.")
    with LocalNetwork(generation=generation) as network:
        ocean = Ocean(network.config)
        run(ocean, network.wallet(0), network.wallet(1), RESULTS / generation)


def run(ocean: Ocean, publisher: Wallet, consumer: Wallet, folder: Path) -> None:
    """Offer data and an algorithm, then pay for a job on them, whichever generation it is."""
    about = {"author": "ocean-compute examples", "license": "CC-BY-4.0"}
    algorithm = ocean.assets.publish(
        {**about, "name": "Naive Bayes", "files": [ALGORITHM], "container": CONTAINER}, publisher
    )
    data = ocean.assets.publish({**about, "name": "Tumours", "files": [DATA]}, publisher)
    ocean.assets.trust(data.did, algorithm.did, publisher)
    for asset in (algorithm, data):
        give_token(ocean, asset, publisher, consumer)

    # A V3 Provider has one environment, without a name.
    environment = next(one.id for one in ocean.compute.environments() if not one.is_free) or None
    quote = ocean.compute.quote(
        [data.did], consumer, algorithm_did=algorithm.did, environment=environment
    )
    print(quote)
    orders = quote.pay(consumer, max_cost=quote.cost)

    job = ocean.compute.submit(orders.inputs, consumer, **orders.algorithm, environment=environment)
    status = job.wait(on_update=lambda seen: print(seen.code, seen.text), progress=False)
    if status.succeeded is False:
        sys.exit(f"The job ended: {status.state.value}. Its log:\n{job.logs()}")
    report = job.result_json()
    files = job.download(folder, progress=False)

    print(f"{report['rows']} rows, accuracy {report['accuracy']:.1%}")
    print(*files, sep="\n")


if __name__ == "__main__":
    main()
