"""Starting, stopping, continuing: the network as a whole."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.localnet import LocalNetwork, LocalNetworkError
from ocean_lib.localnet.chain import RemoteChain
from ocean_lib.localnet.chain.transactions import send_transaction
from ocean_lib.localnet.errors import BadOption
from ocean_lib.localnet.runners import isolation
from ocean_lib.localnet.runners.filters import Landlock
from tests.integration.localnet.conftest import World, make_world
from tests.integration.localnet.handmade import ASSETS, ETHER, detaching, raw, running, until
from tests.integration.localnet.process import attached, command, described
from tests.integration.localnet.test_flow import SLEEPER


def _free(url: str) -> bool:
    port = int(url.rsplit(":", 1)[1])
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _run_raw(world: World, code: str) -> str:
    body = {"algorithmMeta": raw(code)}
    answer = world.consumer.start(world.dataset, world.dataset_order, **body)
    return str(answer.json()[0]["jobId"])


def test_stop_leaves_no_port_thread_process_or_folder() -> None:
    before = set(threading.enumerate())
    network = LocalNetwork()
    network.start()
    world = make_world(network)
    token = secrets.token_hex(8)
    _run_raw(world, detaching(token))
    until(lambda: running(token))
    urls, folder = (network.provider_url, network.rpc_url), network.state_dir
    world.close()
    network.stop()
    network.stop()

    assert not running(token)
    assert not folder.exists()
    assert all(_free(url) for url in urls)
    assert set(threading.enumerate()) <= before
    with pytest.raises(LocalNetworkError, match="not running"):
        _ = network.provider_url


def test_two_networks_side_by_side_know_nothing_of_each_other(world: World) -> None:
    with LocalNetwork() as other:
        answer = requests.get(f"{other.provider_url}/api/v1/aquarius/assets", timeout=10)
        here = {account.address for account in world.network.accounts}
        there = {account.address for account in other.accounts}

        assert world.dataset in world.consumer.get("/api/v1/aquarius/assets").json()
        assert answer.json() == []
        assert not here & there


def test_a_state_folder_continues_with_everything(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path / "state", seed="continue") as network:
        world = make_world(network)
        ended = world.consumer.ended(_run_raw(world, "print('first life')"))
        interrupted = _run_raw(world, SLEEPER)
        until(lambda: world.consumer.status(interrupted)["status"] == 40)
        assets = (world.dataset, world.dataset_order)
        nonce, url = world.consumer.nonce(), network.provider_url
        world.close()
    with LocalNetwork(tmp_path / "state") as network:
        world = make_world(network)
        world.__dict__.update(dataset=assets[0], dataset_order=assets[1])
        old = world.consumer.status(interrupted)
        kept_nonce = world.consumer.nonce()
        log = world.consumer.read(world.consumer.result(interrupted)["algorithmLogUrl"])
        first_log = world.consumer.read(world.consumer.result(ended["jobId"])["algorithmLogUrl"])
        again = world.consumer.ended(_run_raw(world, "print('second life')"))
        world.close()

        assert network.provider_url == url
        assert kept_nonce == nonce
        assert old["status"] == 70
        assert old["dateFinished"] is not None
        assert "the network stopped while this job was running" in log
        assert "first life" in first_log
        assert again["status"] == 70


def test_queued_jobs_run_after_a_restart(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path, jobs_at_once=1) as network:
        world = make_world(network)
        blocking = _run_raw(world, SLEEPER)
        until(lambda: world.consumer.status(blocking)["status"] == 40)
        queued = _run_raw(world, "print('at last')")
        waiting = world.consumer.status(queued)["status"]
        world.close()
    with LocalNetwork(tmp_path) as network:
        world = make_world(network)
        ended = world.consumer.ended(queued)
        log = world.consumer.read(ended["algorithmLogUrl"])
        world.close()

    assert waiting == 1
    assert ended["status"] == 70
    assert "at last" in log


def test_a_queued_job_can_be_stopped(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path, jobs_at_once=1) as network:
        world = make_world(network)
        blocking = _run_raw(world, SLEEPER)
        queued = _run_raw(world, "print('never')")
        [stopped] = world.consumer.stop(queued).json()
        ended = world.consumer.ended(queued)
        log = world.consumer.read(ended["algorithmLogUrl"])
        still = world.consumer.status(blocking)["status"]
        world.close()

    assert (stopped["status"], stopped["stopreq"]) == (1, 1)
    assert (ended["status"], ended["stopreq"]) == (70, 1)
    assert "stopped before its algorithm ran" in log
    assert still != 70


def test_owners_take_turns(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path, jobs_at_once=1) as network:
        world = make_world(network)
        other = type(world.consumer)(network, network.accounts[2])
        other_order = other.order(world.publisher, world.dataset, 4)
        blocking = _run_raw(world, SLEEPER)
        until(lambda: world.consumer.status(blocking)["status"] == 40)
        many = [_run_raw(world, "print()") for _ in range(3)]
        [job] = other.start(world.dataset, other_order, algorithmMeta=raw("print()")).json()
        world.consumer.stop(blocking)
        others_end = other.ended(job["jobId"])["dateFinished"]
        ends = sorted(world.consumer.ended(job_id)["dateFinished"] for job_id in many)
        for user in (other, world):
            user.close()

    assert others_end < ends[1]


def test_a_taken_port_is_named(world: World) -> None:
    port = int(world.network.provider_url.rsplit(":", 1)[1])

    with pytest.raises(LocalNetworkError, match=f"cannot listen on 127.0.0.1:{port}"):
        LocalNetwork(port=port).start()


def test_the_port_of_another_chain_may_be_named_too() -> None:
    with LocalNetwork(seed="one", account_count=1) as host:
        rpc_port = int(host.rpc_url.rsplit(":", 1)[1])
        same: dict[str, Any] = {"chain_url": host.rpc_url, "seed": "one", "account_count": 1}
        with LocalNetwork(rpc_port=rpc_port, **same) as network:
            assert network.rpc_url == host.rpc_url


def test_an_isolation_that_does_not_work_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "SEPARATING", (Landlock(version=1),))
    network = LocalNetwork(tmp_path / "state", isolation="landlock")
    with pytest.raises(BadOption, match="'landlock' does not work on this machine"):
        network.start()

    assert not (tmp_path / "state").exists()


def test_an_address_of_another_machine_is_named_before_anything_is_written(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path / "state", host="192.0.2.1", expose=True)
    with pytest.raises(LocalNetworkError, match=r"cannot listen on 192\.0\.2\.1"):
        network.start()

    assert not (tmp_path / "state").exists()


def test_one_state_folder_is_for_one_network(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path), pytest.raises(LocalNetworkError, match="another one is running"):
        LocalNetwork(tmp_path).start()


def test_one_state_folder_is_for_one_network_on_another_chain_too(
    world: World, tmp_path: Path
) -> None:
    def network(folder: Path | None, **options: Any) -> LocalNetwork:
        return LocalNetwork(folder, seed="one", account_count=1, **options)

    with network(None) as host, network(tmp_path, chain_url=host.rpc_url):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        second = network(tmp_path, chain_url=host.rpc_url, port=port)
        with pytest.raises(LocalNetworkError, match="another one is running"):
            second.start()


def test_of_a_node_that_asks_for_a_login_only_the_origin_is_shown() -> None:
    with LocalNetwork(seed="one", account_count=1) as host:
        url = f"{host.rpc_url.replace('//', '//me:hunter2@')}/?key=hunter2"
        with LocalNetwork(seed="one", account_count=1, chain_url=url) as network:
            discovery = requests.get(network.provider_url, timeout=5).json()

            assert network.chain_id == host.chain_id
            assert network.config.network_url == url
            assert discovery["network-url"] == host.rpc_url
            assert "hunter2" not in repr(network) + repr(network.config)


def test_broken_ports_are_told_of_and_others_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ports = tmp_path / "ports.json"
    with LocalNetwork(tmp_path):
        pass
    ports.write_text('{"port": 80')
    with LocalNetwork(tmp_path) as network:
        url = network.provider_url

    assert f"{ports} is not used: it is not JSON" in caplog.text
    assert url.endswith(f":{json.loads(ports.read_text())['port']}")


def test_a_chain_without_its_keys_is_refused(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path):
        pass
    (tmp_path / "keys.json").unlink()
    with pytest.raises(LocalNetworkError, match=r"keys\.json is damaged: it is missing"):
        LocalNetwork(tmp_path).start()

    assert not (tmp_path / "keys.json").exists()


def test_a_chain_of_another_id_is_refused(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path):
        pass
    with pytest.raises(BadOption, match="chain id 8996"):
        LocalNetwork(tmp_path, chain_id=1337).start()


def test_a_database_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "network.db"
    path.write_text("garbage " * 200)
    with pytest.raises(LocalNetworkError, match=f"{path} cannot be opened: .* Put a copy"):
        LocalNetwork(tmp_path).start()

    assert path.read_text().startswith("garbage")


def test_a_chain_that_does_not_answer_is_named() -> None:
    with pytest.raises(LocalNetworkError, match=r"127\.0\.0\.1:9"):
        LocalNetwork(chain_url="http://127.0.0.1:9").start()


def test_the_same_seed_makes_the_same_accounts() -> None:
    with LocalNetwork(seed=7) as one, LocalNetwork(seed=7) as two:
        first = [account.address for account in one.accounts]
        second = [account.address for account in two.accounts]

    assert first == second
    assert len(set(first)) == 10


def test_another_chain_can_stand_in_the_embedded_ones_place(world: World) -> None:
    network = LocalNetwork(chain_url=world.network.rpc_url, seed="guest", account_count=2)
    with pytest.raises(LocalNetworkError, match="send ether to") as error:
        network.start()
    chain = RemoteChain(world.network.rpc_url)
    for word in str(error.value).replace(",", " ").split():
        if word.startswith("0x"):
            send_transaction(chain, world.network.accounts[5].key, word, "0x", 10 * ETHER)
    chain.close()
    with network:
        guests = make_world(network)
        ended = guests.consumer.ended(_run_raw(guests, "print('guest')"))
        guests.close()

        assert network.chain_id == world.network.chain_id
        assert network.contracts != world.network.contracts
        assert ended["status"] == 70


def test_on_a_new_chain_a_state_folder_has_none_of_the_old_chains_assets(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path) as network:
        world = make_world(network)
        old = world.open_dataset
        known = world.consumer.get(ASSETS).json()
        world.close()
    for file in tmp_path.glob("chain.db*"):
        file.unlink()
    with LocalNetwork(tmp_path) as network:
        world = make_world(network)
        at_first = world.consumer.get(ASSETS).json()
        again = world.algorithm
        name = world.consumer.ddo(again)["service"][0]["attributes"]["main"]["name"]
        world.close()

    assert (known, at_first) == ([old], [])
    assert again == old  # the same factory's first token
    assert name == "sum"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_runs_until_a_signal_and_leaves_nothing(number: int) -> None:
    with command() as process:
        description = described(process)
        alive_at = requests.get(str(description["provider_url"]), timeout=10)
        process.send_signal(number)
        status = process.wait(20)

    assert alive_at.json()["software"] == "Provider"
    assert status == 0
    assert not Path(str(description["state_dir"])).exists()
    assert "private_keys" not in description
    assert "provider.url" in str(description["config"])


def test_a_killed_network_leaves_no_algorithm_running(tmp_path: Path) -> None:
    with command("--state", str(tmp_path), "--seed", "kill") as process:
        described(process)
        world = make_world(attached(tmp_path))
        token = secrets.token_hex(8)
        job_id = _run_raw(world, detaching(token))
        until(lambda: running(token))
        os.kill(process.pid, signal.SIGKILL)
        process.wait(20)
        world.close()
    until(lambda: not running(token))
    with LocalNetwork(tmp_path) as again:
        world = make_world(again)
        job = world.consumer.status(job_id)
        world.close()

    assert job["status"] == 70


def test_the_network_hands_out_the_clients_objects(world: World) -> None:
    network = world.network
    config, wallet = network.config, network.wallet(1)
    options = network.options
    addresses = json.loads(network.address_file.read_text())["development"]

    assert options["resources"]["provider.url"] == network.provider_url
    assert options["eth-network"]["network"] == network.rpc_url
    assert config.provider_url == network.provider_url
    assert wallet.address == network.accounts[1].address
    assert addresses["DTFactory"] == network.contracts.dt_factory
    assert network.provider_address == world.consumer.get("/").json()["providerAddress"]
    assert network.provider_url in repr(network)


def test_what_cannot_be_published_is_named(world: World, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("1\n")
    url = world.network.publish_file(tmp_path / "data.csv")

    assert url.startswith(world.network.provider_url)
    assert url.endswith("/data.csv")
    with pytest.raises(LocalNetworkError, match="there is no such file"):
        world.network.publish_file(tmp_path / "missing.csv")
    with pytest.raises(LocalNetworkError, match="name="):
        world.network.publish_file(b"1")


def test_too_many_jobs_are_refused_with_503(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path, jobs_at_once=1, max_jobs=2) as network:
        world = make_world(network)
        accepted = [_run_raw(world, SLEEPER) for _ in range(2)]
        before = world.consumer.nonce()
        code = {"algorithmMeta": raw("print()")}
        answer = world.consumer.start(world.dataset, world.dataset_order, **code)
        after = world.consumer.nonce()
        world.close()

    assert len(set(accepted)) == 2
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("The queue is full: 2 jobs are waiting or running.")
    assert after == before


def test_results_are_served_and_kept_for_a_time(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path, results_lifetime_s=0.0) as network:
        world = make_world(network)
        ended = world.consumer.ended(_run_raw(world, "print()"))
        answer = world.consumer.http.get(ended["algorithmLogUrl"], timeout=10)
        until(lambda: not list((tmp_path / "jobs").iterdir()))
        still = world.consumer.result(ended["jobId"])
        world.close()

    assert answer.status_code == 404
    assert still == ended


def test_results_that_expired_while_it_was_off_are_gone_at_the_next_start(tmp_path: Path) -> None:
    with LocalNetwork(tmp_path) as network:
        world = make_world(network)
        old, young = (world.consumer.ended(_run_raw(world, "print('kept')")) for _ in range(2))
        world.close()
    _finished_earlier(tmp_path, old["jobId"], seconds=7 * 24 * 3600)
    with LocalNetwork(tmp_path) as network:
        world = make_world(network)
        until(lambda: not (tmp_path / "jobs" / old["jobId"]).exists())
        answer = world.consumer.http.get(old["algorithmLogUrl"], timeout=10)
        log = world.consumer.read(young["algorithmLogUrl"])
        status = world.consumer.status(old["jobId"])["status"]
        world.close()

    assert answer.status_code == 404
    assert "kept" in log
    assert status == 70


def _finished_earlier(folder: Path, job_id: str, *, seconds: float) -> None:
    with closing(sqlite3.connect(folder / "network.db")) as database, database:
        database.execute(
            "UPDATE jobs SET finished = finished - ? WHERE job_id = ?", (seconds, job_id)
        )


def test_an_account_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(LocalNetworkError, match="no account 10: the network has 10") as caught:
        world.network.wallet(10)

    assert isinstance(caught.value, IndexError)


@pytest.mark.parametrize("name", [".", "..", "a" * 300, "a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_refused(world: World, name: str) -> None:
    with pytest.raises(LocalNetworkError, match="cannot publish"):
        world.network.publish_file(b"x", name)


def test_a_database_that_is_damaged_deep_inside_is_named(tmp_path: Path) -> None:
    with LocalNetwork(state_dir=tmp_path / "kept", account_count=1):
        pass
    file = tmp_path / "kept" / "chain.db"
    content = file.read_bytes()
    page = 4096
    file.write_bytes(content[:page] + b"\xff" * (len(content) - page))

    with pytest.raises(LocalNetworkError, match=r"chain\.db.*(malformed|no database|damaged)"):
        LocalNetwork(state_dir=tmp_path / "kept").start()
