"""The Provider's calls about an asset: its files, and what it takes to order it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from ocean_lib.common.http_requests.answer import Answer
from ocean_lib.common.http_requests.encodings import announced_bytes
from ocean_lib.common.http_requests.exchange import operation_limit
from ocean_lib.common.http_requests.files import name_in_headers, safe_file_name, write_whole
from ocean_lib.common.http_requests.pages import not_a_page
from ocean_lib.common.http_requests.retrying import SIGNED_READ_AGAIN, Attempts
from ocean_lib.common.http_requests.safe_json import is_json
from ocean_lib.common.validation import (
    check_address,
    check_did,
    check_service_index,
    check_tx_hash,
    check_url,
)
from ocean_lib.data_provider._connection import ProviderConnection
from ocean_lib.data_provider._responses import check_status, error_of
from ocean_lib.data_provider._shared import class_callable
from ocean_lib.exceptions import InvalidInput, OceanEncryptAssetUrlsError, TransportError
from ocean_lib.web3_internal.signer import Signer, check_signer, signer_address


class OrderRequirements(NamedTuple):
    """What it takes to order a service.

    Attributes:
        amount: datatokens to pay, in whole tokens (not base units).
        data_token_address: the token to pay in.
        receiver_address: who gets them: the asset's publisher.
        nonce: the consumer's nonce at the Provider, at that moment.
        computeAddress: the address of the Provider's compute back end, if it has one.
    """

    amount: Decimal
    data_token_address: str
    receiver_address: str
    nonce: int
    computeAddress: str | None  # noqa: N815 - ocean.py's name


class AssetsApi(ProviderConnection):
    """encrypt, fileinfo, initialize, download."""

    @class_callable
    def encrypt_files_dict(
        self,
        files_dict: Any,
        encrypt_endpoint: str,
        asset_id: str,
        publisher_address: str,
        signed_did: str,
    ) -> str:
        """Have a list of files encrypted so that only the Provider can read it.

        Args:
            files_dict: the `files` of the metadata, URLs included.
            encrypt_endpoint: see `build_encrypt_endpoint`.
            asset_id: the asset's id, `0x` and 40 hex digits.
            publisher_address: the publisher's.
            signed_did: see `sign_message`; the Provider does not check it.

        Returns:
            The encrypted document, as `0x` hex.

        Raises:
            OceanEncryptAssetUrlsError: the Provider gave none.
            TransportError: no answer.
        """
        check_address(asset_id, name="asset_id")
        check_address(publisher_address, name="publisher_address")
        if not is_json(files_dict):
            raise InvalidInput("files_dict must hold JSON values only: text, lists, dicts.")
        answer = self.http.send(
            "POST",
            check_url(encrypt_endpoint, name="encrypt_endpoint"),
            operation="encrypt the list of files",
            json_body={
                "documentId": asset_id,
                "signature": signed_did,
                "document": json.dumps(files_dict),
                "publisherAddress": publisher_address,
            },
        )
        # This call moves the publisher's nonce, signed or not.
        self._nonces.forget(self._endpoints.root_of(encrypt_endpoint), publisher_address)
        if answer.status_code in (200, 201):
            said = answer.json()
            document = said.get("encryptedDocument") if isinstance(said, dict) else None
            if isinstance(document, str) and document:
                return document
            reason: Exception = answer.malformed("an encryptedDocument", answer.text())
        else:
            reason = error_of(answer)
        raise OceanEncryptAssetUrlsError(
            str(reason),
            operation=answer.operation,
            status_code=answer.status_code,
            provider_text=answer.text(),
            url=answer.url,
        )

    @class_callable
    def check_single_file_info(self, file_url: str, provider_uri: str) -> bool:
        """Whether the Provider can reach this URL.

        Raises:
            ProviderError, MalformedResponse, TransportError: it could not be asked; that says
                nothing of the file.
        """
        if not (isinstance(file_url, str) and file_url.strip()):
            raise InvalidInput(f"file_url must be text, got {type(file_url).__name__}.")
        return self._file_info({"url": file_url}, provider_uri)

    @class_callable
    def check_asset_file_info(self, asset: Any, provider_uri: str) -> bool:
        """Whether the Provider can reach all files of this asset.

        Args:
            asset: a published `Asset`.
            provider_uri: the Provider's URL, or that of any of its services.

        Raises:
            ProviderError, MalformedResponse, TransportError: it could not be asked; that says
                nothing of the files.
        """
        return bool(asset.did) and self._file_info({"did": asset.did}, provider_uri)

    @class_callable
    def files_reachable(self, did: str, provider_uri: str) -> list[bool]:
        """Whether the Provider can reach each file of an asset, in their order.

        Args:
            did: a published asset's.
            provider_uri: the Provider's URL, or that of any of its services.

        Raises:
            ProviderFault: the Provider does not know the asset, or cannot decrypt its files.
            ProviderError, MalformedResponse, TransportError: it could not be asked; that says
                nothing of the files.
        """
        return [f.get("valid") is True for f in self._files({"did": did}, provider_uri)]

    def _file_info(self, question: dict[str, str], provider_uri: str) -> bool:
        files = self._files(question, provider_uri)
        return bool(files) and all(file.get("valid") is True for file in files)

    def _files(self, question: dict[str, str], provider_uri: str) -> list[dict[str, Any]]:
        method, url = self.build_fileinfo(provider_uri)
        answer = self.http.send(
            method,
            url,
            operation="ask whether the files can be reached",
            json_body=question,
            retry=True,
        )
        files = check_status(answer).json()
        if not (isinstance(files, list) and all(isinstance(file, dict) for file in files)):
            raise answer.malformed("a list of files", answer.text())
        return files

    @class_callable
    def download_service(
        self,
        did: str,
        service_endpoint: str,
        wallet: Signer,
        files: Sequence[Any],
        destination_folder: str | Path,
        service_id: int,
        token_address: str,
        order_tx_id: str,
        index: int | None = None,
    ) -> list[str]:
        """Download the files of an ordered asset.

        Args:
            did: the asset's.
            service_endpoint: see `build_download_endpoint`.
            wallet: of the consumer who ordered.
            files: the `files` of the asset's metadata; how many there are counts.
            destination_folder: made if it is not there.
            service_id: index of the access service.
            token_address: the asset's datatoken.
            order_tx_id: the order transaction.
            index: only this file; all if None.

        Returns:
            The paths written, in the order of the files.

        Raises:
            InvalidInput: no such index.
            ProviderNotTrusted: the config does not name this Provider; nothing was signed.
            ProviderError: the Provider refuses.
            DownloadError: the disk says no.
        """
        if index is not None and not 0 <= index < len(files):
            raise InvalidInput(
                f"File index {index!r} does not exist: the asset has {len(files)} file(s), "
                "counted from 0."
            )
        check_did(did)
        check_url(service_endpoint, name="service endpoint")
        check_address(token_address, name="token_address")
        check_tx_hash(order_tx_id, name="order_tx_id")
        check_service_index(service_id)
        check_signer(wallet)
        folder = Path(destination_folder)
        paths: list[Path] = []
        for position in range(len(files)) if index is None else [index]:
            query = {
                "documentId": did,
                "serviceId": str(service_id),
                "serviceType": "access",
                "dataToken": token_address,
                "transferTxId": order_tx_id,
                "consumerAddress": signer_address(wallet),
                "fileIndex": str(position),
            }
            paths.append(
                self._download(
                    service_endpoint, wallet, query, folder, position, paths, index is None
                )
            )
        return [str(path) for path in paths]

    def _download(
        self,
        url: str,
        wallet: Signer,
        query: dict[str, str],
        folder: Path,
        position: int,
        taken: list[Path],
        replace: bool,
    ) -> Path:
        operation = f"download file {position} of {query['documentId']}"
        # Around the signed call too, whose own limit would end the transfer after a minute.
        with operation_limit(self.http.timeouts.file_total_s) as deadline:
            attempts = Attempts(deadline, 2)
            while True:
                with ExitStack() as open_answers:
                    headers, pieces = self._open(url, wallet, query, operation, open_answers)
                    fallback = f"file-{position}"
                    name = name_in_headers(headers.get("content-disposition")) or fallback
                    announced = announced_bytes(headers)
                    try:
                        return write_whole(
                            not_a_page(pieces, headers, name, operation),
                            folder,
                            safe_file_name(name, fallback),
                            position,
                            taken=taken,
                            replace=replace,
                            max_bytes=self.http.max_file_bytes if announced is None else announced,
                            operation=operation,
                        )
                    except TransportError:
                        if not attempts.again():
                            raise

    def _open(
        self,
        url: str,
        wallet: Signer,
        query: dict[str, str],
        operation: str,
        open_answers: ExitStack,
    ) -> tuple[Mapping[str, str], Iterator[bytes]]:
        """Ask for a file with a signature; return the answer's headers and body."""

        def send(signature: str) -> tuple[Mapping[str, str], Iterator[bytes]]:
            response, pieces = open_answers.enter_context(
                self.http.stream(url, operation=operation, params={**query, "signature": signature})
            )
            if response.status_code not in (200, 206):
                page = next(pieces, b"")
                raise error_of(Answer.of(response, page, url, operation))
            return response.headers, pieces

        did = query["documentId"]
        return self.sign_and_send(wallet, did, url, send, SIGNED_READ_AGAIN, did=did)

    @class_callable
    def get_order_requirements(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        service_id: int,
        service_type: str,
        token_address: str,
    ) -> OrderRequirements:
        """Ask what it takes to order a service (the Provider's `initialize`).

        Args:
            did: the asset's.
            service_endpoint: see `build_initialize_endpoint`.
            consumer_address: who will consume.
            service_id: index of the service.
            service_type: "access" or "compute".
            token_address: the asset's datatoken.

        Raises:
            ProviderError: the Provider refuses.
            MalformedResponse: the answer lacks something.
        """
        check_did(did)
        check_url(service_endpoint, name="service endpoint")
        check_address(consumer_address, name="consumer_address")
        check_service_index(service_id)
        check_address(token_address, name="token_address")
        answer = self.http.send(
            "GET",
            service_endpoint,
            operation=f"get the order requirements of {did}",
            params={
                "documentId": did,
                "serviceId": str(service_id),
                "serviceType": service_type,
                "dataToken": token_address,
                "consumerAddress": consumer_address,
            },
            retry=True,
        )
        said = check_status(answer).json()
        try:
            amount = Decimal(str(said["numTokens"]))
            if not (amount.is_finite() and amount >= 0):
                raise ValueError
            compute_address = said.get("computeAddress")
            return OrderRequirements(
                amount,
                check_address(said["dataToken"], name="dataToken"),
                check_address(said["to"], name="to"),
                int(said["nonce"]),
                str(compute_address) if compute_address else None,
            )
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            pass
        raise answer.malformed("numTokens, dataToken, to and nonce", answer.text())
