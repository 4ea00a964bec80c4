"""One program, one algorithm file, every generation of Ocean: only where the data lies differs.

    python examples/any_generation.py v3      a data set that is published and ordered
    python examples/any_generation.py node    a file's URL, and nothing to order

Each starts the embedded network of that generation. To run on your own, give `run` an
`Ocean(Config(...))` whose provider.url is that of a V3 Provider or of an Ocean Node.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from quickstart import ALGORITHM, CONTAINER, DATA, give_token, publish_data

from ocean_lib import AlgorithmMetadata, ComputeInput, FileInput, Ocean
from ocean_lib.localnet import LocalNetwork
from ocean_lib.web3_internal.wallet import Wallet

RESULTS = Path("any-generation-results")


def main() -> None:
    where = {"v3": ordered, "node": at_a_url}
    generation = sys.argv[1] if len(sys.argv) == 2 else ""
    if generation not in where:
        sys.exit(f"Say which generation: {' or '.join(where)}.")
    with LocalNetwork(generation=generation) as network:
        ocean = Ocean(network.config)
        run(ocean, network.wallet(1), where[generation](ocean, network), RESULTS / generation)


def run(
    ocean: Ocean, wallet: Wallet, inputs: Sequence[ComputeInput | FileInput], folder: Path
) -> None:
    """Run the algorithm on the inputs, whichever generation it is."""
    code = {"rawcode": ALGORITHM.read_text(), "language": "python", "container": CONTAINER}

    job = ocean.compute.submit(inputs, wallet, algorithm_meta=AlgorithmMetadata(code))
    status = job.wait(on_update=lambda seen: print(seen.code, seen.text), progress=False)
    if status.succeeded is False:
        sys.exit(f"The job ended: {status.state.value}. Its log:\n{job.logs()}")
    report = job.result_json()
    files = job.download(folder, progress=False)

    print(f"{report['rows']} rows, accuracy {report['accuracy']:.1%}")
    print(*files, sep="\n")


def ordered(ocean: Ocean, network: LocalNetwork) -> list[ComputeInput]:
    """V3: a publisher offers the data for computing, and a consumer orders it."""
    publisher, consumer = network.wallet(0), network.wallet(1)
    data = publish_data(ocean, publisher, DATA)
    give_token(ocean, data, publisher, consumer)
    return ocean.assets.buy(data.did, consumer).inputs


def at_a_url(ocean: Ocean, network: LocalNetwork) -> list[FileInput]:  # noqa: ARG001
    """A node: the file lies at a URL that the node reaches."""
    return [FileInput(url=network.publish_file(DATA))]


if __name__ == "__main__":
    main()
