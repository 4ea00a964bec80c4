"""What `check` says of a job on a node, from the plan and from what the node offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocean_lib import ComputeInput, FileInput
from ocean_lib.backends.environment import Environment, Resource
from ocean_lib.backends.node.bodies import MAX_METADATA_CHARS
from ocean_lib.backends.node.rules import (
    MAX_FILES,
    check_offered,
    environment_findings,
    file_findings,
    findings_without_asking,
)
from ocean_lib.exceptions import NotOffered, ProviderFault, ServiceUnavailable
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from tests.players import DID, ORDER
from tests.vectors import nodes

FILE = FileInput(url="http://files.example/a.csv")
NAME = "0x1-0x2"


def code(entry_point: str = "python3 $ALGO", **more: Any) -> Algorithm:
    container = {"image": "python", "tag": "3.11-slim", "entrypoint": entry_point}
    return Algorithm(
        meta=AlgorithmMetadata({"rawcode": "print(1)", "container": container, **more})
    )


def plan(*files: Any, **fields: Any) -> JobPlan:
    return JobPlan(files or (FILE,), fields.pop("algorithm", code()), nodes.CONSUMER, **fields)


def offer(name: str = NAME, **fields: Any) -> Environment:
    resources = {"cpu": Resource("cpu", 1, 2, total=4), "ram": Resource("ram", 1, 4, total=8)}
    return Environment(
        **({"id": name, "is_free": True, "resources": resources, "max_duration_s": 600} | fields)
    )


def test_a_plain_job_has_no_findings() -> None:
    assert list(findings_without_asking(plan())) == []
    assert list(environment_findings(plan(), [offer()])) == []
    assert list(environment_findings(plan(environment=NAME), [offer()])) == []
    assert list(file_findings(plan(), lambda _: True)) == []


@pytest.mark.parametrize(
    ("entry_point", "names"),
    [
        ("sh -c 'python3 $ALGO'", "'"),
        ('sh -c "python3 $ALGO"', '"'),
        ("python3 $ALGO | tee /data/outputs/log", "|"),
        ("python3 $ALGO > /data/outputs/log", ">"),
        ("cd /tmp && python3 $ALGO", "&"),
        ("python3 $ALGO $HOME", "$"),
        ("python3 $ALGO; true", ";"),
        ("python3 `which x` $ALGO", "`"),
    ],
)
def test_an_entry_point_that_needs_a_shell_is_told_with_the_way_round_it(
    entry_point: str, names: str
) -> None:
    (finding,) = findings_without_asking(plan(algorithm=code(entry_point)))

    assert (finding.severity, finding.code) == ("warning", "entrypoint-needs-shell")
    assert repr(names) in finding.what
    assert "sh $ALGO" in finding.how_to_mend


@pytest.mark.parametrize("entry_point", ["python3 $ALGO", "node --max-old-space-size=1 $ALGO"])
def test_a_plain_entry_point_is_fine(entry_point: str) -> None:
    assert list(findings_without_asking(plan(algorithm=code(entry_point)))) == []


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (plan(ComputeInput(DID, ORDER, 4)), "no published assets"),
        (plan(FILE, ComputeInput(DID, ORDER, 4)), "no published assets"),
        (plan(algorithm=Algorithm(did=DID)), "no published assets"),
        (plan(resumed_job_id="abc"), "go on with a stopped job"),
        (plan(output={"publishOutput": 1, "owner": "x"}), "publishes no results"),
        (plan(output={"whitelist": ["0x1"]}), "Leave whitelist out"),
    ],
)
def test_what_a_node_does_not_run_is_a_finding_and_refused_at_the_start(
    asked: JobPlan, says: str
) -> None:
    found = list(findings_without_asking(asked))

    assert [(one.severity, one.code) for one in found] == [("refused", "not-offered")]
    assert says in f"{found[0].what} {found[0].how_to_mend}"
    with pytest.raises(NotOffered, match=r"Nothing was started") as caught:
        check_offered(asked)
    assert says in str(caught.value)


def test_v3s_defaults_of_the_output_ask_for_nothing() -> None:
    check_offered(plan(output={"publishOutput": 0, "publishAlgorithmLog": 0, "whitelist": []}))


def test_metadata_longer_than_a_node_takes_is_a_finding() -> None:
    (finding,) = findings_without_asking(plan(metadata={"a": "x" * MAX_METADATA_CHARS}))

    assert (finding.severity, finding.code) == ("refused", "metadata-too-long")


@pytest.mark.parametrize(
    ("fields", "offers", "codes"),
    [
        ({"resources": {"cpu": 9}}, [offer()], ["environment-unavailable"]),
        ({"max_duration_s": 601}, [offer()], ["environment-unavailable"]),
        ({}, [], ["environment-unavailable"]),
        ({}, [offer(is_free=False)], ["environment-unavailable"]),
        ({}, [offer(max_jobs=1, running=1)], ["environment-full"]),
        ({"environment": "0xno"}, [offer()], ["environment-unavailable"]),
        ({"environment": NAME}, [offer(is_free=False)], ["environment-unavailable"]),
        ({"environment": NAME, "resources": {"cpu": 9}}, [offer()], ["environment-unavailable"]),
        ({"environment": NAME, "resources": {"gpu": 1}}, [offer()], ["resource-unknown"]),
        ({"environment": NAME, "resources": {"gpu": 0}}, [offer()], []),
        ({"environment": NAME, "max_duration_s": 601}, [offer()], ["duration-too-long"]),
        ({"environment": NAME}, [offer(addresses=("0x1",))], ["environment-closed"]),
        ({"environment": NAME}, [offer(addresses=(nodes.CONSUMER.lower(),))], []),
        ({"environment": NAME}, [offer(access_lists=("0x1",))], ["environment-members-unknown"]),
        ({"environment": NAME}, [offer(max_jobs=1, running=1)], ["environment-full"]),
    ],
)
def test_whether_an_environment_takes_the_job(
    fields: dict[str, Any], offers: list[Environment], codes: list[str]
) -> None:
    found = list(environment_findings(plan(**fields), offers))

    assert [one.code for one in found] == codes
    assert all(one.how_to_mend for one in found)


def failing(error: Exception) -> Callable[[FileInput], bool]:
    def reaches(_: FileInput) -> bool:
        raise error

    return reaches


def test_a_file_that_the_node_cannot_read_is_a_warning() -> None:
    (finding,) = file_findings(plan(), lambda _: False)

    assert (finding.severity, finding.code) == ("warning", "input-unreachable")
    assert "files.example" in finding.what
    assert "status 31" in finding.what


def test_code_by_url_that_the_node_cannot_read_is_a_warning() -> None:
    by_url = code(rawcode="", url="http://files.example/code.py?token=secret")

    (finding,) = file_findings(plan(algorithm=by_url), lambda file: file == FILE)

    assert (finding.severity, finding.code) == ("warning", "algorithm-unreachable")
    assert "status 32" in finding.what
    assert "secret" not in str(finding)


@pytest.mark.parametrize(
    "file",
    [
        FileInput(url="http://x/y", headers={"A": "secret"}),
        FileInput(url="http://x/y", method="POST"),
        FileInput(s3={"bucket": "b", "secretAccessKey": "secret"}),
    ],
)
def test_what_a_node_tells_nothing_of_is_unknown_and_not_asked(file: FileInput) -> None:
    (finding,) = file_findings(plan(file), failing(AssertionError()))

    assert (finding.severity, finding.code) == ("unknown", "input-not-looked-at")
    assert "secret" not in str(finding)


def test_a_refusal_is_told_in_the_nodes_words_and_a_node_that_is_away_is_not_one() -> None:
    (finding,) = file_findings(plan(), failing(ProviderFault("no", provider_text="bad URL")))

    assert "bad URL" in finding.what
    with pytest.raises(ServiceUnavailable):
        list(file_findings(plan(), failing(ServiceUnavailable("away"))))


def test_of_many_files_the_first_are_looked_at() -> None:
    asked: list[FileInput] = []
    files = [FileInput(url=f"http://x/{number}") for number in range(MAX_FILES + 3)]

    found = list(file_findings(plan(*files), lambda file: not asked.append(file)))  # type: ignore[func-returns-value]

    assert asked == files[:MAX_FILES]
    assert [one.code for one in found] == ["input-not-looked-at"] * 3
