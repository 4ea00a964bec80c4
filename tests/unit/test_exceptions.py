"""The tree of errors: as it is drawn, as old `except` clauses need it, and each class raised."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ocean_lib import exceptions
from ocean_lib.common.ddo.ddo import DDO
from ocean_lib.config import Config
from ocean_lib.data_provider.data_service_provider import DataServiceProvider
from ocean_lib.exceptions import OceanError
from ocean_lib.jobs import starting
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean_compute import OceanCompute
from tests.players import DID, ORDER, Fault, World, dated, new_wallet, not_your_signature, start
from tests.wire import answer, as_json, html, reset, silence

TESTS = Path(__file__).parents[1]


def real_tree() -> dict[str, tuple[str | None, list[str]]]:
    """Return class name to its parent in the tree and the builtins beside it."""
    found = {}
    for name, kind in vars(exceptions).items():
        if isinstance(kind, type) and issubclass(kind, OceanError):
            ours = [base.__name__ for base in kind.__bases__ if issubclass(base, OceanError)]
            builtins = [b.__name__ for b in kind.__bases__ if b.__module__ == "builtins"]
            found[name] = (ours[0] if ours else None, [b for b in builtins if b != "Exception"])
            assert len(ours) <= 1
    return found


def drawn_tree() -> dict[str, tuple[str | None, list[str]]]:
    """Read the same from the picture in the module's docstring."""
    found: dict[str, tuple[str | None, list[str]]] = {}
    above: list[str] = []
    for line in (exceptions.__doc__ or "").splitlines():
        match = re.match(r"    ((?:[│├└─ ]{4})*)(\w+)(?: \[([\w, ]+)\])?(?:  |$)", line)
        if match is None:
            continue
        depth = len(match[1]) // 4
        above[depth:] = [match[2]]
        builtins = [name.strip() for name in (match[3] or "").split(",") if name]
        found[match[2]] = (above[depth - 1] if depth else None, builtins)
    return found


TREE = real_tree()


def test_the_tree_is_as_it_is_drawn() -> None:
    assert drawn_tree() == TREE


@pytest.mark.parametrize("name", TREE)
def test_a_class_says_what_it_is_for(name: str) -> None:
    assert getattr(exceptions, name).__doc__


@pytest.mark.parametrize(
    ("name", "old"),
    [
        ("ConfigError", ValueError),
        ("InvalidInput", AssertionError),
        ("InvalidInput", ValueError),
        ("TransportError", ConnectionError),
        ("RequestTimeout", TimeoutError),
        ("ResponseError", ValueError),
        ("AssetNotFound", LookupError),
        ("JobNotFound", IndexError),
        ("ResultsWithheld", PermissionError),
        ("DownloadError", OSError),
        ("TransactionFailed", ValueError),
        ("VerifyTxFailed", AssertionError),
    ],
)
def test_old_except_clauses_still_catch(name: str, old: type[BaseException]) -> None:
    assert issubclass(getattr(exceptions, name), old)


# --- each class is raised


class OnTheWire:
    """A client whose Provider or metadata cache does something wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wallet = new_wallet()
        self.compute: OceanCompute = world.compute(**{"timeout.read": 0.3, "timeout.total": 1})
        self.job_id = start(self.compute, self.wallet)

    def status(self, *fault: Any) -> Any:
        self.world.provider.faults["status"] = Fault(*fault)
        return self.compute.status(DID, self.job_id, self.wallet)

    def stop(self, *fault: Any) -> Any:
        self.world.provider.faults["stop"] = Fault(*fault)
        return self.compute.stop(DID, self.job_id, self.wallet)

    def start(self, reply: Any, *, acts: bool = False) -> Any:
        self.world.provider.faults["start"] = Fault(reply, acts=acts)
        return start(self.compute, self.wallet)

    def refused(self, text: str) -> Any:
        return self.start(as_json({"error": text}, 400))

    def cache(self, *fault: Any) -> Any:
        self.compute.clear_caches()
        self.world.aquarius.fault = Fault(*fault)
        return self.compute.status(DID, self.job_id, self.wallet)

    def refuse_connections(self) -> Any:
        self.world.provider.server.go_down()
        return self.compute.status(DID, self.job_id, self.wallet)

    def withhold(self) -> Any:
        other = new_wallet()
        liar = type(
            "Liar", (), {"address": self.wallet.address, "sign_message": other.sign_message}
        )
        return self.compute.result(DID, self.job_id, liar())

    def disable(self) -> Any:
        self.world.aquarius.ddo["isDisable"] = True
        self.world.provider.faults["fileinfo"] = Fault(dated([]))
        self.compute.clear_caches()
        return start(self.compute, self.wallet)

    def no_service(self) -> Any:
        return self.compute.start([ComputeInput(DID, ORDER, 0)], self.wallet, algorithm_meta=_raw())

    def encrypt(self) -> Any:
        address = self.wallet.address
        url = f"{self.world.provider.url}/api/v1/services/encrypt"
        self.world.provider.faults.setdefault("encrypt", Fault(html(404)))
        return DataServiceProvider().encrypt_files_dict([], url, address, address, "0x")

    def wants_https(self) -> Any:
        secure = self.world.provider.url.replace("http:", "https:")
        there = answer(301, "", Location=f"{secure}/api/v1/services/encrypt")
        self.world.provider.faults["encrypt"] = Fault(there)
        return self.encrypt()

    def silent_signer(self) -> Any:
        signer = type(
            "Signer", (), {"address": self.wallet.address, "sign_message": lambda *_: b""}
        )
        return self.compute.stop(DID, self.job_id, signer())


def _raw() -> Any:
    from tests.players import RAW

    return RAW


FIELDS = {"errors": {"documentId": ["It is required."]}, "message": "Validation error"}
UNTRUSTED = "cannot run algorithm: the algorithm x is not trusted by y"
BIG = answer(200, b" " * (11 * 1024 * 1024))

WIRE: dict[str, Callable[[OnTheWire], Any]] = {
    "ConnectFailed": OnTheWire.refuse_connections,
    "ConnectionBroken": lambda w: w.stop(reset),
    "RequestTimeout": lambda w: w.status(silence),
    "MalformedResponse": lambda w: w.status(answer(200, "<p>Welcome</p>")),
    "ResponseTooLarge": lambda w: w.status(BIG),
    "RedirectRefused": lambda w: w.status(answer(302, "", Location="http://x/")),
    "MovedToHttps": OnTheWire.wants_https,
    "ProviderError": lambda w: w.status(html(401)),
    "RequestInvalid": lambda w: w.start(as_json(FIELDS, 400)),
    "SignatureRejected": lambda w: w.start(not_your_signature()),
    "WorkflowRefused": lambda w: w.refused("Something is wrong."),
    "AlgorithmNotTrusted": lambda w: w.refused(UNTRUSTED),
    "RawAlgorithmNotAllowed": lambda w: w.refused("cannot run raw algorithm on this did x."),
    "OrderNotValid": lambda w: w.refused("Order for serviceId 4 is not valid."),
    "AccessDenied": lambda w: w.refused("Error: Access to asset x was denied with code: 3."),
    "EndpointNotFound": lambda w: w.status(html(404)),
    "ServiceUnavailable": lambda w: w.stop(html(502)),
    "TooManyRequests": lambda w: w.stop(html(429)),
    "ProviderFault": lambda w: w.stop(html(500)),
    "OceanEncryptAssetUrlsError": OnTheWire.encrypt,
    "AquariusError": lambda w: w.cache(html(500)),
    "AssetNotFound": lambda w: w.cache(html(404)),
    "JobNotFound": lambda w: w.compute.status(DID, "no such job", w.wallet),
    "ResultsWithheld": OnTheWire.withhold,
    "StartUncertain": lambda w: w.start(reset),
    "AssetNotConsumable": OnTheWire.disable,
    "NoComputeService": OnTheWire.no_service,
    "SigningFailed": OnTheWire.silent_signer,
    "InvalidInput": lambda w: w.compute.status(DID, "", w.wallet),
    "InvalidDid": lambda w: w.compute.status("did:op:", "abc", w.wallet),
    "InvalidAddress": lambda w: DataServiceProvider().get_nonce("0x", w.world.provider.url),
    "InvalidTransactionHash": lambda _: ComputeInput(DID, "0x", 4),
    "InvalidUrl": lambda _: DataServiceProvider().get_service_endpoints("x"),
    "ConfigError": lambda w: w.world.config(**{"timeout.read": "soon"}),
    "ConfigFileMissing": lambda _: Config("/no/such/file.ini"),
    "InvalidDocument": lambda _: DDO(dictionary={}),
}
"""Each of these raises the class, at the wire wherever it belongs there."""

ELSEWHERE = {
    "WalletError": "unit/web3_internal/test_wallet.py",
    "WrongPassword": "unit/web3_internal/test_wallet.py",
    "ProviderNotTrusted": "integration/test_trusted_providers.py",
    "MalformedCredential": "unit/common/ddo/test_conditions.py",
    "InvalidDescription": "unit/documents/test_description.py",
    "NotYourAsset": "integration/test_changing.py",
    "NotOffered": "unit/backends/node/test_backend.py",
    "NotYourJob": "unit/backends/node/test_backend.py",
    "EnvironmentUnavailable": "unit/backends/node/test_environments.py",
    "ImageNotFound": "unit/backends/node/test_backend.py",
    "EscrowNotReady": "unit/backends/node/test_backend.py",
    "JobTimeoutError": "integration/test_jobs.py",
    "DownloadError": "unit/ocean/test_results.py",
    "ChainError": "integration/test_contracts.py",
    "InsufficientBalance": "integration/test_assets.py",
    "CostAboveLimit": "integration/test_buying.py",
    "ContractNotFound": "integration/test_contracts.py",
    "NodeBusy": "integration/test_node_limits.py",
    "TransactionFailed": "integration/test_contracts.py",
    "TransactionTimeout": "integration/test_contracts.py",
    "VerifyTxFailed": "integration/test_contracts.py",
}
"""Classes that no Provider and no metadata cache can cause, and where their test is."""

NEVER_ITSELF = {"OceanError", "TransportError", "ResponseError", "JobError"}
"""Classes that only group others."""


def test_every_class_is_raised_by_a_test() -> None:
    assert set(TREE) == set(WIRE) | set(ELSEWHERE) | NEVER_ITSELF


@pytest.mark.parametrize("name", sorted(NEVER_ITSELF))
def test_a_class_that_groups_has_classes_below_it(name: str) -> None:
    assert any(parent == name for parent, _ in TREE.values())


@pytest.mark.parametrize(("name", "where"), ELSEWHERE.items())
def test_the_test_that_is_named_raises_the_class(name: str, where: str) -> None:
    assert re.search(rf"raises\([^)]*\b{name}\b", (TESTS / where).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", WIRE)
def test_a_class_is_raised_with_all_it_should_say(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01,))
    with World() as world:
        case = OnTheWire(world)
        with pytest.raises(OceanError) as caught:
            WIRE[name](case)

    error = caught.value
    assert type(error).__name__ == name
    check_words(error)
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)


def check_words(error: OceanError) -> None:
    assert str(error).isprintable()
    assert re.search(r"[.)…]$", str(error)), "a whole sentence"
    assert len(str(error).split()) > 4
    assert error.__cause__ is None
    if not isinstance(error, exceptions.ResponseError):
        return
    assert error.operation
    assert error.operation in str(error)
    assert error.url.startswith("http://127.0.0.1:")
    assert error.url.partition("/api")[0] in str(error)
    assert "?" not in error.url
    if error.status_code >= 400:
        assert str(error.status_code) in str(error)
        assert error.provider_text
        is_said = error.provider_text in str(error)
        assert is_said or isinstance(error, exceptions.AssetNotFound)  # its page says nothing more
