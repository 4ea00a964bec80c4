"""A node that asks for user and password gets them, and nobody else does."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from collections.abc import Iterator

import pytest

from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import ChainError, ConfigError, OceanError
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.ocean.util import get_web3
from ocean_lib.web3_internal.node_calls import chain_errors
from ocean_lib.web3_internal.utils import get_network_id
from tests.players import World, new_wallet, start
from tests.wire import Reply, Request, WireServer, answer, as_json, html, reset

USER, PASSWORD = "me@home", "p:ä/ss 4711"
LOGIN = "me%40home:p%3A%C3%A4%2Fss%204711"
SHOWN = ("4711", "me%40home", "me@home", base64.b64encode(PASSWORD.encode()).decode()[4:12])


class Node:
    """A node with a login, whose id is 8996."""

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.server = WireServer(self._answer)

    def _answer(self, request: Request) -> Reply:
        if self.reply is not None:
            return self.reply
        scheme, _, login = request.headers.get("authorization", "").partition(" ")
        if (scheme, base64.b64decode(login).decode()) != ("Basic", f"{USER}:{PASSWORD}"):
            return html(401)
        return as_json({"jsonrpc": "2.0", "id": request.json()["id"], "result": hex(8996)})

    @property
    def url(self) -> str:
        return f"http://{LOGIN}@127.0.0.1:{self.server.port}/v3"


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    with node.server:
        yield node


def test_the_node_gets_them_at_each_call(node: Node) -> None:
    ocean = Ocean({"network": node.url.replace("%", "%%")})

    assert ocean.web3.eth.chain_id == 8996
    assert ocean.web3.eth.chain_id == 8996
    assert {request.target for request in node.server.requests} == {"/v3"}


def test_a_node_url_without_them_is_asked_without(node: Node) -> None:
    with pytest.raises(OceanError, match="401"):
        get_network_id(get_web3(f"http://127.0.0.1:{node.server.port}"))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("call", ["eth_chainId", "eth_blockNumber", "batch"])
def test_a_redirect_is_not_followed(node: Node, status: int, call: str) -> None:
    with WireServer(lambda request: as_json({"jsonrpc": "2.0", "id": 1, "result": "0x1"})) as other:
        place = f"http://localhost:{other.port}/v3/KEY"
        node.reply = answer(status, "", Location=place)
        web3 = get_web3(node.url)

        elsewhere = f"elsewhere, to http://localhost:{other.port},"
        with pytest.raises(ChainError, match=elsewhere), chain_errors("ask the node"):
            if call == "batch":
                with web3.batch_requests() as batch:
                    batch.add(web3.eth.get_block(1))
                    batch.execute()
            else:
                web3.manager.request_blocking(call, [])

        assert other.requests == []


def test_no_log_no_repr_and_no_error_shows_them(
    node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ocean = Ocean({"network": node.url.replace("%", "%%")})
    seen = [
        repr(ocean),
        repr(ocean.config),
        repr(vars(ocean.web3.provider)),
        str(ocean.web3.provider),
    ]

    for reply in (None, html(401), html(500), reset, as_json([])):
        node.reply = reply
        try:
            get_network_id(ocean.web3)
        except OceanError as error:
            seen += ["".join(traceback.format_exception(error)), repr(error)]

    assert "web3." in caplog.text  # what it logs where differs by version
    for secret in SHOWN:
        assert secret not in "\n".join([caplog.text, *seen])


@pytest.mark.parametrize("option", ["provider.url", "metadata_cache_uri"])
def test_urls_that_are_published_may_not_have_them(option: str) -> None:
    with World() as world, pytest.raises(ConfigError) as caught:
        world.config(**{option: f"http://{LOGIN}@127.0.0.1"})

    for secret in SHOWN:
        assert secret not in str(caught.value)


def test_the_provider_hears_of_the_nodes_origin_only() -> None:
    with World() as world:
        config = world.config(**{"provider.url": f"{world.provider.url}/?key=4711"})
        config.set(
            "eth-network", "network", f"https://{LOGIN}@node.example/v3/4711".replace("%", "%%")
        )
        start(Ocean(config).compute, new_wallet())
        (sent,) = [r.json() for r in world.provider.server.requests if b"output" in r.body]

    assert sent["output"]["nodeUri"] == "https://node.example"
    assert sent["output"]["brizoUri"] == world.provider.url
    assert "4711" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("network", "cache", "told"),
    [
        ("polygon", "http://cache", ("polygon", "http://cache")),
        ("http://node:8545", "http://cache/at?key=4711", ("http://node:8545", "http://cache/at")),
    ],
)
def test_an_output_names_network_and_cache(network: str, cache: str, told: tuple[str, str]) -> None:
    options = {"eth-network": {"network": network}, "resources": {"metadata_cache_uri": cache}}
    config = Config(options_dict=options)

    output = OceanCompute.check_output_dict(None, "0x" + "11" * 20, DataServiceProvider, config)

    assert (output["nodeUri"], output["metadataUri"]) == told
    assert output["brizoUri"] == ""
