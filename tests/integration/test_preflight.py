"""What `check` predicts is what the Provider then answers, over the whole table of refusals."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from ocean_lib.assets.asset import Asset
from ocean_lib.config import Config
from ocean_lib.exceptions import (
    AccessDenied,
    AlgorithmNotTrusted,
    AssetNotConsumable,
    InsufficientBalance,
    InvalidInput,
    OceanError,
    OrderNotValid,
    ProviderFault,
    RawAlgorithmNotAllowed,
    ServiceUnavailable,
    SignatureRejected,
    TransportError,
    WorkflowRefused,
)
from ocean_lib.localnet import LocalNetwork
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.ocean.ocean import Ocean
from ocean_lib.ocean.ocean_compute import OceanCompute
from ocean_lib.preflight.findings import Findings
from tests import flows
from tests.integration.preflight_world import ABSENT_TX, GONE, TOKEN, UNKNOWN_DID, Job, World
from tests.wire import Reply, Request, WireServer, as_json

NOT_ORDERED = OceanCompute.NOT_ORDERED
OTHER_PUBLISHER = "0x" + "2" * 40


@pytest.fixture(scope="module")
def world(network: LocalNetwork) -> World:
    wallets = [network.wallet(index) for index in (0, 1, 2)]
    return World(network, Ocean(network.config), *wallets)


def check(world: World, job: Job) -> Findings:
    return world.ocean.compute.check(**job.arguments(world.consumer))


def privacy(asset: Asset) -> dict[str, Any]:
    service = asset.get_service("compute")
    assert service is not None
    return service.main["privacy"]


def metadata(asset: Asset) -> dict[str, Any]:
    assert asset.metadata is not None
    return asset.metadata


# --- the faults, as changes of an asset


def set_files(world: World, *urls: str) -> Callable[[Asset], None]:
    return lambda asset: metadata(asset).update(encryptedFiles=world.encrypted(asset, *urls))


def foreign_files(asset: Asset) -> None:
    metadata(asset).update(encryptedFiles="0x04" + "ab" * 200)


def other_container(asset: Asset) -> None:
    metadata(asset)["main"]["algorithm"]["container"]["tag"] = "3.13"


def no_tag(asset: Asset) -> None:
    metadata(asset)["main"]["algorithm"]["container"]["tag"] = ""


def other_publishers(asset: Asset) -> None:
    privacy(asset)["publisherTrustedAlgorithmPublishers"] = [OTHER_PUBLISHER]


def entry_without_did(asset: Asset) -> None:
    privacy(asset)["publisherTrustedAlgorithms"].append({"filesChecksum": "0"})


def list_too(asset: Asset, algorithm: Asset) -> None:
    privacy(asset)["publisherTrustedAlgorithms"].append({"did": str(algorithm.did)})


def no_checksums(asset: Asset) -> None:
    privacy(asset)["publisherTrustedAlgorithms"][0] = {
        "did": privacy(asset)["publisherTrustedAlgorithms"][0]["did"]
    }


def no_cost(asset: Asset) -> None:
    service = asset.get_service("compute")
    assert service is not None
    del service.main["cost"]


def costs(cost: Any) -> Callable[[Asset], None]:
    def change(asset: Asset) -> None:
        service = asset.get_service("compute")
        assert service is not None
        service.main["cost"] = cost

    return change


def unreadable_rules(asset: Asset) -> None:
    service = asset.get_service("compute")
    assert service is not None
    service.main["privacy"] = ["nobody"]


def allow(address: str) -> Callable[[Asset], None]:
    return lambda asset: asset.add_address_to_allow_list(address)


def deny(address: str) -> Callable[[Asset], None]:
    return lambda asset: asset.add_address_to_deny_list(address)


# --- jobs that take more than a line


def on(world: World, change: Callable[[Asset], None] | None = None, **options: Any) -> Job:
    """A raw job on a new data set."""
    return world.raw(world.ordered(world.new_dataset(change, **options)))


def by(world: World, change: Callable[[Asset], None]) -> Job:
    """A job of a new algorithm with this fault, on the open data set."""
    return world.by_did(world.open_input, algorithm=world.new_algorithm(change))


def changed_since(world: World, change: Callable[[Asset], None]) -> Job:
    algorithm = world.new_algorithm()
    dataset = world.new_dataset(trusted=[algorithm.did])
    world.changed(algorithm, change)
    return world.by_did(world.ordered(dataset), algorithm=algorithm)


def with_order(world: World, order: str) -> Job:
    return world.raw(replace(world.dataset_input, transfer_tx_id=order))


def with_algorithm_order(world: World, order: str | None, **other: Any) -> Job:
    return replace(world.by_did(world.dataset_input), algorithm_tx_id=order, **other)


def minted(world: World) -> str:
    token = world.ocean.get_data_token(world.dataset.data_token_address)
    return token.mint(world.consumer.address, TOKEN, world.publisher)


def stranger_paid_stranger(world: World, asset: Asset, index: int) -> str:
    return world.order(asset, index, consumer=world.stranger)


@dataclass(frozen=True)
class Case:
    """A job, what is predicted, and what the Provider says.

    Attributes:
        make: makes the job.
        codes: of the findings.
        error: what the Provider's answer is read as; None: it starts the job.
        words: stand in its answer.
    """

    make: Callable[[World], Job]
    codes: tuple[str, ...] = ()
    error: type[OceanError] | None = None
    words: str = ""


ORDER = "Order for serviceId 4 is not valid"
ALGORITHM_ORDER = "already in use or can not be found on chain"
SAME_PROVIDER = "must be in the same provider"

CASES = {
    # --- nothing in the way
    "by DID": Case(lambda w: w.by_did(w.dataset_input)),
    "raw": Case(lambda w: w.raw(w.dataset_input)),
    "two inputs, one for access": Case(
        lambda w: w.by_did(w.dataset_input, w.ordered(w.open_dataset, 3))
    ),
    "every published algorithm": Case(
        lambda w: w.by_did(w.open_input, algorithm=w.other_algorithm)
    ),
    "trusted in any version": Case(lambda w: w.by_did(w.ordered(w.new_dataset(no_checksums)))),
    "order paid by the consumer for somebody else": Case(
        lambda w: with_order(w, w.order(w.dataset, 4, consumer=w.stranger, payer=w.consumer))
    ),
    "order paid by somebody else for the consumer": Case(
        lambda w: with_order(w, w.order(w.dataset, 4, consumer=w.consumer, payer=w.stranger))
    ),
    "order that paid more": Case(lambda w: with_order(w, w.order(w.dataset, 4, amount=2 * TOKEN))),
    "on the allow list": Case(lambda w: on(w, allow(w.consumer.address.lower()))),
    "network allowed": Case(
        lambda w: replace(
            on(w, allow_network=True), algorithm_meta=flows.raw_code("import requests")
        )
    ),
    # --- assets
    "unknown data set": Case(
        lambda w: w.raw(ComputeInput(UNKNOWN_DID, w.dataset_input.transfer_tx_id, 4)),
        ("asset-not-found",),
        WorkflowRefused,
        f"Asset for did {UNKNOWN_DID} not found",
    ),
    "unknown second input": Case(
        lambda w: w.raw(
            w.dataset_input, ComputeInput(UNKNOWN_DID, w.dataset_input.transfer_tx_id, 4)
        ),
        ("asset-not-found",),
        WorkflowRefused,
        f"input at index 1: Asset for did {UNKNOWN_DID} not found",
    ),
    "disabled": Case(
        lambda w: on(w, lambda asset: asset.disable()), ("asset-disabled",), AccessDenied, "code: 1"
    ),
    "not on the allow list": Case(
        lambda w: on(w, allow(OTHER_PUBLISHER)), ("not-on-allow-list",), AccessDenied, "code: 3"
    ),
    "on the deny list": Case(
        lambda w: on(w, deny(w.consumer.address)), ("on-deny-list",), AccessDenied, "code: 4"
    ),
    "files of another Provider": Case(
        lambda w: on(w, foreign_files), ("files-not-readable",), WorkflowRefused, SAME_PROVIDER
    ),
    # --- services
    "no compute service": Case(
        lambda w: w.raw(w.ordered(w.download_only, 3)),
        ("no-compute-service",),
        WorkflowRefused,
        "Service for main asset must be compute",
    ),
    "wrong index": Case(
        lambda w: w.raw(replace(w.dataset_input, service_id=9)),
        ("no-such-service",),
        ProviderFault,
    ),
    "metadata as a service": Case(
        lambda w: w.raw(replace(w.dataset_input, service_id=0)),
        ("wrong-service-type",),
        WorkflowRefused,
        "can only be access or compute",
    ),
    "access as the main service": Case(
        lambda w: w.by_did(w.ordered(w.open_dataset, 3)),
        ("wrong-service-type",),
        WorkflowRefused,
        "Service for main asset must be compute",
    ),
    # --- trust
    "nobody trusted": Case(
        lambda w: w.by_did(w.ordered(w.new_dataset(trusted=()))),
        ("nobody-trusted",),
        AlgorithmNotTrusted,
        "no trusted algorithms are set",
    ),
    "another is trusted": Case(
        lambda w: w.by_did(w.dataset_input, algorithm=w.other_algorithm),
        ("algorithm-not-trusted",),
        AlgorithmNotTrusted,
        "is not trusted",
    ),
    "not trusted by the second input": Case(
        lambda w: w.by_did(w.dataset_input, w.ordered(w.new_dataset(trusted=()))),
        ("nobody-trusted",),
        AlgorithmNotTrusted,
        "input at index 1: Using algorithmDid",
    ),
    "files changed since": Case(
        lambda w: changed_since(w, set_files(w, w.file())),
        ("files-changed",),
        AlgorithmNotTrusted,
        "filesChecksum",
    ),
    "container changed since": Case(
        lambda w: changed_since(w, other_container),
        ("container-changed",),
        AlgorithmNotTrusted,
        "containerSectionChecksum",
    ),
    "publisher not trusted": Case(
        lambda w: w.by_did(w.ordered(w.new_dataset(other_publishers))),
        ("publisher-not-trusted",),
        WorkflowRefused,
        "not from a trusted publisher",
    ),
    "an entry without a did": Case(
        lambda w: w.by_did(w.ordered(w.new_dataset(entry_without_did))),
        ("trust-list-unreadable",),
        WorkflowRefused,
        "don't have a did",
    ),
    "rules unreadable": Case(
        lambda w: on(w, unreadable_rules), ("rules-unreadable",), ProviderFault
    ),
    "a data set on the list": Case(
        lambda w: w.by_did(
            w.ordered(w.new_dataset(lambda a: list_too(a, w.open_dataset))),
            algorithm=w.open_dataset,
        ),
        ("not-an-algorithm",),
        WorkflowRefused,
        "is not a valid algorithm",
    ),
    "raw not allowed": Case(
        lambda w: w.raw(w.open_input),
        ("raw-not-allowed",),
        RawAlgorithmNotAllowed,
        "cannot run raw algorithm",
    ),
    # --- the algorithm
    "raw, container incomplete": Case(
        lambda w: w.raw(w.dataset_input, meta={"container": {"image": "python"}}),
        ("container-incomplete",),
        WorkflowRefused,
        "must specify values for all of entrypoint, image and tag",
    ),
    "raw, no code": Case(
        lambda w: w.raw(w.dataset_input, meta={"rawcode": ""}),
        ("no-code",),
        WorkflowRefused,
        "must define one of `url` or `rawcode`",
    ),
    "unknown algorithm": Case(
        lambda w: replace(w.by_did(w.open_input), algorithm_did=UNKNOWN_DID),
        ("asset-not-found",),
        ProviderFault,
    ),
    "not an algorithm": Case(
        lambda w: w.by_did(
            w.open_input,
            algorithm=w.dataset,
            algorithm_tx_id=w.dataset_input.transfer_tx_id,
        ),
        ("not-an-algorithm",),
        WorkflowRefused,
        "is not a valid algorithm",
    ),
    "published container incomplete": Case(
        lambda w: by(w, no_tag),
        ("container-incomplete",),
        WorkflowRefused,
        "must specify values for all of entrypoint, image and tag",
    ),
    "algorithm disabled": Case(
        lambda w: by(w, lambda asset: asset.disable()), ("asset-disabled",), AccessDenied, "code: 1"
    ),
    "algorithm denied": Case(
        lambda w: by(w, deny(w.consumer.address)), ("on-deny-list",), AccessDenied, "code: 4"
    ),
    "algorithm's files of another Provider": Case(
        lambda w: by(w, foreign_files), ("files-not-readable",), WorkflowRefused, SAME_PROVIDER
    ),
    # --- orders
    "not ordered": Case(
        lambda w: with_order(w, NOT_ORDERED),
        ("not-ordered", "balance-too-low"),
        OrderNotValid,
        ORDER,
    ),
    "order not on chain": Case(
        lambda w: with_order(w, ABSENT_TX), ("order-not-found",), OrderNotValid, ORDER
    ),
    "no order": Case(
        lambda w: with_order(w, minted(w)), ("order-not-found",), OrderNotValid, ORDER
    ),
    "order reverted": Case(
        lambda w: with_order(w, w.reverted_order(w.dataset)),
        ("order-failed",),
        OrderNotValid,
        ORDER,
    ),
    "order of another service": Case(
        lambda w: with_order(w, w.order(w.dataset, 3)),
        ("order-other-service",),
        OrderNotValid,
        ORDER,
    ),
    "order of another data token": Case(
        lambda w: with_order(w, w.open_input.transfer_tx_id),
        ("order-other-datatoken",),
        OrderNotValid,
        ORDER,
    ),
    "order of another consumer": Case(
        lambda w: with_order(w, stranger_paid_stranger(w, w.dataset, 4)),
        ("order-other-consumer",),
        OrderNotValid,
        ORDER,
    ),
    "order paid too little": Case(
        lambda w: with_order(w, w.order(w.dataset, 4, amount=TOKEN - 1)),
        ("order-too-little",),
        OrderNotValid,
        ORDER,
    ),
    "no price": Case(lambda w: on(w, no_cost), ("price-unreadable",), OrderNotValid, ORDER),
    "order of the second input": Case(
        lambda w: w.raw(
            w.dataset_input, replace(w.dataset_input, transfer_tx_id=w.open_input.transfer_tx_id)
        ),
        ("order-other-datatoken",),
        OrderNotValid,
        f"input at index 1: {ORDER}",
    ),
    # --- the algorithm's order
    "algorithm order not on chain": Case(
        lambda w: with_algorithm_order(w, ABSENT_TX),
        ("order-not-found",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "algorithm not ordered": Case(
        lambda w: with_algorithm_order(w, NOT_ORDERED),
        ("not-ordered", "balance-too-low"),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "algorithm order of a service it has not": Case(
        lambda w: with_algorithm_order(w, w.order(w.algorithm, 7)),
        ("order-other-service",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "algorithm order of another data token": Case(
        lambda w: with_algorithm_order(w, w.dataset_input.transfer_tx_id),
        ("order-other-datatoken",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "algorithm order of another consumer": Case(
        lambda w: with_algorithm_order(w, stranger_paid_stranger(w, w.algorithm, 3)),
        ("order-other-consumer",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "algorithm order paid too little": Case(
        lambda w: with_algorithm_order(w, w.order(w.algorithm, 3, amount=1)),
        ("order-too-little",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    "wrong algorithm data token": Case(
        lambda w: with_algorithm_order(
            w, w.algorithm_order, algorithm_data_token=w.dataset.data_token_address
        ),
        ("wrong-datatoken",),
        OrderNotValid,
        ALGORITHM_ORDER,
    ),
    # --- the signature
    "stale nonce": Case(
        lambda w: replace(w.raw(w.dataset_input), nonce=10**6),
        ("stale-nonce",),
        SignatureRejected,
        "Invalid signature",
    ),
    "a wallet that did not order": Case(
        lambda w: replace(w.raw(w.dataset_input), wallet=w.stranger),
        ("order-other-consumer",),
        OrderNotValid,
        ORDER,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_predicted_is_what_the_provider_says(world: World, name: str) -> None:
    case = CASES[name]
    job = case.make(world)

    findings = check(world, job)
    answer: OceanError | None = None
    try:
        world.send(job)
    except OceanError as error:
        answer = error

    assert findings.codes == list(case.codes), str(findings)
    assert [finding.severity for finding in findings] == ["refused"] * len(case.codes)
    assert findings.ok is (case.error is None)
    assert all(finding.what and finding.how_to_mend for finding in findings)
    if case.error is None:
        assert answer is None
    else:
        assert type(answer) is case.error
        assert case.words in str(answer)


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name].error is None])
def test_what_is_found_good_is_started_by_start(world: World, name: str) -> None:
    job = CASES[name].make(world)

    assert world.ocean.compute.start(**job.arguments(world.consumer))


@pytest.mark.parametrize("which", ["the only", "a later"])
def test_an_unreachable_file_of_the_main_input_is_refused_by_start_itself(
    world: World, which: str
) -> None:
    job = on(world, set_files(world, *([GONE] if which == "the only" else [world.file(), GONE])))

    assert check(world, job).codes == ["file-unreachable"]
    with pytest.raises(AssetNotConsumable):
        world.ocean.compute.start(**job.arguments(world.consumer))
    assert world.send(job)["status"] == 1


def test_data_that_check_saw_vanish_is_refused_by_start_though_it_was_reached_before(
    world: World,
) -> None:
    job = on(world)
    arguments = job.arguments(world.consumer)
    world.ocean.compute.start(**arguments)
    asset = world.ocean.assets.resolve(job.inputs[0].did)
    set_files(world, GONE)(asset)
    world.ocean.assets.update(asset, world.publisher)

    assert check(world, job).codes == ["file-unreachable"]
    with pytest.raises(AssetNotConsumable):
        world.ocean.compute.start(**arguments)


def test_what_only_the_job_would_trip_over_is_a_warning(world: World) -> None:
    first = world.new_dataset(set_files(world, GONE, world.file()))
    late = world.new_dataset(set_files(world, world.file(), GONE))
    for code, job in (
        (31, world.raw(world.dataset_input, world.ordered(first))),
        (31, world.raw(world.dataset_input, world.ordered(late))),
        (32, by(world, set_files(world, GONE))),
    ):
        findings = check(world, job)
        handle = world.ocean.compute.submit(**job.arguments(world.consumer))
        status = handle.wait(timeout=20, progress=False)

        assert (len(findings), findings.ok, len(findings.warnings)) == (1, True, 1)
        assert f"status {code}" in findings[0].what
        assert status.code == code
    raw = world.raw(world.dataset_input, meta={"rawcode": "", "url": GONE})
    assert check(world, raw).codes == ["algorithm-unreachable"]


def test_code_that_wants_the_network_is_warned_where_there_is_none(world: World) -> None:
    uses = world.raw(world.dataset_input, meta={"rawcode": "x = 1\nimport requests  # ask\n"})
    mixed = world.raw(world.dataset_input, world.ordered(world.new_dataset(allow_network=True)))

    assert "import requests" in check(world, uses)[0].what
    assert check(world, mixed).codes == ["network-not-allowed"]
    assert check(world, mixed).ok


UNRUNNABLE = {
    "a shell's double quotes": ({"entrypoint": "python3 "}, "entrypoint-without-algorithm"),
    "another variable": ({"entrypoint": "python3 $ALGORITHM"}, "entrypoint-without-algorithm"),
    "braces": ({"entrypoint": "python3 ${ALGO}"}, "entrypoint-without-algorithm"),
    "lower case": ({"entrypoint": "python3 $algo"}, "entrypoint-without-algorithm"),
    "a file beside it": ({"entrypoint": "python3 $ALGO/main.py"}, "entrypoint-without-algorithm"),
    "a blank entry point": ({"entrypoint": " "}, "container-incomplete"),
    "a blank image": ({"image": " "}, "container-incomplete"),
    "a blank tag": ({"tag": "\t"}, "container-incomplete"),
    "an image with its tag": ({"image": "python:3.8"}, "image-unusable"),
    "an image in capitals": ({"image": "Python"}, "image-unusable"),
    "a tag with a blank": ({"tag": "3 8"}, "image-unusable"),
}


@pytest.mark.parametrize("fault", UNRUNNABLE)
def test_what_is_there_and_means_nothing_is_refused_in_raw_code_and_warned_of_in_published(
    world: World, fault: str
) -> None:
    change, code = UNRUNNABLE[fault]

    def spoil(asset: Asset) -> None:
        metadata(asset)["main"]["algorithm"]["container"].update(change)

    raw = world.raw(world.dataset_input, meta={"container": flows.CONTAINER | change})
    own, published = check(world, raw), check(world, by(world, spoil))

    assert [(finding.code, finding.severity) for finding in own] == [(code, "refused")]
    assert [(finding.code, finding.severity) for finding in published] == [(code, "warning")]
    with pytest.raises(InvalidInput):
        world.ocean.compute.submit(**raw.arguments(world.consumer))


@pytest.mark.parametrize("code", ["", " \n", "print('\ud800')  # half a character"])
def test_code_that_is_none_is_refused(world: World, code: str) -> None:
    job = world.raw(world.dataset_input, meta={"rawcode": code})

    (finding,) = check(world, job)

    assert finding.severity == "refused"
    assert finding.code == ("code-not-text" if "half" in code else "no-code")
    with pytest.raises(InvalidInput):
        world.ocean.compute.submit(**job.arguments(world.consumer))


def test_code_that_back_ends_take_for_none_is_warned_of(world: World) -> None:
    job = world.raw(world.dataset_input, meta={"rawcode": "print(123)"})

    assert check(world, job).codes == ["code-too-short"]
    assert check(world, job).ok


def test_files_of_an_algorithm_that_no_job_gets_are_warned_of(world: World) -> None:
    def second_file(asset: Asset) -> None:
        metadata(asset)["main"]["files"].append({"index": 1, "contentType": "text/plain"})
        set_files(world, world.file(), world.file())(asset)

    findings = check(world, by(world, second_file))

    assert [(f.code, f.severity) for f in findings] == [("only-first-file", "warning")]


# --- what the published Provider does not refuse


def as_published(network: LocalNetwork, version: str) -> Callable[[Request], Reply]:
    """Pass everything on to the embedded Provider, and look like a published one."""

    def route(request: Request) -> Reply:
        answered = requests.request(
            request.method,
            network.provider_url + request.target,
            data=request.body,
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        document = answered.json()
        if request.path == "/":
            del document["embeddedNetwork"]
            document["version"] = version
        return as_json(document, answered.status_code)

    return route


@pytest.mark.parametrize(
    ("version", "severity"), [("0.4.12", "warning"), ("0.4.13", "refused"), ("none", "refused")]
)
def test_a_trusted_publisher_counts_where_the_provider_reads_who_is_trusted(
    world: World, version: str, severity: str
) -> None:
    with WireServer(as_published(world.network, version)) as provider:
        asset = world.new_dataset(other_publishers, provider_uri=provider.url)
        findings = check(world, world.by_did(world.ordered(asset)))

    assert [(f.code, f.severity) for f in findings] == [("publisher-not-trusted", severity)]
    assert ("Provider 0.4.12" in findings[0].what) is (severity == "warning")


def test_where_publishers_do_not_count_the_list_still_does(world: World) -> None:
    with WireServer(as_published(world.network, "0.4.12")) as provider:
        asset = world.new_dataset(other_publishers, provider_uri=provider.url)
        job = world.by_did(world.ordered(asset), algorithm=world.other_algorithm)
        findings = check(world, job)

    assert findings.codes == ["publisher-not-trusted", "algorithm-not-trusted"]
    assert not findings.ok


def test_who_may_use_an_algorithm_counts_when_it_is_ordered_and_not_at_the_start(
    world: World,
) -> None:
    algorithm = world.new_algorithm(deny(world.consumer.address))
    with WireServer(as_published(world.network, "0.4.12")) as provider:
        asset = world.new_dataset(allow_all=True, provider_uri=provider.url)
        ordered = world.by_did(world.ordered(asset), algorithm=algorithm)
        with_order = check(world, ordered)
        without = check(world, replace(ordered, algorithm_tx_id=NOT_ORDERED))

    assert [(f.code, f.severity) for f in with_order] == [("on-deny-list", "warning")]
    denied = [f.severity for f in without if f.code == "on-deny-list"]
    assert denied == ["refused"]


def test_an_order_of_another_asset_counts_if_the_same_publisher_was_paid_by_it(
    world: World,
) -> None:
    def severities(order: str, index: int = 4) -> list[tuple[str, str]]:
        job = world.raw(ComputeInput(str(asset.did), order, index))
        return [(finding.code, finding.severity) for finding in check(world, job)]

    code = "order-other-datatoken"
    strangers = flows.publish_algorithm(world.ocean, world.network, world.stranger, "print(1 + 1)")
    token = world.ocean.get_data_token(strangers.data_token_address)
    token.mint(world.consumer.address, TOKEN, world.stranger)
    with WireServer(as_published(world.network, "0.4.12")) as provider:
        asset = world.new_dataset(provider_uri=provider.url)

        assert severities(world.order(world.open_dataset, 4)) == [(code, "warning")]
        assert severities(world.order(world.open_dataset, 3)) == [(code, "refused")]
        assert severities(world.order(world.open_dataset, 4, amount=1)) == [(code, "refused")]
        foreign = token.startOrder(world.consumer.address, TOKEN, 4, None, world.consumer)
        assert severities(foreign) == [(code, "refused")]


def test_before_ordering_everything_else_is_known(world: World) -> None:
    dataset, algorithm = world.new_dataset(trusted=()), world.other_algorithm
    job = Job((ComputeInput(str(dataset.did), NOT_ORDERED, 4),), algorithm_did=str(algorithm.did))

    poor = check(world, job)
    world.ocean.assets.trust(str(dataset.did), str(algorithm.did), world.publisher)
    for asset in (dataset, algorithm):
        world.ocean.get_data_token(asset.data_token_address).mint(
            world.consumer.address, TOKEN, world.publisher
        )
    rich = check(world, job)

    assert poor.codes == [
        "not-ordered", "nobody-trusted", "not-ordered", "balance-too-low", "balance-too-low",
    ]  # fmt: skip
    assert not poor.can_order
    assert rich.codes == ["not-ordered", "not-ordered"]
    assert (rich.can_order, rich.ok) == (True, False)


def test_one_balance_has_to_pay_for_all_orders_of_its_token(world: World) -> None:
    dataset = world.new_dataset()
    item = ComputeInput(str(dataset.did), NOT_ORDERED, 4)
    token = world.ocean.get_data_token(dataset.data_token_address)
    token.mint(world.consumer.address, TOKEN, world.publisher)

    assert check(world, world.raw(item)).can_order
    twice = check(world, world.raw(item, item))

    assert twice.codes == ["not-ordered", "balance-too-low"]
    assert "has 1 of" in twice[1].what
    assert "needs 2 " in twice[1].what


def test_nothing_is_given_of_the_algorithm(world: World) -> None:
    none = check(world, Job((world.dataset_input,)))
    unpaid = check(world, replace(world.by_did(world.dataset_input), algorithm_data_token=None))

    assert none.codes == ["no-algorithm"]
    assert unpaid.codes == ["wrong-datatoken"]
    assert world.algorithm.data_token_address in unpaid[0].how_to_mend


def test_several_faults_are_all_told_at_once(world: World) -> None:
    def spoil(asset: Asset) -> None:
        asset.disable()
        asset.add_address_to_deny_list(world.consumer.address)
        set_files(world, GONE)(asset)

    dataset = world.new_dataset(spoil, raw=False)
    job = world.raw(ComputeInput(str(dataset.did), ABSENT_TX, 4), meta={"rawcode": ""})

    assert set(check(world, job).codes) == {
        "asset-disabled", "file-unreachable", "order-not-found", "raw-not-allowed", "no-code",
    }  # fmt: skip


def test_a_check_starts_nothing_and_moves_no_nonce(world: World) -> None:
    url, address = world.network.provider_url, world.consumer.address
    job = world.by_did(world.dataset_input)
    provider = world.ocean.data_provider
    did = str(world.dataset.did)
    jobs = {job.job_id for job in world.ocean.compute.jobs(world.consumer, did)}
    nonce = provider.get_nonce(address, url)

    assert check(world, replace(job, nonce=nonce)).codes == []
    assert provider.get_nonce(address, url) == nonce
    assert {job.job_id for job in world.ocean.compute.jobs(world.consumer, did)} == jobs


def test_what_cannot_be_asked_is_unknown_and_no_error(world: World) -> None:
    options = world.network.options
    job = world.by_did(world.dataset_input).arguments(world.consumer)
    away = flows.publish_dataset(
        world.ocean, world.network, world.publisher, "1\n", raw=True,
        provider_uri="http://127.0.0.1:9",
    )  # fmt: skip
    away_job = world.raw(world.ordered(away))

    no_cache = Ocean(Config(options_dict=_with(options, "metadata_cache_uri")))
    no_chain = Ocean(Config(options_dict=_with(options, "network")))
    silent_cache = no_cache.compute.check(**job)
    silent_chain = no_chain.compute.check(**job)
    silent_provider = check(world, away_job)

    assert silent_cache.codes == ["asset-unknown", "asset-unknown"]
    assert silent_chain.codes == ["order-unknown", "order-unknown"]
    assert silent_provider.codes == ["provider-unknown"]
    for findings in (silent_cache, silent_chain, silent_provider):
        assert [f.severity for f in findings] == ["unknown"] * len(findings)
        assert not findings.ok
    with pytest.raises(TransportError):
        world.ocean.compute.start(**away_job.arguments(world.consumer))


def test_wrong_types_are_refused_as_start_refuses_them(world: World) -> None:
    good = world.by_did(world.dataset_input).arguments(world.consumer)
    for change in (
        {"input_datasets": []},
        {"input_datasets": [world.dataset_input.did]},
        {"consumer_wallet": "0x"},
        {"algorithm_did": "did:x"},
        {"algorithm_tx_id": "0x1"},
        {"algorithm_data_token": "0x1"},
        {"algorithm_did": None, "algorithm_meta": {"rawcode": "1"}},
        {"output": []},
        {"nonce": "1"},
    ):
        arguments = {**good, **change}
        with pytest.raises(InvalidInput):
            world.ocean.compute.check(**arguments)
        with pytest.raises(InvalidInput):
            world.ocean.compute.start(**arguments)


# --- before paying


def test_an_order_that_would_work_has_no_findings_and_works(world: World) -> None:
    asset = world.new_dataset()
    assets, did, consumer = world.ocean.assets, str(asset.did), world.consumer
    poor = assets.check_order(did, consumer, service_type="compute")
    with pytest.raises(InsufficientBalance):
        assets.pay_for_service(1, asset.data_token_address, did, 4, None, consumer)
    world.ocean.get_data_token(asset.data_token_address).mint(
        consumer.address, TOKEN, world.publisher
    )

    rich = assets.check_order(did, consumer.address, 4)

    assert poor.codes == ["balance-too-low"]
    assert rich == []
    assert rich.ok
    assert assets.pay_for_service(1, asset.data_token_address, did, 4, None, consumer)


ORDER_CASES: dict[str, tuple[Callable[[World], Any], tuple[str, ...]]] = {
    "unknown": (lambda w: None, ("asset-not-found",)),
    "disabled": (lambda w: lambda a: a.disable(), ("asset-disabled",)),
    "not allowed": (lambda w: allow(OTHER_PUBLISHER), ("not-on-allow-list",)),
    "denied": (lambda w: deny(w.publisher.address), ("on-deny-list",)),
    "unreachable": (lambda w: set_files(w, GONE), ("file-unreachable",)),
    "foreign": (lambda w: foreign_files, ("files-not-readable",)),
    "no price": (lambda w: no_cost, ("price-unreadable",)),
    "a price beyond all tokens": (lambda w: costs("1e5000"), ("price-unreadable",)),
    "a price beyond all text": (lambda w: costs("9" * 5000), ("price-unreadable",)),
}


@pytest.mark.parametrize("name", ORDER_CASES)
def test_an_order_that_is_predicted_to_fail_is_refused(world: World, name: str) -> None:
    make, codes = ORDER_CASES[name]
    change = make(world)
    did = str(world.new_dataset(change).did) if change else UNKNOWN_DID

    findings = world.ocean.assets.check_order(did, world.publisher, 4)

    without_balance = [code for code in findings.codes if code != "balance-too-low"]
    assert without_balance == list(codes), str(findings)
    with pytest.raises(OceanError):
        world.ocean.assets.order(did, world.publisher.address, 4)


def test_an_order_of_no_service_is_refused_in_words(world: World) -> None:
    assets, did = world.ocean.assets, str(world.dataset.did)

    assert assets.check_order(did, world.consumer, 9).codes == ["no-such-service"]
    assert assets.check_order(did, world.consumer, 0).codes == ["no-such-service"]
    for arguments in ((did, world.consumer), ("did:x", world.consumer, 4), (did, "0x1", 4)):
        with pytest.raises(InvalidInput):
            assets.check_order(*arguments)


def _with(options: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the options with one URL at which nobody answers."""
    return {
        section: {k: "http://127.0.0.1:9" if k == name else v for k, v in values.items()}
        for section, values in options.items()
    }


def test_the_guides_example_prints_what_the_guide_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset, algorithm = world.new_dataset(), world.new_algorithm()
    for asset in (dataset, algorithm):
        world.ocean.get_data_token(asset.data_token_address).mint(
            world.consumer.address, TOKEN, world.publisher
        )
    guide = Path(__file__).parents[2].joinpath("docs", "preflight.md").read_text("utf-8")
    example = guide.partition("```python\n")[2].partition("```")[0]
    printed = guide.partition("```text\n")[2].partition("```")[0]
    names = {
        "ocean": world.ocean,
        "wallet": world.consumer,
        "publisher_wallet": world.publisher,
        "dataset_did": str(dataset.did),
        "algorithm_did": str(algorithm.did),
        "ComputeInput": ComputeInput,
    }

    exec(compile(example, "docs/preflight.md", "exec"), names)
    said = capsys.readouterr().out

    assert anonymous(said) == anonymous(printed), said


def anonymous(text: str) -> str:
    """Return a text with every DID, address, hash and checksum replaced."""
    return re.sub(r"\b(0x)?[0-9a-fA-F]{40,64}\b", "…", text)


def test_what_the_provider_wants_otherwise_is_told_before_paying(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider, did = world.ocean.data_provider, str(world.dataset.did)
    asked = world.ocean.assets.order(did, world.consumer.address, 4)
    answers: list[tuple[str, Any]] = [
        ("provider-other-price", asked._replace(amount=Decimal(2))),
        ("provider-other-price", asked._replace(amount=Decimal("1e5000"))),
        ("provider-other-price", asked._replace(amount=Decimal("1e-19"))),
        ("provider-other-datatoken", asked._replace(data_token_address=OTHER_PUBLISHER)),
        ("provider-refuses", ProviderFault("it says no")),
        ("provider-unknown", ServiceUnavailable("it is away")),
    ]
    for code, answer in answers:

        def reply(*_: object, answer: Any = answer) -> Any:
            if isinstance(answer, OceanError):
                raise answer
            return answer

        monkeypatch.setattr(provider, "get_order_requirements", reply)

        assert code in world.ocean.assets.check_order(did, world.consumer, 4).codes


def test_an_account_without_ether_is_warned(world: World) -> None:
    codes = world.ocean.assets.check_order(str(world.dataset.did), OTHER_PUBLISHER, 4).codes

    assert codes == ["balance-too-low", "no-ether"]


def test_an_asset_that_nobody_can_order_cannot_be_an_algorithm(world: World) -> None:
    def withdraw(asset: Asset) -> None:
        asset._services = [s for s in asset.services if s.type == "metadata"]

    algorithm = world.new_algorithm(withdraw)
    job = Job((world.open_input,), algorithm_did=str(algorithm.did))

    assert check(world, job).codes == ["not-ordered", "nothing-to-order"]
