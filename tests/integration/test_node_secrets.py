"""Nothing that is secret in a job on a node is shown, in logs, errors, tracebacks and reprs."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from ocean_lib import AlgorithmMetadata, Config, FileInput, Ocean, Wallet
from ocean_lib.exceptions import OceanError
from ocean_lib.jobs import starting
from tests.fake_node import FakeNode, recorded
from tests.vectors import nodes
from tests.wire import answer, as_json

WALLET = Wallet(None, private_key=nodes.CONSUMER_KEY)
SECRETS = ["s3-secret", "header-secret", "query-secret", "env-secret", "code-secret", "token-"]
INPUTS = [
    FileInput(s3={"endpoint": "http://s3", "bucket": "b", "secretAccessKey": "s3-secret"}),
    FileInput(url="http://files.example/a?key=query-secret", headers={"X-Key": "header-secret"}),
]
CONTAINER = {"image": "a", "tag": "b", "entrypoint": "c $ALGO"}


def meta(url: str = "") -> AlgorithmMetadata:
    code = "" if url else "print('code-secret')"
    return AlgorithmMetadata({"rawcode": code, "url": url, "container": CONTAINER})


def shown(compute: Any, **more: Any) -> str:
    """Try a start, and return all that the error, or the job, says."""
    try:
        job = compute.submit(
            INPUTS, WALLET, algorithm_meta=meta(**more), envs={"KEY": "env-secret"}
        )
    except OceanError as error:
        return f"{error} {error!r} {vars(error)} {''.join(traceback.format_exception(error))}"
    return f"{job!r} {job._repr_html_()} {job.to_dict()} {job.files()} {compute.jobs(WALLET)!r}"


@pytest.mark.parametrize("use_token", ["on", "off"])
def test_no_secret_of_a_job_is_shown(
    use_token: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(starting, "LOOK_PAUSES_S", (0.01,))
    caplog.set_level(logging.DEBUG)
    echo = 'Unable to extract docker image null from algoritm: {"envs":{"KEY":"env-secret"}}'
    with FakeNode(states=[recorded("10", 71)]) as node:
        options = {
            "provider.url": node.url,
            "provider.polls_per_minute": "1000",
            "auth_token": use_token,
            "timeout.total": "8",
        }
        compute = Ocean(Config(options_dict={"resources": options})).compute
        said = [shown(compute), shown(compute, url="http://files.example/code?key=query-secret")]
        for fault in (
            as_json("consumer address and nonce signature mismatch", 401),
            as_json(echo, 500),
            answer(429, "Rate limit exceeded. Try again in 60 seconds.", "text/plain"),
            answer(502, "<html>", "text/html"),
            as_json([]),
            "lost",
        ):
            node.faults["POST", "freeCompute"] = [fault, fault]
            said.append(shown(compute))
        said += [
            str(compute.check(INPUTS, WALLET, algorithm_meta=meta(), envs={"KEY": "env-secret"}))
        ]
        job = compute.jobs(WALLET)[0]
        said += [str(job.download(tmp_path, progress=False)), job.logs(), repr(INPUTS)]
        node.faults["GET", "computeResult"] = [as_json("no", 500), as_json("no", 500)]
        with pytest.raises(OceanError) as caught:
            job.open("image.log")
        said.append("".join(traceback.format_exception(caught.value)))
        signatures = [
            (request.query | (request.json() if request.body else {})).get("signature", "")
            for request in node.server.requests
        ]

    secrets = [*SECRETS, *filter(None, signatures)]
    assert len(secrets) > len(SECRETS)
    everything = "\n".join([*said, caplog.text])
    assert [secret for secret in secrets if secret in everything] == []
