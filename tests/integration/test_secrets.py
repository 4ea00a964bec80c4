"""No secret shows: not in a log, an error, a traceback, a repr, `vars`, a pickle, or on stdout.

Everything is tried, in success and in failure, with every logger at DEBUG; then all that could be
seen is searched for all that is secret. Last, redactions are taken away one by one: the search has
to find what they hid, or it would prove nothing.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import logging
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
import requests
from eth_account import Account
from requests.adapters import HTTPAdapter

from ocean_lib.backends import select, signing
from ocean_lib.backends.v3 import answers as _responses
from ocean_lib.base import frames
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.http import connections, deadline, exchange, origins, redaction
from ocean_lib.http import failures as _failures
from ocean_lib.jobs import starting as _start
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.web3_internal import wallet as wallet_module
from ocean_lib.web3_internal.wallet import Wallet
from tests.players import (
    DID,
    LOG_URL,
    ORDER,
    RAW,
    RESULT_URL,
    Fault,
    World,
    edited,
    new_wallet,
    not_your_signature,
    start,
)
from tests.wire import Exchange, Reply, answer, html, raw, reset, silence

KEY = "8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
PASSWORD = "correct horse battery staple 4711"
MNEMONIC = "test test test test test test test test test test test junk"
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
KEYSTORE = Account.encrypt("0x" + KEY, PASSWORD, kdf="pbkdf2", iterations=2)
URL_SECRET = "result-url-secret"
USER_INFO = "s3cret-of-a-proxy"
TESTS = Path(__file__).parents[1]


class Watch:
    """Gathers all that could be seen, and searches it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []
        self.looks_into_frames = True
        self.secrets: dict[str, str] = {
            "password": PASSWORD,
            "mnemonic": "test test test junk",
            "other mnemonic": "thank year wave",
            "result URL": URL_SECRET,
            "user info": USER_INFO,
        }
        self.add_key("key", KEY)

    def add_key(self, name: str, key: str) -> None:
        value = bytes.fromhex(key)
        forms = {
            "hex": key.lower(),
            "upper case hex": key.upper(),
            "int": str(int(key, 16)),
            "bytes": repr(value)[2:-1],
            "list": repr(list(value))[1:-1],
            "base64": base64.b64encode(value).decode(),
        }
        self.secrets.update({f"{name} as {form}": text for form, text in forms.items()})

    def add_sent(self, world: World) -> None:
        """Every signature and token that was sent is a secret."""
        for request in world.provider.server.requests:
            said = request.json() if request.body else {}
            for sent in (request.query.get("signature"), said.get("signature")):
                if sent and len(sent) > 100:
                    digits = sent.removeprefix("0x").partition("-")[0]
                    self.secrets[f"signature {len(self.secrets)}"] = digits[20:90]

    def saw(self, where: str, text: object) -> None:
        self.seen.append((where, str(text)))

    def saw_error(self, where: str, error: BaseException) -> None:
        self.saw(where, "".join(traceback.format_exception(error)))
        todo: list[BaseException | None] = [error]
        while todo:
            one = todo.pop()
            if one is None:
                continue
            for text in (str(one), repr(one), repr(one.args), repr(vars(one))):
                self.saw(where, text)
            if self.looks_into_frames:
                self._saw_locals(where, one)
            todo += [one.__cause__, one.__context__]

    def _saw_locals(self, where: str, error: BaseException) -> None:
        """Look into every frame that the error keeps, but those of the tests themselves."""
        for frame, _ in traceback.walk_tb(error.__traceback__):
            if TESTS not in Path(frame.f_code.co_filename).parents:
                for name, value in frame.f_locals.items():
                    with suppress(Exception):  # of an object that is half made
                        self.saw(f"{where}, {name} in {frame.f_code.co_name}", repr(value))

    def saw_object(self, where: str, thing: Any) -> None:
        for form in (repr, str, _vars, _pickled, _copied, _walked, lambda x: format(x, "")):
            try:
                self.saw(f"{where}, {getattr(form, '__name__', form)}", form(thing))
            except Exception as error:
                self.saw_error(where, error)
        if hasattr(thing, "_repr_html_"):
            self.saw(where, thing._repr_html_())

    def attempt(self, where: str, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:
            self.saw_error(where, error)
            return None

    def leaks(self) -> list[str]:
        """Name what was found, and where; memory is searched for keys only."""
        return sorted(
            {
                f"{secret} in {where}: …{text[max(0, at - 60) : at + 20]!r}"
                for where, text in self.seen
                for secret, value in self.secrets.items()
                if "key as" in secret or "_walked" not in where
                if (at := text.find(value)) >= 0
            }
        )


def _vars(thing: Any) -> str:
    return repr(vars(thing))


def _pickled(thing: Any) -> str:
    return "".join(repr(pickle.dumps(thing, protocol)) for protocol in (0, 2, 5))


def _copied(thing: Any) -> str:
    return repr(copy.copy(thing)) + repr(vars(copy.deepcopy(thing)))


def _walked(thing: Any) -> str:
    """Print all that hangs on an object's attributes."""
    found: list[str] = []
    done: set[int] = set()
    todo = [thing]
    while todo and len(done) < 20_000:
        one = todo.pop()
        if id(one) in done or isinstance(one, (type, logging.Logger)):
            continue
        done.add(id(one))
        if isinstance(one, (str, bytes, int, bytearray)):
            found.append(repr(one))
        elif isinstance(one, dict):
            todo += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)):
            todo += one
        elif hasattr(one, "__dict__") and not isinstance(one, ModuleType):
            todo += vars(one).values()
    return "\n".join(found)


@contextmanager
def watching(capfd: pytest.CaptureFixture[str]) -> Iterator[Watch]:
    """Log everything there is, and take part in what is printed."""
    watch = Watch()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                text = record.getMessage() + repr(vars(record))
            except Exception as error:  # a record that cannot be formatted is a fault as well
                text = f"unreadable record {record.name}: {error!r}"
            watch.saw(f"log of {record.name}", text)
            if record.exc_info and record.exc_info[1]:
                watch.saw_error(f"log of {record.name}", record.exc_info[1])

    handler = Keep(logging.DEBUG)
    loggers = [logging.getLogger(name) for name in logging.root.manager.loggerDict]
    loggers += [
        logging.root,
        logging.getLogger("urllib3.connectionpool"),
        logging.getLogger("asyncio"),
    ]
    before = [(one, one.level, one.propagate, one.disabled) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.propagate, one.disabled = True, False
    logging.root.addHandler(handler)
    capfd.readouterr()
    try:
        yield watch
    finally:
        logging.root.removeHandler(handler)
        for one, level, propagate, disabled in before:
            one.setLevel(level)
            one.propagate, one.disabled = propagate, disabled
        out, err = capfd.readouterr()
        watch.saw("stdout", out)
        watch.saw("stderr", err)


# --- servers that give back what they got


def _request_text(exchange: Exchange) -> str:
    request = exchange.request
    assert request is not None
    text = request.target + " " + request.body.decode()
    return f"http://127.0.0.1{text} and {json.dumps(request.query)}"


def echo(status: int, wrap: Callable[[str], str], content_type: str = "text/html") -> Reply:
    def reply(exchange: Exchange) -> None:
        answer(status, wrap(_request_text(exchange)), content_type)(exchange)

    return reply


def redirect_with_all(exchange: Exchange) -> None:
    request = exchange.request
    assert request is not None
    where = f"http://u:{USER_INFO}@127.0.0.1:9{request.target}"
    answer(307, request.target, Location=where)(exchange)


def echo_in_headers(exchange: Exchange) -> None:
    assert exchange.request is not None
    target = exchange.request.target
    edited(exchange, html(500), lambda head: head + f"\r\nX-Asked: {target}".encode())


ECHOES: dict[str, Reply] = {
    "500 HTML": echo(500, lambda text: f"<html><p>{escape(text)}</p></html>"),
    "500 HTML, as it is": echo(500, lambda text: f"<html><title>{text}</title><p>{text}</p>"),
    "503 with context": echo(
        503, lambda text: json.dumps({"error": f"max retries: {text}", "context": {"all": text}})
    ),
    "400 error": echo(400, lambda text: json.dumps({"error": text})),
    "400 fields": echo(400, lambda text: json.dumps({"errors": {"signature": [text], text: text}})),
    "200 text": echo(200, lambda text: text),
    "200 quoted": echo(200, quote),
    "200 JSON": echo(200, lambda text: json.dumps({"error": text, "jobId": text})),
    "200 list": echo(200, lambda text: json.dumps([{"jobId": 7, "x": text}])),
    "404": echo(404, lambda text: f"<title>404</title><p>{text}</p>"),
    "502": echo(502, lambda text: text),
    "redirect": redirect_with_all,
    "500, in its headers": echo_in_headers,
    "not HTTP": lambda exchange: raw(_request_text(exchange).encode() + b"\r\n\r\n")(exchange),
}
FAULTS: dict[str, Reply] = {
    **ECHOES,
    "reset": reset,
    "silence": silence,
    "500": html(500),
    "refused signature": not_your_signature(),
    "results that are none": answer(
        200, json.dumps([{"jobId": "JOB", "status": 70, "resultsUrl": [[RESULT_URL]]}])
    ),
    "a state that is none": answer(
        200,
        json.dumps([{"jobId": "x", "resultsUrl": RESULT_URL, "algorithmLogUrl": {"a": LOG_URL}}]),
    ),
    "cut short": answer(200, f'[{{"jobId": "x", "resultsUrl": ["{RESULT_URL}", "'),
}

CALLS: dict[str, Callable[[OceanCompute, str, Any], Any]] = {
    "start": lambda c, _, w: start(c, w),
    "status": lambda c, j, w: c.status(DID, j, w),
    "result": lambda c, j, w: c.result(DID, j, w),
    "stop": lambda c, j, w: c.stop(DID, j, w),
    "delete": lambda c, j, w: c.delete(DID, j, w),
    "look": lambda c, _, w: c.jobs(w, DID),
}


def client(world: World, session: Any = None, **options: Any) -> OceanCompute:
    config = world.config(**{"timeout.read": 0.2, "timeout.total": 1.0, **options})
    return OceanCompute(config, DataServiceProvider(config, http_client=session))


def key_wallet() -> Wallet:
    return Wallet(None, private_key=KEY)


def all_calls(watch: Watch, session: Any = None, tokens: tuple[str, ...] = ("off",)) -> None:
    """Every call of a client, in success and with every fault, signed and with a token."""
    for token in tokens:
        with World() as world:
            _calls_with(watch, world, session, token)
            watch.add_sent(world)


def _calls_with(watch: Watch, world: World, session: Any, token: str) -> None:
    wallet = key_wallet()
    compute = client(world, session, auth_token=token)
    job_id = start(compute, wallet)

    def attempt(name: str, what: str) -> None:
        watch.attempt(f"{name}, {what}", lambda: CALLS[name](compute, job_id, wallet))

    for name in CALLS:
        attempt(name, "all well")
    job_id = start(compute, wallet)
    for fault, reply in FAULTS.items():
        for name in CALLS:
            if fault == "silence" and (token == "on" or name == "look"):
                continue
            world.provider.faults = {name: Fault(reply, acts=False)}
            attempt(name, fault)
    world.provider.faults = {"nonce": Fault(ECHOES["500 HTML"])}
    compute.clear_caches()
    attempt("stop", "nonce fails")
    world.provider.faults = {}
    attempt("stop", "all well again")
    world.provider.server.go_down()
    attempt("stop", "refused")


def provider_calls(watch: Watch) -> None:
    """What only the Provider's client offers: encryption, downloads, orders, raw signatures."""
    with World() as world:
        wallet = key_wallet()
        provider = DataServiceProvider(world.config(**{"timeout.read": 0.3, "timeout.total": 1.0}))
        at = f"{world.provider.url}/api/v1/services"
        address = wallet.address
        signature = provider.sign_message(wallet, address, provider_uri=world.provider.url)
        watch.secrets["signature made"] = signature[20:100]
        asks: dict[str, Callable[[], Any]] = {
            "encrypt": lambda: provider.encrypt_files_dict(
                [{"url": RESULT_URL}], f"{at}/encrypt", address, address, signature
            ),
            "download": lambda: provider.download_service(
                DID, f"{at}/download", wallet, [{}], "/nowhere", 3, address, ORDER
            ),
            "initialize": lambda: provider.get_order_requirements(
                DID, f"{at}/initialize", address, 3, "access", address
            ),
            "fileinfo": lambda: provider.check_single_file_info(RESULT_URL, world.provider.url),
        }
        for fault, reply in FAULTS.items():
            for name, ask in asks.items():
                world.provider.faults = {name: Fault(reply, acts=False)}
                watch.attempt(f"{name}, {fault}", ask)
        watch.add_sent(world)


def downloads(watch: Watch, folder: Path) -> None:
    """Results whose URLs carry a token, brought home or not; that is neither key nor signature."""
    watch.looks_into_frames = False
    with World() as world, World() as store:
        wallet = key_wallet()
        compute = client(world)
        job_id = start(compute, wallet)
        for reply in (answer(200, b"1\n"), html(403), reset, *ECHOES.values()):
            store.provider.faults = {"out.csv": Fault(reply), "unknown": Fault(reply)}
            url = f"{store.provider.url}/api/v1/services/out.csv?token={URL_SECRET}"
            world.provider.jobs[0].update(resultsUrl=[url, url + "1"], algorithmLogUrl=url)
            job = compute.job(DID, job_id, wallet)
            files = watch.attempt("files", job.files)
            watch.saw("files", f"{files!r} {files and files._repr_html_()}")
            for act in (job.logs, job.result_json, lambda j=job: j.download(folder / "out")):
                watch.attempt("download", act)
            watch.saw_object("job", job)
        watch.add_sent(world)


def objects(watch: Watch, folder: Path) -> None:
    """Everything a user holds."""
    with World() as world:
        wallet, config = key_wallet(), world.config()
        ocean = Ocean(config)
        compute, token = ocean.compute, client(world, auth_token="on")
        job_id = start(compute, wallet)
        start(token, wallet)
        job = compute.job(DID, job_id, wallet)
        job.status()
        things = [wallet, config, ocean, compute, ocean.data_provider, ocean.assets, job]
        things += [token, token._data_provider, token._data_provider.http, compute.client]
        things += [compute.jobs(wallet, DID), job.last_status, ComputeInput(DID, ORDER, 4)]
        for thing in things:
            watch.saw_object(type(thing).__name__, thing)
        watch.saw("keys_str", wallet.keys_str())
        watch.saw("keystore", json.dumps(wallet.to_keystore(PASSWORD)) if folder else "")
        watch.add_sent(world)
    other = new_wallet()
    watch.add_key("made key", other.unsafe_private_key()[2:])
    watch.saw_object("made wallet", other)


def wallets(watch: Watch, folder: Path) -> None:
    """Wallets from all sources, right and wrong."""
    file, broken = folder / "key.json", folder / "broken.json"
    file.write_text(json.dumps(KEYSTORE))
    broken.write_text(json.dumps({**KEYSTORE, "crypto": KEY}))
    odd_keys: list[Any] = [
        KEY[:-1],
        KEY + "0",
        KEY[:-1] + "g",
        f"{KEY} x",
        "0x0x" + KEY,
        int(KEY, 16),
    ]
    odd_keys += [bytes.fromhex(KEY)[:-1], [KEY], KEY.encode(), {"key": KEY}, f"'{KEY}'"]
    makers: list[Callable[[], Any]] = [
        *(
            lambda k=key: Wallet(None, private_key=k)
            for key in (KEY, "0x" + KEY, bytes.fromhex(KEY))
        ),
        *(lambda k=key: Wallet(None, private_key=k) for key in odd_keys),
        *(lambda k=key: Wallet(None, encrypted_key=k, password=PASSWORD) for key in odd_keys[5:7]),
        lambda: Wallet(None, private_key=KEY, address="0x" + "11" * 20),
        lambda: Wallet(None, private_key=KEY, address=KEY),
        lambda: Wallet(None, encrypted_key=KEYSTORE, password=PASSWORD),
        lambda: Wallet(None, encrypted_key=KEYSTORE, password=PASSWORD + "!"),
        lambda: Wallet(None, encrypted_key=KEYSTORE, password=[PASSWORD]),  # type: ignore[arg-type]
        lambda: Wallet(None, encrypted_key=json.dumps(KEYSTORE)[:-9] + KEY, password=PASSWORD),
        lambda: Wallet(None, password=PASSWORD),
        lambda: Wallet.from_keystore(None, file, PASSWORD),
        lambda: Wallet.from_keystore(None, file, PASSWORD.upper()),
        lambda: Wallet.from_keystore(None, broken, PASSWORD),
        lambda: Wallet.from_keystore(None, folder / "none.json", PASSWORD),
        lambda: Wallet.from_keystore(None, {"crypto": {"x": KEY}}, PASSWORD),
        lambda: Wallet.from_mnemonic(None, MNEMONIC),
        lambda: Wallet.from_mnemonic(None, MNEMONIC + " test"),
        lambda: Wallet.from_mnemonic(None, WORDS.replace("yellow", "yello")),
        lambda: Wallet.from_mnemonic(None, WORDS, PASSWORD, "m/x"),
        lambda: Wallet.from_mnemonic(None, WORDS, account_path=KEY),
        lambda: Wallet.from_env(None, "OCEAN_TEST_KEY"),
        lambda: Wallet.from_env(None, "OCEAN_TEST_WRONG_KEY"),
        lambda: Account.from_key(KEY) and None,
    ]
    for number, make in enumerate(makers):
        wallet = watch.attempt(f"wallet {number}", make)
        if wallet is not None:
            watch.saw_object(f"wallet {number}", wallet)
            for act in (
                lambda w=wallet: w.sign_message(KEY),
                lambda w=wallet: w.sign_tx({"data": KEY}),
                lambda w=wallet: w.sign_tx(
                    {"nonce": "x", "gas": 1, "gasPrice": 1, "chainId": 1, "to": KEY}
                ),
                lambda w=wallet: w.private_key,
                lambda w=wallet: w.password,
                lambda w=wallet: w.to_keystore(""),
            ):
                watch.attempt(f"use of wallet {number}", act)


def wrong_places(watch: Watch) -> None:
    """A key where something else belongs: the frames that it was given to cannot know it."""
    watch.looks_into_frames = False
    with World() as world:
        compute, wallet = client(world), key_wallet()
        provider = DataServiceProvider()
        url = f"http://u:{USER_INFO}@host/?token={URL_SECRET}"
        for key in (KEY, "0x" + KEY):
            for act in (
                lambda k=key: compute.status(k, "abc", wallet),
                lambda k=key: compute.status(f"did:op:0x{k}", "abc", wallet),
                lambda k=key: compute.result(DID, f"{k}\n", wallet),
                lambda k=key: compute.result(DID, "abc", k),
                lambda k=key: ComputeInput(k, ORDER, 4),
                lambda k=key: ComputeInput(DID, k + "00", 4),
                lambda k=key: ComputeInput(DID, ORDER, k),
                lambda k=key: compute.start(k, wallet),
                lambda k=key: start(compute, k),
                lambda k=key: start(compute, wallet, algorithm_meta=k),
                lambda k=key: start(compute, wallet, algorithm_did=k),
                lambda k=key: start(compute, wallet, algorithm_did=DID, algorithm_tx_id=[k]),
                lambda k=key: start(compute, wallet, nonce=k, algorithm_meta=RAW),
                lambda k=key: start(compute, wallet, output=k, algorithm_meta=RAW),
                lambda k=key: provider.get_nonce(k, world.provider.url),
                lambda k=key: provider.get_service_endpoints(k),
                lambda k=key: world.config(**{"provider.address": k}),
                lambda k=key: world.config(**{"timeout.read": k}),
                lambda k=key: world.config(auth_token=k),
                lambda k=key: Config(text=f"[resources]\nprovider.url = http://x\n{k}\n"),
                lambda k=key: Config(text=k),
                lambda k=key: Ocean({"network": k}).web3,
            ):
                watch.attempt("key in a wrong place", act)
        for act in (
            lambda: provider.get_service_endpoints(url),
            lambda: provider.get_nonce(wallet.address, url),
            lambda: world.config(**{"provider.url": url}),
            lambda: world.config(metadata_cache_uri=url),
            lambda: repr(Ocean({"network": f"https://node/{URL_SECRET}"})),
            lambda: Config(options_dict={"eth-network": {"network": url}}),
        ):
            watch.saw("URL with secrets", watch.attempt("URL with secrets", act) and "")
        config = Config(options_dict={"eth-network": {"network": f"https://node/{URL_SECRET}"}})
        watch.saw("config", repr(config) + str(config))


PATHS: dict[str, Callable[[], Any]] = {
    "a keystore's path": lambda: Wallet.from_keystore(None, KEY, PASSWORD),
    "a config's path": lambda: Config(filename=f"/{KEY}"),
    "an option's name": lambda: Config(options_dict={"resources": {KEY: "x"}}),
}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "BACKOFF_S", 0.0)
    monkeypatch.setattr(_start, "LOOK_PAUSES_S", ())
    monkeypatch.setenv("OCEAN_TEST_KEY", KEY)
    monkeypatch.setenv("OCEAN_TEST_WRONG_KEY", KEY + "g")


def test_no_call_shows_a_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(capfd) as watch:
        all_calls(watch, tokens=("off", "on"))

    assert watch.leaks() == []
    assert any(where == "log of urllib3.connectionpool" for where, _ in watch.seen)
    assert sum(where.startswith("start, ") for where, _ in watch.seen) > 50
    assert sum(secret.startswith("signature") for secret in watch.secrets) > 50


def test_no_call_shows_a_secret_in_an_event_loop_that_debugs(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def work(watch: Watch) -> None:
        with World() as world:
            wallet = key_wallet()
            compute = client(world)
            job_id = await asyncio.to_thread(start, compute, wallet)
            world.provider.jobs[0]["status"] = 70
            await compute.job(DID, job_id, wallet).wait_async()
            world.provider.faults["result"] = Fault(ECHOES["500 HTML"])
            for _ in range(3):
                await asyncio.to_thread(
                    watch.attempt, "async", lambda: compute.result(DID, job_id, wallet)
                )
            watch.add_sent(world)

    with watching(capfd) as watch:
        asyncio.run(work(watch), debug=True)

    assert watch.leaks() == []
    assert any(where == "log of asyncio" for where, _ in watch.seen)


def test_no_call_of_the_providers_client_shows_a_secret(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(capfd) as watch:
        provider_calls(watch)

    assert watch.leaks() == []


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_no_download_shows_a_secret(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with watching(capfd) as watch:
        downloads(watch, tmp_path)

    assert watch.leaks() == []


def test_no_object_shows_a_secret(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with watching(capfd) as watch:
        objects(watch, tmp_path)

    assert watch.leaks() == []


def test_no_wallet_shows_a_secret(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with watching(capfd) as watch:
        wallets(watch, tmp_path)

    assert watch.leaks() == []


def test_no_secret_in_a_wrong_place_shows(capfd: pytest.CaptureFixture[str]) -> None:
    with watching(capfd) as watch:
        wrong_places(watch)

    assert watch.leaks() == []


@pytest.mark.parametrize(("name", "act"), PATHS.items(), ids=PATHS)
def test_a_key_in_place_of_a_path_does_not_show(
    capfd: pytest.CaptureFixture[str], name: str, act: Callable[[], Any]
) -> None:
    with watching(capfd) as watch:
        watch.looks_into_frames = "keystore" in name
        watch.attempt("a key as a path", act)

    assert watch.leaks() == []


def test_a_session_of_the_users_own_shows_nothing_in_our_errors(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Its logs are its owner's; what we raise is ours."""
    with watching(capfd) as watch:
        all_calls(watch, requests.Session())
    watch.seen = [(where, text) for where, text in watch.seen if not where.startswith("log of")]

    assert watch.leaks() == []


# --- what the search finds when a redaction is taken away


def _attached(self: Any, error: Exception, call: Any, url: str) -> Any:
    raise _failures.failure_of(error, url, call.operation, call.deadline) from error


class _Open:
    """Keeps a key where everybody looks."""

    def __init__(self, key: Any) -> None:
        self.key = key

    def __call__(self) -> Any:
        return self.key


NEVER = re.compile(r"(?!)")


def without_query_hiding(patch: pytest.MonkeyPatch) -> None:
    adapter = connections._BoundedAdapter
    patch.setattr(adapter, "request_url", HTTPAdapter.request_url)


def without_signature_hiding(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(redaction, "_LONG_HEX", NEVER)
    patch.setattr(redaction, "_QUERY", NEVER)


def without_url_hiding(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(origins, "safe_url", lambda url: url)


def with_attached_causes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(exchange.HttpExchange, "_failure", _attached)


@pytest.mark.parametrize(
    ("take_away", "session", "where"),
    [
        (without_query_hiding, lambda: None, "log of urllib3"),
        (without_signature_hiding, lambda: None, "result, 500 HTML"),
        (without_url_hiding, lambda: None, "result, redirect"),
        (with_attached_causes, requests.Session, "stop, refused"),
    ],
)
def test_the_search_sees_a_call_without_its_redaction(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    take_away: Callable[[pytest.MonkeyPatch], None],
    session: Callable[[], Any],
    where: str,
) -> None:
    take_away(monkeypatch)

    with watching(capfd) as watch:
        all_calls(watch, session())

    assert any(where in leak for leak in watch.leaks())


def test_the_search_sees_the_query_of_a_result_url(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_QUERY", NEVER)

    with watching(capfd) as watch:
        all_calls(watch)

    assert any(leak.startswith("result URL") for leak in watch.leaks())


def test_the_search_sees_a_key_that_is_not_closed_in(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wallet_module, "_closed", _Open)

    with watching(capfd) as watch:
        objects(watch, tmp_path)

    assert any(leak.startswith("key as") for leak in watch.leaks())


def test_the_search_sees_frames_that_are_not_cleared(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in (frames, select, signing):
        monkeypatch.setattr(module, "forget_locals", lambda *_: None)

    with watching(capfd) as watch:
        wallets(watch, tmp_path)
        all_calls(watch)

    found = watch.leaks()
    assert any(leak.startswith("key as") and "in parse_key" in leak for leak in found)
    assert any(leak.startswith("signature") and " in post" in leak for leak in found)


def test_the_search_sees_a_wallet_that_can_be_pickled(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(wallet_module, "_closed", _Open)
    monkeypatch.setattr(Wallet, "__reduce_ex__", lambda self, _: (dict, (), {"key": KEY}))

    with watching(capfd) as watch:
        objects(watch, tmp_path)

    assert any("_pickled" in leak for leak in watch.leaks())


def test_the_search_sees_a_key_in_a_message(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ocean_lib import checks as validation

    monkeypatch.setattr(validation, "printable", lambda value, **_: repr(value))

    with watching(capfd) as watch:
        wrong_places(watch)

    assert any(leak.startswith("key as") for leak in watch.leaks())


@pytest.mark.parametrize("words", ["a print", "a log"])
def test_the_search_sees_what_is_printed_and_logged(
    capfd: pytest.CaptureFixture[str], words: str
) -> None:
    with watching(capfd) as watch:
        if words == "a print":
            sys.stdout.write(KEY)
        else:
            logging.getLogger("some.library").debug("signing with %s", KEY)

    assert any(leak.startswith("key as") for leak in watch.leaks())


def test_the_texts_of_the_provider_are_kept_without_secrets() -> None:
    assert _responses.server_words("?signature=0x" + "ab" * 65) == "?signature=0x…"
    assert _responses.server_words("http://x/y?token=abc") == "http://x/y?…"
