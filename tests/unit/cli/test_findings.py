"""What a check found, in the command line's words, for people and in JSON alike."""

from __future__ import annotations

import json

import pytest

from ocean_lib.base.advice import Advice
from ocean_lib.cli.errors import ExitCode, show_findings
from ocean_lib.cli.output import Output
from ocean_lib.preflight.findings import Findings, refused

D, A = "did:op:" + "12" * 20, "did:op:" + "34" * 20
FOUND = Findings(
    [
        refused(
            "not-ordered",
            f"Data set {D} is not ordered yet.",
            Advice.of("order-then", did=D, then="pass the transaction"),
            D,
        ),
        refused(
            "algorithm-not-trusted",
            f"Algorithm {A} is not trusted by data set {D}.",
            Advice.of("add-trust", dataset=D, algorithm=A, instead="choose\nanother"),
            D,
        ),
    ]
)
MENDS = [
    f"Order it: ocean-compute order {D}",
    "Ask the data set's publisher to add the algorithm: "
    f"`ocean-compute trust add {D} {A}`; or choose another.",
]


def _shown(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    out = Output()
    out.as_json = as_json

    assert show_findings(out, FOUND) is ExitCode.REFUSED
    return capsys.readouterr().out


def test_json_names_the_commands_that_people_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    plain = _shown(capsys, as_json=False)
    document = json.loads(_shown(capsys, as_json=True))

    assert [line.strip() for line in plain.splitlines()[1::2]] == MENDS
    assert [finding["how_to_mend"] for finding in document["findings"]] == MENDS
    assert set(document["findings"][0]) == {"severity", "code", "what", "how_to_mend", "subject"}


def test_the_library_names_its_calls() -> None:
    assert [finding.how_to_mend for finding in FOUND] == [
        "Order it with assets.buy, then pass the transaction.",
        f"Ask the data set's publisher to add the algorithm: assets.trust('{D}', '{A}', wallet); "
        "or choose\nanother.",
    ]
