"""What a check found, in the command line's words, for people and in JSON alike."""

from __future__ import annotations

import json

import pytest

from ocean_lib.cli._exit_codes import ExitCode
from ocean_lib.cli._findings import show_findings
from ocean_lib.cli._session import Session
from ocean_lib.preflight.findings import Findings, refused

D, A = "did:op:" + "12" * 20, "did:op:" + "34" * 20
FOUND = Findings(
    [
        refused(
            "not-ordered",
            f"Data set {D} is not ordered yet.",
            "Order it with assets.order and assets.pay_for_service, then\npass the transaction.",
            D,
        ),
        refused(
            "algorithm-not-trusted",
            f"Algorithm {A} is not trusted by data set {D}.",
            f"Ask its publisher: assets.trust('{D}', '{A}', wallet).",
            D,
        ),
    ]
)
MENDS = [
    f"Order it: ocean-compute order {D}",
    f"Ask its publisher: `ocean-compute trust add {D} {A}`.",
]


def _shown(capsys: pytest.CaptureFixture[str], *, as_json: bool) -> str:
    session = Session()
    session.out.as_json = as_json

    assert show_findings(session, FOUND) is ExitCode.REFUSED
    return capsys.readouterr().out


def test_json_names_the_commands_that_people_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    plain = _shown(capsys, as_json=False)
    document = json.loads(_shown(capsys, as_json=True))

    assert [line.strip() for line in plain.splitlines()[1::2]] == MENDS
    assert [finding["how_to_mend"] for finding in document["findings"]] == MENDS
    assert set(document["findings"][0]) == {"severity", "code", "what", "how_to_mend", "subject"}
