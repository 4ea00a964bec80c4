"""Count a client's requests at a server that passes them on to a real network."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ocean_lib.config import Config
from ocean_lib.ocean.ocean import Ocean
from tests import flows, vectors
from tests.wire import Reply, Request, WireServer, answer, html

if TYPE_CHECKING:
    from ocean_lib.localnet import LocalNetwork

BUDGET = {"start": (5, 1), "status": (3, 1), "result": (4, 1), "stop": (4, 1)}
"""The most requests of a call: cold, and warm."""

RECORDED = {
    "start": "10-compute-start-algorithm-did",
    "status": "11-compute-status-00",
    "result": "13-compute-result-finished",
    "stop": "22-compute-stop",
}
"""The same calls of ocean-lib 0.5.25; what it sent does not differ from call to call."""

PASSED_ON = ("content-type", "accept", "user-agent")


class Forwarder(WireServer):
    """Passes requests on to another server, and keeps them.

    Args:
        target_url: of the other server; may be changed at any time.
    """

    def __init__(self, target_url: str) -> None:
        super().__init__(self._pass_on)
        self.target_url = target_url

    def _pass_on(self, request: Request) -> Reply:
        to = urlsplit(self.target_url)
        connection = http.client.HTTPConnection(str(to.hostname), to.port, timeout=30)
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        try:
            connection.request(request.method, request.target, request.body or None, headers)
            response = connection.getresponse()
            body = response.read()
        except OSError:
            return html(502)
        finally:
            connection.close()
        content_type = response.headers.get("content-type", "")
        date = response.headers.get("date", "")
        return answer(response.status, body, content_type, Date=date)


def old_count(call: str) -> int:
    """Return how many requests ocean-lib 0.5.25 sent for a call."""
    return len(vectors.load(RECORDED[call])["exchanges"])


@dataclass
class Counted:
    """How many requests a call needed.

    Attributes:
        call: which.
        cold: what a new client sent, as "METHOD path".
        warm: what the same client sent the next time.
    """

    call: str
    cold: list[str]
    warm: list[str]


class CountedNetwork:
    """A local network behind a forwarder, with an ordered data set and algorithm."""

    def __init__(self, network: LocalNetwork, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self._options = {
            **network.options,
            "resources": {
                **network.options["resources"],
                "metadata_cache_uri": forwarder.url,
                "provider.url": forwarder.url,
            },
        }
        ocean = self.client()
        publisher, self.wallet = network.wallet(0), network.wallet(1)
        code = "import time\ntime.sleep(60)\n"
        self.algorithm = flows.publish_algorithm(ocean, network, publisher, code)
        dataset = flows.publish_dataset(
            ocean, network, publisher, "1\n", trusted=[str(self.algorithm.did)]
        )
        self.input = flows.order(ocean, dataset, "compute", publisher, self.wallet)
        self.algorithm_order = flows.order(ocean, self.algorithm, "access", publisher, self.wallet)

    def client(self) -> Ocean:
        """Return a client that knows nothing yet."""
        return Ocean(Config(options_dict=json.loads(json.dumps(self._options))))

    def start(self, ocean: Ocean) -> str:
        """Start the algorithm on the data set."""
        return ocean.compute.start(
            [self.input],
            self.wallet,
            algorithm_did=self.algorithm.did,
            algorithm_tx_id=self.algorithm_order.transfer_tx_id,
            algorithm_data_token=self.algorithm.data_token_address,
        )

    def sent(self, act: Callable[[], Any]) -> list[str]:
        """Return the requests that a call sends."""
        before = len(self.forwarder.requests)
        act()
        return self.forwarder.paths()[before:]

    def count(self, call: str) -> Counted:
        """Count a call, cold and then warm."""
        job_id = self.start(self.client())
        ocean = self.client()
        compute, did, wallet = ocean.compute, self.input.did, self.wallet
        acts: dict[str, Callable[[], Any]] = {
            "start": lambda: self.start(ocean),
            "status": lambda: compute.status(did, job_id, wallet),
            "result": lambda: compute.result(did, job_id, wallet),
            "stop": lambda: compute.stop(did, job_id, wallet),
        }
        counted = Counted(call, self.sent(acts[call]), self.sent(acts[call]))
        compute.stop_all(did, wallet, confirm=True)
        return counted


@contextmanager
def counted_network(network: LocalNetwork | None = None) -> Iterator[CountedNetwork]:
    """Give a local network whose requests are counted; one of its own if none is given."""
    if network is None:
        from ocean_lib.localnet import LocalNetwork

        with LocalNetwork() as own, counted_network(own) as counted:
            yield counted
        return
    with Forwarder(network.provider_url) as forwarder:
        yield CountedNetwork(network, forwarder)
