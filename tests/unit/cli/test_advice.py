"""Advice of the library, with commands in the place of its calls."""

from __future__ import annotations

import ast
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

from ocean_lib.base.advice import WORDS, Advice
from ocean_lib.cli.errors import COMMANDS, told
from ocean_lib.cli.options import ORDER, PAUSE, TOKENS
from ocean_lib.exceptions import DownloadError, InvalidDocument, InvalidInput, OceanError

D, A = "did:op:" + "12" * 20, "did:op:" + "34" * 20
PACKAGE = Path(__file__).parents[3] / "ocean_lib"


def error(what: str, code: str, **values: str) -> OceanError:
    return InvalidInput(what).advised(code, **values)


@pytest.mark.parametrize(
    ("given", "in_calls", "in_commands"),
    [
        (
            error("It is not listed.", "add-own-trust", dataset=D, algorithm=A),
            f"It is not listed. To add it, call assets.trust('{D}', '{A}', wallet).",
            f"It is not listed. To add it, run `ocean-compute trust add {D} {A}`.",
        ),
        (
            error("It changed.", "renew-trust", dataset=D, algorithm=A),
            "It changed. Ask the data set's publisher to look at the change and to renew the "
            f"entry: assets.refresh_trust('{D}', '{A}', wallet).",
            "It changed. Ask the data set's publisher to look at the change and to renew the "
            f"entry: `ocean-compute trust refresh {D} {A}`.",
        ),
        (
            error("No order.", "order-first", did=D),
            "No order. Order it first, with assets.buy; or start with pay=True.",
            f"No order. Order it first: ocean-compute order {D}",
        ),
        (
            error("Lost.", "find-started-job", did=D, order_tx="0x12"),
            "Lost. Look again before starting a second job: list the wallet's jobs with "
            f"compute.jobs(wallet, '{D}') and find agreementId 0x12.",
            "Lost. Look again before starting a second job: list the wallet's jobs with "
            f"`ocean-compute jobs --did {D} --order 0x12`.",
        ),
        (
            error("Too long.", "allow-more"),
            "Too long. Allow more (max_bytes), or use download, which writes to disk as it comes. "
            "What no length is announced for has the limit downloads.max_bytes of the config.",
            "Too long. Use `ocean-compute download`, with a larger --max-bytes or without. "
            "What no length is announced for has the limit downloads.max_bytes of the config.",
        ),
        (
            error("No output.", "no-output"),
            "No output. If it runs, wait for it with job.wait(); if it has ended, it made none "
            "(see job.logs()), or the Provider has deleted it.",
            "No output. If it runs, wait for it with `ocean-compute wait`; if it has ended, it "
            "made none (see `ocean-compute logs`), or the Provider has deleted it.",
        ),
        (
            error("0.1 is too fine.", "round-amount"),
            "0.1 is too fine. Round it first, with decimal.Decimal.quantize.",
            "0.1 is too fine. Round it first.",
        ),
        (
            DownloadError("HTTP 403.").advised("new-link"),
            "HTTP 403. The link may have expired: get a new one with job.result().",
            "HTTP 403. The link may have expired: run the command again.",
        ),
        (
            error("did is missing.", "saved-job"),
            "did is missing. Pass what ComputeJob.to_dict() returned.",
            "did is missing. Give a job file that `ocean-compute start` or `run` wrote.",
        ),
        (
            error("404.", "check-metadata-cache"),
            "404. Check metadata_cache_uri: it must be the URL of a metadata cache (Aquarius 2.x).",
            "404. Check --metadata-cache, or metadata_cache_uri in the config: it must be the URL "
            "of a metadata cache (Aquarius 2.x).",
        ),
        (
            error("", "no-code"),
            "algorithm_meta has no code: give it `rawcode` (the text) or `url` (where it lies).",
            "The algorithm's file is empty: give one with code in it.",
        ),
        (InvalidInput("No\nadvice."), "No\nadvice.", "No advice."),
    ],
)
def test_an_error_is_told_in_calls_by_the_library_and_in_commands_by_the_command_line(
    given: OceanError, in_calls: str, in_commands: str
) -> None:
    assert str(given) == in_calls
    assert told(given) == in_commands


def test_the_command_line_has_words_for_every_advice_with_no_other_values() -> None:
    named = {code: set(re.findall(r"{(\w+)", text)) for code, text in WORDS.items()}
    values = {code: {*names, "did"} for code, names in named.items()}

    assert set(COMMANDS) == set(WORDS)
    for code, text in COMMANDS.items():
        assert set(re.findall(r"{(\w+)", text)) <= values[code]
        assert not re.search(r"assets\.|compute\.jobs|job\.\w+\(|max_bytes\)|algorithm_did", text)


def _advised() -> dict[str, list[set[str]]]:
    """Return the codes that the library's sources give, with the names of their values."""
    found: dict[str, list[set[str]]] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func).endswith((".advised", "Advice.of"))
                and node.args
                and isinstance(node.args[0], ast.Constant)
            ):
                names = {str(keyword.arg) for keyword in node.keywords}
                found.setdefault(str(node.args[0].value), []).append(names)
    return found


@pytest.mark.slow
def test_every_advice_is_given_somewhere_with_the_values_that_its_words_name() -> None:
    given = _advised()

    assert set(given) == set(WORDS)
    for code, uses in given.items():
        for text in (WORDS[code], COMMANDS[code]):
            assert all(set(re.findall(r"{(\w+)", text)) <= names for names in uses), code


def test_advice_comes_along_when_an_error_is_pickled() -> None:
    kept = pickle.loads(pickle.dumps(InvalidDocument("No.").advised("order-first", did=D)))

    assert kept.advice == Advice("order-first", {"did": D})
    assert kept.what == "No."
    assert str(kept).startswith("No. Order it first")


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        (ORDER, "0x12", "followed by 64 hex digits, got"),
        (PAUSE, "-1", "positive seconds (a year at most), got"),
        (TOKENS, "0." + "1" * 19, "Round it first."),
    ],
)
def test_what_is_typed_is_refused_in_words_for_what_can_be_typed(
    kind: Any, typed: str, said: str
) -> None:
    with pytest.raises(Exception) as caught:
        kind.convert(typed, None, None)

    assert said in str(caught.value)
