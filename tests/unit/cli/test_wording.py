"""Messages of the library, with commands in the place of its calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocean_lib.cli._wording import _OF_CALLS, in_commands

D, A = "did:op:" + "12" * 20, "did:op:" + "34" * 20
PACKAGE = Path(__file__).parents[3] / "ocean_lib"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (
            f"To add it, call assets.trust('{D}', '{A}', wallet).",
            f"To add it, run `ocean-compute trust add {D} {A}`.",
        ),
        (
            f"renew the entry: assets.refresh_trust('{D}', '{A}', wallet).",
            f"renew the entry: `ocean-compute trust refresh {D} {A}`.",
        ),
        (
            "Order it first: assets.order, then assets.pay_for_service.",
            "Order it first: `ocean-compute order`.",
        ),
        (
            f"list the wallet's jobs with compute.jobs(wallet, '{D}') and find agreementId 0x12.",
            f"list the wallet's jobs with `ocean-compute jobs --did {D} --order 0x12`.",
        ),
        (
            "Allow more (max_bytes), or use download, which writes to disk as it comes.",
            "Use `ocean-compute download`, with a larger --max-bytes or without.",
        ),
        (
            "Wait for it with job.wait(), then look at its status and job.logs().",
            "Wait for it with `ocean-compute wait`, then look at its status and "
            "`ocean-compute logs`.",
        ),
        ("Round it first, with decimal.Decimal.quantize.", "Round it first."),
        (
            "The link may have expired: get a new one with job.result().",
            "The link may have expired: run the command again.",
        ),
        (
            "This is not a saved job: did is missing. Pass what ComputeJob.to_dict() returned.",
            "This is not a job file of `ocean-compute start`: did is missing.",
        ),
        ("Check algorithm_did.", "Check --algorithm."),
        ("followed by 64 hex digits, or 32 bytes, got", "followed by 64 hex digits, got"),
        (
            "positive seconds (a year at most) or None, got",
            "positive seconds (a year at most), got",
        ),
        (
            "Check metadata_cache_uri: it must be a URL.",
            "Check --metadata-cache, or metadata_cache_uri in the config: it must be a URL.",
        ),
        ("algorithm_meta has no code.", "The file of --code is empty."),
        (
            "Give it `rawcode` (the text) or `url` (where it lies).",
            "Give one with code in it.",
        ),
        ("repair the list (Asset.update_compute_privacy).", "repair the list."),
    ],
)
def test_a_call_is_named_as_the_command_that_does_it(message: str, said: str) -> None:
    assert in_commands(message) == said


def _texts() -> Iterator[str]:
    """Yield the texts of the client, with X where something is put in."""
    for folder in ("common", "ocean", "data_provider", "models"):
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "'X'"
                        for part in node.values
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_call_that_is_looked_for_stands_in_a_message_of_the_library() -> None:
    texts = [text.replace("agreementId 'X'", "agreementId X") for text in _texts()]
    unused = [call for call, _ in _OF_CALLS if not any(re.search(call, text) for text in texts)]

    assert unused == []
