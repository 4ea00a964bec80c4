"""May this job start? The checks of a start, in a node's order."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ocean_lib.localnet.dialects.node.environments import (
    GIGABYTE,
    Environments,
    admits,
    filled,
    why_full,
)
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.jobs.records import AlgorithmSource, InputFiles, JobRecord, JobRequest

_MAX_METADATA = 1024
_SHORTEST_S = 0.1
_VARIABLE = re.compile(r"[^=\0]+")


def free_request(
    data: dict[str, Any], environments: Environments, jobs: Sequence[JobRecord]
) -> JobRequest:
    """Turn a free start, whose sender is known, into a request for the engine.

    Args:
        data: The body.
        environments: Where it may run.
        jobs: Those that have not ended.

    Raises:
        Refused: If the node refuses it.
    """
    algorithm, datasets = data["algorithm"], data["datasets"]
    environments.check_cluster(data["environment"])
    if not isinstance(datasets, list):
        raise Refused(500, "task.datasets is not iterable")
    for one in (algorithm, *datasets):
        if isinstance(one, dict) and one.get("documentId"):
            raise Refused(500, f"DDO {one['documentId']} not found")
    environment = environments.named(data["environment"], jobs)
    if not admits(environment, data["consumerAddress"]):
        raise Refused(403, "Access denied")
    resources = filled(data.get("resources"), environment)
    queue_s = _number(data.get("queueMaxWaitTime"))
    full = why_full(resources, environment)
    if full and queue_s <= 0:
        raise Refused(400, full)
    duration = _duration(data.get("maxJobDuration"), environment["free"]["maxJobDuration"])
    source = _algorithm(algorithm)
    metadata = data.get("metadata")
    if len(_compact(metadata)) > _MAX_METADATA:
        raise Refused(500, "Metadata size is too large")
    amounts = {one["id"]: one["amount"] for one in resources}
    return JobRequest(
        owner=data["consumerAddress"],
        agreement_id="",
        inputs=tuple(map(_input, datasets)),
        algorithm=source,
        wall_s=_wall_s(duration, environment["free"]["maxJobDuration"]),
        allow_network=False,
        memory_bytes=int(amounts["ram"] * GIGABYTE),
        queue_s=queue_s if queue_s > 0 else None,
        private={
            "envs": _variables(algorithm.get("envs")),
            "custom_data": algorithm.get("algocustomdata") or {},
        },
        details={
            "environment": data["environment"],
            "resources": resources,
            "maxJobDuration": duration,
            "metadata": metadata,
            "additionalViewers": data.get("additionalViewers"),
            "queueMaxWaitTime": data.get("queueMaxWaitTime") or 0,
        },
    )


def _algorithm(algorithm: Any) -> AlgorithmSource:
    algorithm = algorithm if isinstance(algorithm, dict) else {}
    meta = algorithm.get("meta")
    container = meta.get("container") if isinstance(meta, dict) else None
    if not isinstance(container, dict) or not container.get("image"):
        text = f"Unable to extract docker image null from algoritm: {_compact(algorithm)}"
        raise Refused(500, text)
    code = str(meta.get("rawcode") or "")
    file = {} if code else algorithm.get("fileObject")
    return AlgorithmSource(
        did="",
        url=_url(file),
        raw_code=code,
        entrypoint=str(container.get("entrypoint") or ""),
        image=image_name(container),
        method=_method(file),
        headers=_headers(file),
    )


def image_name(container: dict[str, Any]) -> str:
    """Return an image's name: with its digest if it is given, else with its tag."""
    if container.get("checksum"):
        return f"{container['image']}@{container['checksum']}"
    return f"{container['image']}:{container.get('tag') or 'latest'}"


def _input(dataset: Any) -> InputFiles:
    file = dataset.get("fileObject") if isinstance(dataset, dict) else None
    url = _url(file)
    urls = (url,) if url else ()
    return InputFiles("", urls, method=_method(file), headers=_headers(file))


def _url(file: Any) -> str:
    """Return where a file is; of a storage that this network has not, what is no URL."""
    if not isinstance(file, dict) or not file:
        return ""
    return str(file.get("url") or f"{file.get('type')}:")


def _method(file: Any) -> str:
    method = file.get("method") if isinstance(file, dict) else None
    return "POST" if str(method).upper() == "POST" else "GET"


def _headers(file: Any) -> dict[str, str]:
    headers = file.get("headers") if isinstance(file, dict) else None
    given = headers if isinstance(headers, dict) else {}
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _variables(envs: Any) -> dict[str, str]:
    given = envs if isinstance(envs, dict) else {}
    return {
        name: value if isinstance(value, str) else _compact(value)
        for name, value in given.items()
        if _VARIABLE.fullmatch(name) and "\0" not in str(value)
    }


def _duration(asked: Any, longest: int) -> Any:
    """Return what is told of how long a job may run: what was asked for, if it is not too much."""
    if not asked or _number(asked) > longest:
        return longest
    return asked


def _wall_s(duration: Any, longest: int) -> float:
    if isinstance(duration, (int, float)):
        return max(float(duration), _SHORTEST_S)
    return _number(duration) or float(longest)


def _number(value: Any) -> float:
    try:
        return 0 if value is None or isinstance(value, (list, dict)) else float(value)
    except ValueError:
        return 0


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
