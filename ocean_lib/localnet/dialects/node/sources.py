"""Where a job's code and data come from: file objects, sent along or sealed in an asset."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from ocean_lib.localnet.dialects.node.node_key import ForeignText, NodeKey, compact
from ocean_lib.localnet.dialects.node.rules import Document, service_of
from ocean_lib.localnet.dialects.node.wire import Refused
from ocean_lib.localnet.files.access import Asking
from ocean_lib.localnet.jobs.records import AlgorithmSource, InputFiles
from ocean_lib.localnet.metadata.store import MetadataStore

_UNREADABLE = {"type": "sealed"}
"""In place of files that this node cannot open: what is no URL fails where files are fetched."""


class Sources:
    """Reads the file objects of jobs.

    Args:
        store: The documents of assets.
        key: Opens their file lists.
    """

    def __init__(self, store: MetadataStore, key: NodeKey) -> None:
        self._store = store
        self._key = key

    def input(self, dataset: Any) -> InputFiles:
        """Return what a job reads of one data set: of an asset only its first file."""
        dataset = dataset if isinstance(dataset, dict) else {}
        did = str(dataset.get("documentId") or "")
        file = dataset.get("fileObject") or (self._sealed(dataset) if did else None)
        url = _with_userdata(url_of(file), dataset.get("userdata") if did else None)
        asking = asking_of(file)
        urls = (url,) if url else ()
        return InputFiles(did, urls, method=asking.method, headers=dict(asking.headers))

    def algorithm(self, algorithm: Any) -> AlgorithmSource:
        """Return a job's algorithm.

        Raises:
            Refused: If it names no image.
        """
        algorithm = algorithm if isinstance(algorithm, dict) else {}
        meta = algorithm.get("meta")
        container = meta.get("container") if isinstance(meta, dict) else None
        if not isinstance(container, dict) or not container.get("image"):
            text = f"Unable to extract docker image null from algoritm: {compact(algorithm)}"
            raise Refused(500, text)
        code = str(meta.get("rawcode") or "")
        did = str(algorithm.get("documentId") or "")
        file = algorithm.get("fileObject") or (self._sealed(algorithm) if did else None)
        file = {} if code else file
        asking = asking_of(file)
        return AlgorithmSource(
            did=did,
            url=url_of(file),
            raw_code=code,
            entrypoint=str(container.get("entrypoint") or ""),
            image=image_name(container),
            method=asking.method,
            headers=dict(asking.headers),
        )

    def _sealed(self, asked: Document) -> Document:
        """Return the first file of an asset's service."""
        ddo = self._store.document(str(asked["documentId"])) or {"services": []}
        service = service_of(ddo, asked.get("serviceId"))
        try:
            return self._key.files_of(service or {})[0]
        except (ForeignText, IndexError):
            return _UNREADABLE


def image_name(container: Document) -> str:
    """Return an image's name: with its digest if it is given, else with its tag."""
    if container.get("checksum"):
        return f"{container['image']}@{container['checksum']}"
    return f"{container['image']}:{container.get('tag') or 'latest'}"


def url_of(file: Any) -> str:
    """Return where a file is; of a storage that this network has not, what is no URL."""
    if not isinstance(file, dict) or not file:
        return ""
    return str(file.get("url") or f"{file.get('type')}:")


def asking_of(file: Any) -> Asking:
    """Return with which method and headers a file is asked for."""
    file = file if isinstance(file, dict) else {}
    given = file.get("headers")
    headers = given if isinstance(given, dict) else {}
    method = "POST" if str(file.get("method")).upper() == "POST" else "GET"
    texts = {name: value for name, value in headers.items() if isinstance(value, str)}
    return Asking(method, texts)


def _with_userdata(url: str, userdata: Any) -> str:
    """Return a URL with a consumer's parameters in its query."""
    if isinstance(userdata, str):
        try:
            userdata = json.loads(userdata)
        except ValueError:
            return url
    if not url or not isinstance(userdata, dict) or not userdata:
        return url
    parts = urlsplit(url)
    told = urlencode({name: _text(value) for name, value in userdata.items()})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, told)))))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else compact(value)
