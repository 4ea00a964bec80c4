"""The example back end runs jobs for its users, and tells them what went wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import requests

from ocean_lib import exceptions
from ocean_lib.config import Config
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from tests.flows import CONTAINER, order, publish_algorithm, publish_dataset
from tests.wire import wait_until

uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

PASSWORD = "a password"
REPORT = "import os\nopen(os.environ['OUTPUTS'] + '/report.txt', 'w').write('done')\nprint('hi')"
FOREVER = "import time\ntime.sleep(600)"

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def backend() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "backend" / "app.py"
    spec = importlib.util.spec_from_file_location("example_backend", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def users(network: LocalNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with alice's and bob's keystores; eve has a token and no wallet."""
    from eth_account import Account

    folder: Path = tmp_path_factory.mktemp("users")
    for user, index in (("alice", 1), ("bob", 2)):
        key = network.wallet(index).unsafe_private_key()
        quick = Account.encrypt(key, PASSWORD, kdf="pbkdf2", iterations=10)
        (folder / f"{user}.json").write_text(json.dumps(quick))
    tokens = {
        hashlib.sha256(f"token-of-{user}".encode()).hexdigest(): user
        for user in ("alice", "bob", "eve")
    }
    (folder / "tokens.json").write_text(json.dumps(tokens))
    return folder


@contextmanager
def served(app: Any) -> Iterator[Call]:
    """Serve the app on a real socket; gives a function that calls it for a user."""
    options = {"port": 0, "log_level": "error", "ws": "none", "lifespan": "off"}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]

    def call(method: str, path: str, user: str | None = "alice", **options: Any) -> Any:
        headers = {"Authorization": f"Bearer token-of-{user}"} if user else {}
        url = f"http://127.0.0.1:{port}{path}"
        return requests.request(method, url, headers=headers, timeout=90, **options)

    try:
        yield call
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def alice(backend: ModuleType, network: LocalNetwork, users: Path) -> Iterator[Call]:
    ocean = Ocean(Config(options_dict=network.options))
    with served(backend.create_app(ocean, backend.Users(users, PASSWORD))) as call:
        yield call


@pytest.fixture(scope="module")
def ordered(network: LocalNetwork) -> ComputeInput:
    ocean = Ocean(network.config)
    other = publish_algorithm(ocean, network, network.wallet(0), "print(1)")
    data = publish_dataset(
        ocean, network, network.wallet(0), "1,2\n", raw=True, trusted=[str(other.did)]
    )
    return order(ocean, data, "compute", network.wallet(0), network.wallet(1))


def new_job(ordered: ComputeInput, code: str = REPORT) -> dict[str, Any]:
    return {
        "inputs": [
            {
                "did": ordered.did,
                "order_tx": ordered.transfer_tx_id,
                "service_index": ordered.service_id,
            }
        ],
        "code": {"rawcode": code, "language": "python", "container": CONTAINER},
    }


def test_a_user_runs_a_job(alice, ordered):
    started = alice("POST", "/jobs", json=new_job(ordered))
    assert started.status_code == 201
    job = started.json()
    path = f"/jobs/{job['did']}/{job['job_id']}"

    ended = alice("GET", path, params={"wait": 60}).json()

    assert (ended["state"], ended["text"]) == ("finished", "Job finished")
    assert alice("GET", f"{path}/results").json() == ["report.txt", "algorithm.log"]
    report = alice("GET", f"{path}/results/report.txt")
    assert (report.content, report.headers["content-disposition"]) == (b"done", "attachment")
    assert job["job_id"] in [listed["job_id"] for listed in alice("GET", "/jobs").json()]


def test_a_published_algorithm_has_to_be_trusted(alice, network, ordered):
    ocean = Ocean(network.config)
    algorithm = publish_algorithm(ocean, network, network.wallet(0), REPORT)
    paid = order(ocean, algorithm, "access", network.wallet(0), network.wallet(1))
    wanted = {
        "inputs": new_job(ordered)["inputs"],
        "algorithm_did": algorithm.did,
        "algorithm_order_tx": paid.transfer_tx_id,
        "algorithm_data_token": algorithm.data_token_address,
    }

    refused = alice("POST", "/jobs", json=wanted)

    assert (refused.status_code, refused.json()["error"]) == (409, "AlgorithmNotTrusted")


def test_a_running_job_is_an_answer_and_can_be_stopped(alice, ordered):
    job = alice("POST", "/jobs", json=new_job(ordered, FOREVER)).json()
    path = f"/jobs/{job['did']}/{job['job_id']}"

    assert alice("GET", path).json()["state"] == "running"
    early = alice("GET", f"{path}/results/report.txt")
    assert (early.status_code, early.json()["error"]) == (409, "JobError")
    assert alice("POST", f"{path}/stop").status_code == 200

    assert alice("GET", path, params={"wait": 60}).json()["state"] == "stopped"


def test_users_see_their_own_jobs_only(alice, ordered):
    job = alice("POST", "/jobs", json=new_job(ordered)).json()
    path = f"/jobs/{job['did']}/{job['job_id']}"

    for call in ("GET", path), ("GET", f"{path}/results"), ("POST", f"{path}/stop"):
        assert alice(*call, user="bob").status_code == 404
    assert alice("GET", "/jobs", user="bob").json() == []
    assert alice("POST", "/jobs", user="bob", json=new_job(ordered)).status_code == 409


def test_who_is_not_known_is_not_served(alice):
    assert alice("GET", "/jobs", user=None).status_code in (401, 403)
    assert alice("GET", "/jobs", user="mallory").status_code == 401
    assert alice("GET", "/jobs", user="eve").status_code == 403  # known, but without a wallet


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/jobs/did:op:{d}/{j}", 404),
        ("/jobs/nonsense/{j}", 422),
        ("/jobs/did:op:{d}/{j}?wait=61", 422),
        ("/jobs?did=did:op:{d}", 404),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_said_so(alice, path, status):
    answer = alice("GET", path.format(d="0" * 40, j="f" * 32))

    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_bad_order_is_said_so(alice, ordered):
    wanted = new_job(ordered)
    wanted["inputs"][0]["order_tx"] = "0x12"

    answer = alice("POST", "/jobs", json=wanted)

    assert (answer.status_code, answer.json()["error"]) == (422, "InvalidTransactionHash")


def test_a_provider_that_is_away_is_said_so(backend, network, users, ordered):
    options = network.options
    options["resources"] |= {"metadata_cache_uri": "http://127.0.0.1:1"}
    ocean = Ocean(Config(options_dict=options))
    with served(backend.create_app(ocean, backend.Users(users, PASSWORD))) as call:
        answer = call("GET", f"/jobs/{ordered.did}/{'f' * 32}")

    assert (answer.status_code, answer.json()["error"]) == (503, "ConnectFailed")
    assert "Check that the server runs" in answer.json()["detail"]


def test_many_at_once_get_a_job_each(alice, ordered):
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: alice("POST", "/jobs", json=new_job(ordered)), range(16)))

    assert {answer.status_code for answer in started} == {201}
    assert len({answer.json()["job_id"] for answer in started}) == 16
    for answer in started:
        job = answer.json()
        path = f"/jobs/{job['did']}/{job['job_id']}"
        assert alice("GET", path, params={"wait": 60}).json()["state"] == "finished"


def test_every_error_of_the_library_has_a_status(backend):
    kinds = [
        kind
        for kind in vars(exceptions).values()
        if isinstance(kind, type) and issubclass(kind, exceptions.OceanError)
    ]

    statuses = {
        kind.__name__: next(s for base, s in backend.HTTP_STATUS if issubclass(kind, base))
        for kind in kinds
    }

    assert statuses["RawAlgorithmNotAllowed"] == statuses["OrderNotValid"] == 409
    assert statuses["InvalidDid"] == 422
    assert statuses["StartUncertain"] == 502
    assert all(400 <= status < 600 for status in statuses.values())


def test_it_starts_from_the_environment(backend, network, users, tmp_path, monkeypatch):
    config = tmp_path / "config.ini"
    with config.open("w") as file:
        Config(options_dict=network.options).write(file)
    monkeypatch.setenv("CONFIG_FILE", str(config))
    monkeypatch.setenv("BACKEND_USERS", str(users))
    monkeypatch.setenv("BACKEND_PASSWORD", PASSWORD)

    with served(backend.from_environment()) as call:
        assert call("GET", "/jobs", user="bob").json() == []
