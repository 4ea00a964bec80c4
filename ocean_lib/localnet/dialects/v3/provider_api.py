"""The Provider's REST API: discovery, nonces, prices, files. Compute is in `compute_api`."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import RpcError
from ocean_lib.localnet.dialects.v3.assets import ProviderAsset, ProviderService
from ocean_lib.localnet.dialects.v3.contract_reads import Datatoken
from ocean_lib.localnet.dialects.v3.encryption import ForeignDocument
from ocean_lib.localnet.dialects.v3.rules import BadOrder, check_order
from ocean_lib.localnet.dialects.v3.signatures import NonceCounters, signed_by
from ocean_lib.localnet.dialects.v3.wire import (
    SIGNATURE_TEXT,
    FieldChecks,
    HtmlError,
    InvalidRequest,
    compact,
    parameters,
    refused,
    spaced,
    unavailable,
)
from ocean_lib.localnet.dialects.v3.workflow import ProviderWorld, UnknownAsset
from ocean_lib.localnet.files.access import FileUnavailable, RemoteFile
from ocean_lib.localnet.http.routes import Endpoint

SERVICES = "/api/v1/services"
_ENDPOINTS = {
    "computeDelete": ["DELETE", f"{SERVICES}/compute"],
    "computeStart": ["POST", f"{SERVICES}/compute"],
    "computeStatus": ["GET", f"{SERVICES}/compute"],
    "computeStop": ["PUT", f"{SERVICES}/compute"],
    "download": ["GET", f"{SERVICES}/download"],
    "encrypt": ["POST", f"{SERVICES}/encrypt"],
    "fileinfo": ["POST", f"{SERVICES}/fileinfo"],
    "initialize": ["GET", f"{SERVICES}/initialize"],
    "nonce": ["GET", f"{SERVICES}/nonce"],
}


class _NoPrice(Exception):
    """A service that cannot be ordered."""


class ProviderApi:
    """The Provider's calls, without compute.

    Args:
        world: Chain, key, files and metadata.
        nonces: The Provider's nonces.
        network_url: The chain's RPC URL, for discovery.
        compute_address: The address that discovery and initialize name for compute.
    """

    def __init__(
        self,
        world: ProviderWorld,
        nonces: NonceCounters,
        *,
        network_url: str,
        compute_address: str,
    ) -> None:
        self._world = world
        self._nonces = nonces
        self._network_url = network_url
        self._compute_address = compute_address

    def routes(self) -> list[Endpoint]:
        """Say what answers which request."""
        return [
            Endpoint("GET", "/", "discovery", self.discovery),
            Endpoint("GET", f"{SERVICES}/nonce", "nonce", self.nonce),
            Endpoint("GET", f"{SERVICES}/initialize", "initialize", self.initialize),
            Endpoint("POST", f"{SERVICES}/fileinfo", "fileinfo", self.fileinfo),
            Endpoint("POST", f"{SERVICES}/encrypt", "encrypt", self.encrypt),
            Endpoint("GET", f"{SERVICES}/download", "download", self.download),
        ]

    def discovery(self) -> Response:
        """Answer with who this Provider is, and where it offers what."""
        return compact(
            {
                "software": "Provider",
                "version": "0.4.12",
                "network-url": self._network_url,
                "providerAddress": self._world.key.address,
                "computeAddress": self._compute_address,
                "serviceEndpoints": _ENDPOINTS,
                "embeddedNetwork": "ocean-compute",
            }
        )

    def nonce(self) -> Response:
        """Answer with the nonce of an address."""
        data = parameters(request)
        checks = FieldChecks(data)
        checks.require("userAddress")
        checks.done()
        return spaced({"nonce": self._nonces.wire(str(data["userAddress"]))})

    def initialize(self) -> Response:
        """Answer with what a service costs."""
        data = parameters(request)
        checks = FieldChecks(data)
        for name in ("documentId", "serviceId", "serviceType", "dataToken", "consumerAddress"):
            checks.require(name)
        checks.done()
        try:
            return self._price(data)
        except (UnknownAsset, _NoPrice, RpcError, ForeignDocument, ValueError) as error:
            return unavailable(str(error), data)

    def fileinfo(self) -> Response:
        """Answer with what is known of files."""
        return spaced(_fileinfo(self._world, parameters(request)))

    def encrypt(self) -> Response:
        """Answer with a document that only this Provider can read."""
        data = parameters(request)
        checks = FieldChecks(data)
        for name in ("documentId", "document", "publisherAddress"):
            checks.require(name)
        checks.done()
        try:
            document = safe_json.loads(data["document"])
        except (TypeError, ValueError) as error:
            raise HtmlError(500, f"The document is not JSON: {error}.") from error
        encrypted = self._world.key.encrypt(document, str(data["documentId"]))
        # Nobody checks who asks: that anyone can move anyone's nonce is the protocol's.
        self._nonces.advance(str(data["publisherAddress"]))
        return spaced({"encryptedDocument": encrypted}, 201)

    def download(self) -> Response:
        """Answer with a file of an access service, once its order and signature are checked."""
        data = parameters(request)
        consumer = str(data.get("consumerAddress", ""))
        did = str(data.get("documentId", ""))
        nonce = self._nonces.value(consumer)
        checks = FieldChecks(data)
        checks.require("documentId", bail=True)
        checks.require("serviceId")
        checks.require("dataToken")
        checks.require("consumerAddress", bail=True)
        checks.require("transferTxId", bail=True)
        checks.require("fileIndex")
        checks.check_signature(lambda signature: signed_by(consumer, did, nonce, signature))
        checks.done()
        try:
            return self._file(data, did, consumer, nonce)
        except (UnknownAsset, BadOrder, ForeignDocument, FileUnavailable, ValueError) as error:
            raise HtmlError(500, f"The download is refused: {error}.") from error

    def _price(self, data: dict[str, Any]) -> Response:
        world = self._world
        asset = world.asset(data["documentId"])
        service = _service(asset, data["serviceId"])
        consumer = str(data["consumerAddress"])
        denied = world.why_no_access(asset, consumer)
        if denied:
            return refused(denied)
        urls = world.urls(asset)
        if not urls or not world.files.describe(urls[0])["valid"]:
            return refused("Asset URL not found or not available.")
        # The texts are those that the real Provider's failing Python gives away.
        if service is None:
            raise _NoPrice("'NoneType' object has no attribute 'get_cost'")
        if service.type not in ("access", "compute"):
            raise _NoPrice("'Service' object has no attribute 'get_cost'")
        return spaced(
            {
                "from": consumer,
                "to": Datatoken(world.chain, str(data["dataToken"])).minter(),
                "numTokens": float(service.main["cost"]),
                "dataToken": data["dataToken"],
                "nonce": self._nonces.wire(consumer),
                "computeAddress": self._compute_address,
            }
        )

    def _file(self, data: dict[str, Any], did: str, consumer: str, nonce: int) -> Response:
        world = self._world
        asset = world.asset(did)
        service = _service(asset, data["serviceId"])
        if service is None or service.type != "access":
            raise HtmlError(500, f"{did} has no access service {data['serviceId']}.")
        denied = world.why_no_access(asset, consumer)
        if denied:
            return refused(denied)
        if data["dataToken"] != asset.datatoken:
            raise HtmlError(500, f"The dataToken of {did} is {asset.datatoken}.")
        check_order(world.chain, data["transferTxId"], asset, service, consumer)
        urls = world.urls(asset)
        index = int(data["fileIndex"])
        if not -len(urls) <= index < len(urls):
            raise HtmlError(500, f"{did} has no file {index}.")
        index %= len(urls)  # as Python counts: -1 is the last one
        if not self._nonces.spend(consumer, nonce):
            raise InvalidRequest({"signature": [SIGNATURE_TEXT]})
        file = world.files.open(urls[index], byte_range=request.headers.get("Range"))
        return _sent(file, asset, index)


def _sent(file: RemoteFile, asset: ProviderAsset, index: int) -> Response:
    public = asset.metadata.get("main", {}).get("files", [])
    kind = public[index].get("contentType") if index < len(public) else None
    headers = dict(file.headers)
    headers["Content-Type"] = kind or headers.get("Content-Type") or "application/octet-stream"
    headers["Content-Disposition"] = f"attachment;filename={_safe_name(file.name)}"
    headers["Access-Control-Expose-Headers"] = "Content-Disposition"
    response = Response(file.chunks, file.status, headers=headers)
    response.call_on_close(file.close)
    return response


def _service(asset: ProviderAsset, index: object) -> ProviderService | None:
    try:
        return asset.service(int(str(index)))
    except ValueError:
        return None


def _check_fileinfo(data: dict[str, Any]) -> None:
    did = data.get("did")
    if did is not None and not isinstance(did, str):
        raise HtmlError(500, "The did is not a text.")
    checks = FieldChecks(data)
    checks.require_without("url", "did")
    checks.require_without("did", "url")
    if did is not None and not did.startswith("did:op"):
        checks.refuse("did", "The did format is invalid.")
    checks.done()


def _fileinfo(world: ProviderWorld, data: dict[str, Any]) -> list[dict[str, Any]]:
    if "did" in data or "url" in data:
        _check_fileinfo(data)
    if data.get("did"):
        try:
            urls: tuple[object, ...] = world.urls(world.asset(data["did"]))
        except (UnknownAsset, ForeignDocument) as error:
            raise HtmlError(500, f"{error}.") from error
    elif data.get("url"):
        urls = (data["url"],)
    else:
        unread = " The query string was read in place of the body, as by the real Provider."
        given = "Neither a did nor a url was given."
        raise HtmlError(500, given + (unread if request.args and request.data else ""))
    with_checksum = bool(data.get("checksum", False))
    return [
        {"index": index, **world.files.describe(url, with_checksum=with_checksum)}
        for index, url in enumerate(urls)
    ]


def _safe_name(name: str) -> str:
    kept = "".join(c for c in name if c.isascii() and c.isprintable() and c not in '/\\";')
    return kept.lstrip(".") or "file"
