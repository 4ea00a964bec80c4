"""Exchanges recorded on ocean-node 3.2.0 with a Docker engine.

The keys are the well-known development keys of local chains.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "ocean-node"
ROOT = "http://node.example"
CONSUMER_KEY = "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a"
CONSUMER = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"


def load(number: str) -> list[dict[str, Any]]:
    """Return the exchanges of a recording, named by its number, or its whole name."""
    (path,) = FOLDER.glob(f"{number}.json") if "-" in number else FOLDER.glob(f"{number}-*.json")
    exchanges: list[dict[str, Any]] = json.loads(path.read_text())["exchanges"]
    return exchanges


def errors() -> list[dict[str, Any]]:
    """Return the 116 refusals and odd answers."""
    cases: list[dict[str, Any]] = json.loads((FOLDER / "errors.json").read_text())["cases"]
    return cases


def case(name: str) -> dict[str, Any]:
    """Return the refusal or odd answer of this name."""
    (found,) = (one for one in errors() if one["case"] == name)
    return found


def body_of(exchange: dict[str, Any]) -> bytes:
    """Return the bytes of an answer's body."""
    body = exchange["response"].get("body") or {}
    if "base64" in body:
        return base64.b64decode(body["base64"])
    if "text" in body:
        return str(body["text"]).encode()
    return json.dumps(body["json"]).encode() if "json" in body else b""


def jobs_in(exchange: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the jobs in an answer, none if it has no such list."""
    body = (exchange.get("response") or {}).get("body")
    said = body.get("json") if isinstance(body, dict) else None
    found = said if isinstance(said, list) else []
    return [job for job in found if isinstance(job, dict) and "jobId" in job]


def document(number: str) -> dict[str, Any]:
    """Return the asset's document that a recording of a publication ends with."""
    (path,) = FOLDER.glob(f"{number}-*-fetch-ddo.json")
    found: dict[str, Any] = json.loads(path.read_text())["exchanges"][-1]["response"]["body"]["json"]
    return found


def publication(number: str, step: str) -> list[dict[str, Any]]:
    """Return the exchanges of a step of a recorded publication, such as `encrypt-files`."""
    (path,) = FOLDER.glob(f"{number}-*-{step}.json")
    found: list[dict[str, Any]] = json.loads(path.read_text())["exchanges"]
    return found
