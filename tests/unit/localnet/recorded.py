"""The exchanges recorded from the real servers, and the test keys they were made with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "vectors" / "provider-v3"
PROVIDER_KEY = "0xef4b441145c1d0f3b4bc6d61d29f5c6e502359481152f869247c7a4244d45209"
CONSUMER_KEY = "0x8467415bb2ba7c91084d932276214b11a3dd9bdb2930fefa194b666dd8020b99"
CONSUMER = "0x02354A1F160A3fd7ac8b02ee91F04104440B28E7"


def exchanges(label: str) -> list[dict[str, Any]]:
    """Return the exchanges of one recorded client call."""
    document = json.loads((FOLDER / f"{label}.json").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = document["exchanges"]
    return found


def last(label: str, to: str, method: str, part: str) -> dict[str, Any]:
    """Return the last exchange with a server whose target has `part`."""
    matching = [
        exchange
        for exchange in exchanges(label)
        if exchange["to"] == to and exchange["method"] == method and part in exchange["target"]
    ]
    return matching[-1]


def answer(label: str, to: str, method: str, part: str) -> Any:
    """Return the JSON body of such an exchange's answer."""
    return json.loads(last(label, to, method, part)["response_body"])
