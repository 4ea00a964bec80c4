"""A client made before a fork works in parent and children, each on connections of its own."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator

import pytest

from ocean_lib.base import forks
from ocean_lib.http.deadline import time_limit
from ocean_lib.ocean.util import get_web3
from tests.players import DID, OTHER_ORDER, World, new_wallet, start
from tests.wire import Reply, Request, WireServer, as_json

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork"),
    # Python says from 3.12 on that threads and fork do not go together; these tests are about it.
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
]


def in_child(act: Callable[[], object]) -> str:
    """Run something in a forked child; return '', what it raised there, or that it hung."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            act()
            os.write(write, b"done")
        except BaseException:
            os.write(write, traceback.format_exc()[-4000:].encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        text = said.read().decode()
    os.waitpid(pid, 0)
    return "" if text == "done" else text or "it did not end"


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_a_child_makes_connections_of_its_own(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    before = {request.connection for request in world.provider.server.requests}
    world.forget_requests()

    said = in_child(lambda: compute.status(DID, job_id, wallet))
    in_the_child = {request.connection for request in world.provider.server.requests[-1:]}
    compute.status(DID, job_id, wallet)
    in_the_parent = {request.connection for request in world.provider.server.requests[-1:]}

    assert said == ""
    assert not in_the_child & before
    assert in_the_parent <= before


def test_a_turn_that_a_thread_of_the_parent_had_is_not_waited_for(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    job_id = start(compute, wallet)
    signatures = compute._data_provider.signatures
    backend = compute.client.backends.at(world.provider.url)

    def ask() -> None:
        with time_limit(5):
            compute.result(DID, job_id, wallet)

    with signatures._turn(backend, wallet.address):
        said = in_child(ask)

    assert said == ""


def test_a_child_starts_jobs_of_its_own(world: World) -> None:
    wallet, compute = new_wallet(), world.compute()
    start(compute, wallet)
    read, write = os.pipe()

    said = in_child(lambda: os.write(write, start(compute, wallet, order=OTHER_ORDER).encode()))
    made = os.read(read, 100).decode()
    os.close(read)
    os.close(write)

    assert said == ""
    assert made == world.provider.jobs[-1]["jobId"]
    assert start(compute, wallet) == world.provider.jobs[-1]["jobId"]


def test_a_session_of_the_users_is_kept(world: World) -> None:
    class Session:
        def request(self, *_: object, **__: object) -> None:
            raise AssertionError

    compute = world.compute()
    mine = Session()
    compute._data_provider.set_http_client(mine)

    def check() -> None:
        assert compute._data_provider.get_http_client() is mine

    assert in_child(check) == ""


def test_locks_that_threads_hold_are_new_in_the_child(world: World) -> None:
    compute = world.compute()
    client = compute.client
    held = [compute.http._lock, client._reachable._lock, client._starts.lock]
    for lock in held:
        lock.acquire()

    def use() -> None:
        assert compute.http.client is not None
        assert DID not in client._reachable
        assert not client._starts.is_crowded(OTHER_ORDER)

    said = in_child(use)

    for lock in held:
        lock.release()
    assert said == ""


def test_what_has_gone_is_not_renewed() -> None:
    class Thing:
        pass

    thing = Thing()
    forks.renew_in_children(thing, lambda _: None)
    known = len(forks._renewals)

    del thing

    assert len(forks._renewals) < known


def test_the_chain_is_asked_on_a_connection_of_the_child() -> None:
    def answer(request: Request) -> Reply:
        return as_json({"jsonrpc": "2.0", "id": request.json()["id"], "result": "0x7"})

    with WireServer(answer) as node:
        web3 = get_web3(node.url)

        asked = [web3.eth.chain_id, in_child(lambda: web3.eth.block_number), web3.eth.gas_price]

        parent, child, parent_again = [request.connection for request in node.requests]
    assert asked == [7, "", 7]
    assert parent == parent_again != child
