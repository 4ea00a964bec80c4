"""The Provider's REST API: discovery, nonces, prices, files. Compute is in `_compute_api`."""

from __future__ import annotations

import logging
from typing import Any

from flask import Blueprint, Response, request

from ocean_lib.localnet import safe_json
from ocean_lib.localnet.chain import RpcError
from ocean_lib.localnet.dialects.v3.answers import (
    HtmlError,
    compact,
    invalid,
    page,
    refused,
    spaced,
    unavailable,
)
from ocean_lib.localnet.dialects.v3.assets import Asset, Service
from ocean_lib.localnet.dialects.v3.contract_reads import Datatoken
from ocean_lib.localnet.dialects.v3.encryption import ForeignDocument
from ocean_lib.localnet.dialects.v3.orders import BadOrder, check_order
from ocean_lib.localnet.dialects.v3.signatures import signed_by
from ocean_lib.localnet.dialects.v3.validation import InvalidRequest, Rules, parameters
from ocean_lib.localnet.dialects.v3.workflow import ProviderWorld, UnknownAsset
from ocean_lib.localnet.files.access import FileUnavailable
from ocean_lib.localnet.state.database import NonceBook

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
_log = logging.getLogger(__name__)


def provider_api(
    world: ProviderWorld, nonces: NonceBook, *, network_url: str, compute_address: str
) -> Blueprint:
    """Build the routes of the Provider, without compute.

    Args:
        world: Chain, key, files and metadata.
        nonces: The Provider's nonces.
        network_url: The chain's RPC URL, for discovery.
        compute_address: The address that discovery and initialize name for compute.

    Returns:
        A Flask blueprint.
    """
    routes = Blueprint("provider", __name__)

    @routes.get("/")
    def discovery() -> Response:
        return compact(
            {
                "software": "Provider",
                "version": "0.4.12",
                "network-url": network_url,
                "providerAddress": world.key.address,
                "computeAddress": compute_address,
                "serviceEndpoints": _ENDPOINTS,
                "embeddedNetwork": "ocean-compute",
            }
        )

    @routes.get(f"{SERVICES}/nonce")
    def nonce() -> Response:
        data = parameters(request)
        rules = Rules(data)
        rules.require("userAddress")
        rules.done()
        return spaced({"nonce": nonces.wire(str(data["userAddress"]))})

    @routes.get(f"{SERVICES}/initialize")
    def initialize() -> Response:
        data = parameters(request)
        rules = Rules(data)
        for name in ("documentId", "serviceId", "serviceType", "dataToken", "consumerAddress"):
            rules.require(name)
        rules.done()
        try:
            return _initialize(world, nonces, data, compute_address)
        except (UnknownAsset, _NoPrice, RpcError, ForeignDocument, ValueError) as error:
            return unavailable(str(error), data)

    @routes.post(f"{SERVICES}/fileinfo")
    def fileinfo() -> Response:
        data = parameters(request)
        return spaced(_fileinfo(world, data))

    @routes.post(f"{SERVICES}/encrypt")
    def encrypt() -> Response:
        data = parameters(request)
        rules = Rules(data)
        for name in ("documentId", "document", "publisherAddress"):
            rules.require(name)
        rules.done()
        try:
            document = safe_json.loads(data["document"])
        except (TypeError, ValueError) as error:
            raise HtmlError(500, f"The document is not JSON: {error}.") from error
        encrypted = world.key.encrypt(document, str(data["documentId"]))
        # Nobody checks who asks: that anyone can move anyone's nonce is the protocol's.
        nonces.advance(str(data["publisherAddress"]))
        return spaced({"encryptedDocument": encrypted}, 201)

    @routes.get(f"{SERVICES}/download")
    def download() -> Response:
        return _download(world, nonces, parameters(request))

    @routes.app_errorhandler(InvalidRequest)
    def on_invalid(error: InvalidRequest) -> Response:
        return invalid(error.errors)

    @routes.app_errorhandler(HtmlError)
    def on_html(error: HtmlError) -> Response:
        return page(error.status, error.reason)

    @routes.app_errorhandler(Exception)
    def on_unexpected(error: Exception) -> Response:
        status = getattr(error, "code", None)
        if isinstance(status, int) and status < 500:
            return page(status, str(getattr(error, "description", "")))
        _log.exception("the request failed")
        return page(500, f"{type(error).__name__}, see the network's log.")

    return routes


class _NoPrice(Exception):
    """A service that cannot be ordered."""


def _initialize(
    world: ProviderWorld, nonces: NonceBook, data: dict[str, Any], compute_address: str
) -> Response:
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
            "nonce": nonces.wire(consumer),
            "computeAddress": compute_address,
        }
    )


def _service(asset: Asset, index: object) -> Service | None:
    try:
        return asset.service(int(str(index)))
    except ValueError:
        return None


def _check_fileinfo(data: dict[str, Any]) -> None:
    did = data.get("did")
    if did is not None and not isinstance(did, str):
        raise HtmlError(500, "The did is not a text.")
    rules = Rules(data)
    rules.require_without("url", "did")
    rules.require_without("did", "url")
    if did is not None and not did.startswith("did:op"):
        rules.refuse("did", "The did format is invalid.")
    rules.done()


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


def _download(world: ProviderWorld, nonces: NonceBook, data: dict[str, Any]) -> Response:
    consumer = str(data.get("consumerAddress", ""))
    did = str(data.get("documentId", ""))
    nonce = nonces.value(consumer)
    rules = Rules(data)
    rules.require("documentId", bail=True)
    rules.require("serviceId")
    rules.require("dataToken")
    rules.require("consumerAddress", bail=True)
    rules.require("transferTxId", bail=True)
    rules.require("fileIndex")
    rules.check_signature(lambda signature: signed_by(consumer, did, nonce, signature))
    rules.done()
    try:
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
        if not nonces.spend(consumer, nonce):
            raise InvalidRequest({"signature": ["Invalid signature provided."]})
        file = world.files.open(urls[index], byte_range=request.headers.get("Range"))
    except (UnknownAsset, BadOrder, ForeignDocument, FileUnavailable, ValueError) as error:
        raise HtmlError(500, f"The download is refused: {error}.") from error
    public = asset.metadata.get("main", {}).get("files", [])
    kind = public[index].get("contentType") if index < len(public) else None
    headers = dict(file.headers)
    headers["Content-Type"] = kind or headers.get("Content-Type") or "application/octet-stream"
    headers["Content-Disposition"] = f"attachment;filename={_safe_name(file.name)}"
    headers["Access-Control-Expose-Headers"] = "Content-Disposition"
    response = Response(file.chunks, file.status, headers=headers)
    response.call_on_close(file.close)
    return response


def _safe_name(name: str) -> str:
    kept = "".join(c for c in name if c.isascii() and c.isprintable() and c not in '/\\";')
    return kept.lstrip(".") or "file"
