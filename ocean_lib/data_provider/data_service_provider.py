"""The V3 Provider's REST API as ocean.py has it: one method for each call."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, Optional, TypeVar, cast

from enforce_typing import enforce_types

from ocean_lib.backends import discovery
from ocean_lib.backends.backend import JobRef
from ocean_lib.backends.discovery import Discovery, configured_url, known_generation
from ocean_lib.backends.generation import Generation
from ocean_lib.backends.signing import Signatures
from ocean_lib.backends.v3 import backend, calls
from ocean_lib.backends.v3.answers import JobInfo, check_not_withheld, error_of, no_such_job
from ocean_lib.backends.v3.backend import V3Backend
from ocean_lib.backends.v3.calls import OrderRequirements
from ocean_lib.checks import (
    check_address,
    check_did,
    check_job_id,
    check_service_index,
    check_tx_hash,
    check_url,
)
from ocean_lib.config import Config
from ocean_lib.data_provider._class_callable import class_callable
from ocean_lib.exceptions import (
    InvalidAddress,
    InvalidInput,
    MalformedResponse,
    NotOffered,
    OceanError,
    TransportError,
)
from ocean_lib.http.deadline import SIGNED_READ_AGAIN, Attempts, operation_limit
from ocean_lib.http.exchange import Answer, HttpExchange
from ocean_lib.http.files import (
    announced_bytes,
    name_in_headers,
    not_a_page,
    safe_file_name,
    write_whole,
)
from ocean_lib.http.limits import CACHE_LIFETIME_S, MAX_ANSWER_BYTES, MAX_FILE_BYTES
from ocean_lib.jobs.plan import Algorithm, JobPlan
from ocean_lib.models.algorithm_metadata import AlgorithmMetadata
from ocean_lib.models.compute_input import ComputeInput
from ocean_lib.web3_internal.signer import Signer, check_signer, sign_text, signer_address

logger = logging.getLogger(__name__)

__all__ = ["DataServiceProvider", "OrderRequirements"]

T = TypeVar("T")


@enforce_types
class DataServiceProvider:
    """Calls Providers, on a session and with caches of its own.

    Every method can also be called on the class, as in ocean.py; it then runs on one instance
    that the class makes at the first such call and shares (`DataServiceProvider.shared()`).

    A `provider_uri` is a Provider's URL, or that of any of its services; a `service_endpoint` is
    what the `build_*_endpoint` methods return. A call that fails raises `ProviderError`,
    `MalformedResponse` or `TransportError` (see `ocean_lib.exceptions`), a signed one
    `ProviderNotTrusted` where the config does not name the Provider: nothing was sent then.

    Args:
        config: time-outs, cache lifetime, answer size, auth token option, and the Providers that
            get signatures; if None the defaults, and signatures go where each call says.
        http_client: a session of yours in place of our own (see `HttpExchange`).
        use_auth_token: sign once a day in place of once a call; the config's option if None.
    """

    API_VERSION = discovery.DEFAULT_API_VERSION
    _shared: ClassVar[dict[type, Any]] = {}
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        config: Optional[Config] = None,
        http_client: Optional[object] = None,
        use_auth_token: Optional[bool] = None,
    ) -> None:
        self.http = HttpExchange(
            http_client,
            timeouts=config.timeouts if config else None,
            max_answer_bytes=config.max_answer_bytes if config else MAX_ANSWER_BYTES,
            max_file_bytes=config.max_file_bytes if config else MAX_FILE_BYTES,
        )
        self.cache_lifetime_s = config.cache_lifetime_s if config else CACHE_LIFETIME_S
        if use_auth_token is None:
            use_auth_token = config.use_auth_token if config else False
        self.discovery = Discovery(self.http, self.cache_lifetime_s)
        self.signatures = Signatures(config, use_auth_token)

    @classmethod
    def shared(cls) -> "DataServiceProvider":
        """Return the instance that calls on the class run on; made at the first use."""
        found = cls._shared.get(cls)
        if found is None:
            with cls._shared_lock:
                found = cls._shared.get(cls) or cls._shared.setdefault(cls, cls())
        return cast(DataServiceProvider, found)

    @property
    def use_auth_token(self) -> bool:
        """Whether one signature a day stands for one a call."""
        return self.signatures.use_token

    @class_callable
    def get_http_client(self) -> Any:
        """Return the session in use."""
        return self.http.client

    @class_callable
    def set_http_client(self, http_client: Any) -> None:
        """Use another session; called on the class, for the shared instance.

        Args:
            http_client: a `requests.Session` or something like it (see `HttpExchange`); None for
                a new one of ours.

        Raises:
            InvalidInput: it cannot be called as a session is.
        """
        self.http.client = http_client

    @class_callable
    def clear_caches(self) -> None:
        """Forget all endpoints, nonces and auth tokens."""
        self.discovery.clear()
        self.signatures.clear()
        self.http.forget_places()

    # --- where things are

    get_url = staticmethod(configured_url)

    @staticmethod
    def get_root_uri(service_endpoint: str) -> str:
        """Return the base URL of a Provider, given that or the URL of one of its services.

        Raises:
            InvalidUrl: it is not an http(s) URL.
        """
        return discovery.root_uri(service_endpoint)

    @staticmethod
    def get_api_version() -> str:
        """Return the API's path prefix, "api/v1" unless PROVIDER_API_VERSION says otherwise."""
        return discovery.api_version()

    @class_callable
    def get_service_endpoints(self, provider_uri: str) -> dict[str, Any]:
        """Return the Provider's services: name to [HTTP method, path]."""
        return dict(self.get_provider_document(provider_uri)["serviceEndpoints"])

    @class_callable
    def get_provider_document(self, provider_uri: str) -> dict[str, Any]:
        """Return what the Provider says of itself: `software`, `version`, its services."""
        return dict(self.discovery.document(self.discovery.root_of(provider_uri)))

    @class_callable
    def get_provider_address(self, provider_uri: str) -> str:
        """Return the Provider's own EVM address.

        Raises:
            MalformedResponse: the Provider names none.
        """
        root = self.discovery.root_of(provider_uri)
        named = self.discovery.document(root).get("providerAddress")
        try:
            return check_address(named, name="providerAddress")
        except InvalidAddress as error:
            reason = str(error)
        raise MalformedResponse(
            f"The Provider at {root} does not say its own address: {reason}",
            operation="read the Provider's services",
            url=root,
        )

    @class_callable
    def build_endpoint(self, service_name: str, provider_uri: str) -> tuple[str, str]:
        """Return the HTTP method and URL of a service of this Provider.

        Args:
            service_name: a key of the Provider's discovery document, such as "computeStatus".
            provider_uri: the Provider's.

        Raises:
            EndpointNotFound: the Provider has no such service.
            NotOffered: it is an Ocean Node.
        """
        root = self.discovery.root_of(provider_uri)
        if known_generation(self.discovery.document(root)) is Generation.NODE:
            raise NotOffered(
                f"{root} is an Ocean Node, and this call is one of V3 Providers. Nothing was sent. "
                "On a node publish with assets.publish, and let compute.submit(..., pay=True) "
                "order what a job lacks."
            )
        return self.discovery.endpoint(service_name, root)

    @class_callable
    def build_encrypt_endpoint(self, provider_uri: str) -> tuple[str, str]:
        """Return method and URL of encryption."""
        return self.build_endpoint("encrypt", provider_uri)

    @class_callable
    def build_initialize_endpoint(self, provider_uri: str) -> tuple[str, str]:
        """Return method and URL of an order's requirements."""
        return self.build_endpoint("initialize", provider_uri)

    @class_callable
    def build_download_endpoint(self, provider_uri: str) -> tuple[str, str]:
        """Return method and URL of downloads."""
        return self.build_endpoint("download", provider_uri)

    @class_callable
    def build_compute_endpoint(self, provider_uri: str) -> tuple[str, str]:
        """Return method and URL of a job's status; start and stop share the URL."""
        return self.build_endpoint("computeStatus", provider_uri)

    @class_callable
    def build_fileinfo(self, provider_uri: str) -> tuple[str, str]:
        """Return method and URL of file information."""
        return self.build_endpoint("fileinfo", provider_uri)

    @class_callable
    def knows_provider(self, provider_uri: str) -> bool:
        """Whether this Provider's services are remembered from before."""
        return self.discovery.is_known(self.discovery.root_of(provider_uri))

    @class_callable
    def forget_provider(self, provider_uri: str) -> None:
        """Ask for this Provider's services again the next time."""
        self.discovery.forget(self.discovery.root_of(provider_uri))

    # --- nonces and signatures

    @class_callable
    def get_nonce(self, user_address: str, provider_uri: str) -> int:
        """Return the nonce the Provider has stored for an address.

        Args:
            user_address: in the spelling that is sent with signed calls; the Provider keeps one
                nonce for each spelling.
            provider_uri: the Provider's.
        """
        check_address(user_address, name="user_address")
        return self._backend(provider_uri).nonce(user_address)

    @class_callable
    def sign_message(
        self,
        wallet: Signer,
        msg: str,
        nonce: Optional[int] = None,
        provider_uri: Optional[str] = None,
    ) -> str:
        """Sign a text and a nonce, as the Provider's signed calls need it.

        Args:
            wallet: who signs.
            msg: the text before the nonce.
            nonce: asked for at `provider_uri` if None.
            provider_uri: the Provider's.

        Returns:
            65 bytes r, s, v as `0x` hex.

        Raises:
            InvalidInput: neither a nonce nor where to ask for one.
            SigningFailed: the signer gave no signature.
        """
        if nonce is None:
            if not provider_uri:
                raise InvalidInput("sign_message needs a nonce, or the provider_uri to ask at.")
            nonce = self.get_nonce(signer_address(wallet), provider_uri)
        return sign_text(wallet, f"{msg}{nonce}")

    @class_callable
    def sign_and_send(
        self,
        wallet: Signer,
        text: str,
        provider_uri: str,
        send: Callable[[str], T],
        again_on: tuple[type[OceanError], ...] = (),
        *,
        did: str = "",
    ) -> T:
        """Make one signed call: in its turn, with the right nonce, once more if it had moved.

        Args:
            wallet: who signs.
            text: what is signed, before the nonce.
            provider_uri: the Provider's.
            send: sends the call with the signature it is given and returns the call's value.
            again_on: further failures after which one new attempt, with a new nonce and
                signature, can do no harm: for reads.
            did: the asset that names this Provider, for the message if it is not trusted.

        Returns:
            What `send` returned.

        Raises:
            SignatureRejected, ResultsWithheld: not accepted with a renewed nonce either.
        """
        address = signer_address(check_signer(wallet))
        return self.signatures.call(
            self._backend(provider_uri),
            wallet,
            address,
            text,
            lambda given: send(given.signature),
            again_on,
            did,
        )

    # --- jobs

    @class_callable
    def start_compute_job(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: str,
        service_id: int,
        order_tx_id: str,
        algorithm_did: Optional[str] = None,
        algorithm_meta: Optional[AlgorithmMetadata] = None,
        algorithm_tx_id: Optional[str] = None,
        algorithm_data_token: Optional[str] = None,
        output: Optional[dict[str, Any]] = None,
        input_datasets: Optional[list[ComputeInput]] = None,
        job_id: Optional[str] = None,
    ) -> JobInfo:
        """Start a job. Sent once: a repeated request would start a second job.

        Args:
            did: the main input's.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: who ordered.
            signature: over `{consumerAddress}{did}{nonce}`.
            service_id: index of the compute service; 0 is a valid index.
            order_tx_id: the order transaction of the main input.
            algorithm_did: a published algorithm; needs algorithm_tx_id and algorithm_data_token.
            algorithm_meta: raw code; ignored when `algorithm_did` is given.
            algorithm_tx_id: the algorithm's order transaction.
            algorithm_data_token: the algorithm's datatoken.
            output: see `OceanCompute.check_output_dict`.
            input_datasets: all inputs; the main one among them is not sent twice.
            job_id: of a job stopped before, if the Provider's back end can go on with it.

        Returns:
            The new job as the Provider describes it.

        Raises:
            WorkflowRefused, RequestInvalid, SignatureRejected: the Provider refuses.
            StartUncertain: the answer names no job, several, or one that was not asked for.
        """
        self._check_call(did, service_endpoint, consumer_address, signature)
        main = ComputeInput(did, order_tx_id, service_id)
        others = list(input_datasets or ())
        for item in (main, *others):
            check_service_index(item.service_id)
        if main in others:
            others.remove(main)
        algorithm = Algorithm.given(
            algorithm_did, algorithm_meta, algorithm_tx_id, algorithm_data_token
        )
        algorithm.check_complete(with_code=False)
        plan = JobPlan(
            (main, *others),
            algorithm,
            consumer_address,
            output=output or {},
            resumed_job_id=job_id or "",
        )
        return backend.start_job(self.http, service_endpoint, plan, signature)

    @class_callable
    def stop_compute_job(
        self, did: str, job_id: str, service_endpoint: str, consumer_address: str, signature: str
    ) -> JobInfo:
        """Stop one job; returns it with its status before the stop.

        Args:
            did: the data set's.
            job_id: which job; at least 2 characters, since less would stop all jobs of the owner.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the job's owner.
            signature: over `{consumerAddress}{jobId}{did}{nonce}`.

        Raises:
            InvalidInput: not a job id; nothing was sent.
            JobNotFound: the Provider knows no such job of this owner.
        """
        check_job_id(job_id)
        self._check_call(did, service_endpoint, consumer_address, signature)
        jobs = backend.put_stop(
            self.http, service_endpoint, consumer_address, did, job_id, signature
        )
        if job_id not in jobs:
            root = self.discovery.root_of(service_endpoint)
            raise no_such_job(jobs, job_id, "stop the job", root)
        return jobs[job_id]

    @class_callable
    def stop_all_compute_jobs(
        self, did: str, service_endpoint: str, consumer_address: str, signature: str
    ) -> list[JobInfo]:
        """Stop every job of the owner at this Provider; returns them as they were before."""
        self._check_call(did, service_endpoint, consumer_address, signature)
        jobs = backend.put_stop(self.http, service_endpoint, consumer_address, did, "", signature)
        return list(jobs.values())

    @class_callable
    def delete_compute_job(
        self, did: str, job_id: str, service_endpoint: str, consumer_address: str, signature: str
    ) -> bool:
        """Ask to delete one job; operator-service 1.0.0 deletes nothing (`OceanCompute.delete`).

        Returns:
            True: the Provider took the call, for unknown jobs too.

        Raises:
            InvalidInput: not a job id; nothing was sent.
        """
        check_job_id(job_id)
        self._check_call(did, service_endpoint, consumer_address, signature)
        backend.delete_job(self.http, service_endpoint, consumer_address, did, job_id, signature)
        return True

    @class_callable
    def compute_job_status(
        self,
        did: str,
        job_id: str,
        service_endpoint: str,
        consumer_address: str,
        signature: Optional[str] = None,
    ) -> JobInfo:
        """Return one job as the Provider describes it.

        Args:
            did: the data set's.
            job_id: which job.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the job's owner.
            signature: not needed: a status is given unsigned, without result URLs and owner. A
                signed call moves the nonce.

        Raises:
            JobNotFound: the Provider knows no such job of this owner.
        """
        check_job_id(job_id)
        self._check_call(did, service_endpoint, consumer_address, signature)
        ref = JobRef(did, job_id, consumer_address)
        return self._job(ref, service_endpoint, "get the status of the job", signature)

    @class_callable
    def compute_job_result(
        self, did: str, job_id: str, service_endpoint: str, consumer_address: str, signature: str
    ) -> JobInfo:
        """Return one job with its results' URLs.

        Args:
            did: the data set's.
            job_id: which job.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the job's owner.
            signature: over `{consumerAddress}{jobId}{did}{nonce}`.

        Raises:
            ResultsWithheld: the Provider did not accept the signature.
            JobNotFound: the Provider knows no such job of this owner.
        """
        check_job_id(job_id)
        self._check_call(did, service_endpoint, consumer_address, signature)
        ref = JobRef(did, job_id, consumer_address)
        operation = "get the results of the job"
        return check_not_withheld(self._job(ref, service_endpoint, operation, signature))

    @class_callable
    def compute_jobs(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: Optional[str] = None,
    ) -> list[JobInfo]:
        """Return all jobs of an owner at this Provider, of whichever data set, in no order.

        Args:
            did: any DID, or ''; the Provider does not select by it.
            service_endpoint: see `build_compute_endpoint`.
            consumer_address: the jobs' owner.
            signature: only for result URLs; see `compute_job_status`.
        """
        self._check_call(did, service_endpoint, consumer_address, signature, is_named=did != "")
        return backend.get_jobs(self.http, service_endpoint, consumer_address, did, signature or "")

    @class_callable
    def jobs_and_clock(
        self, did: str, service_endpoint: str, consumer_address: str
    ) -> tuple[list[JobInfo], float]:
        """Return all jobs of an owner, and the Provider's clock in epoch seconds."""
        self._check_call(did, service_endpoint, consumer_address, None)
        return backend.list_jobs(self.http, service_endpoint, consumer_address, did)

    # --- assets

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
        """
        check_address(asset_id, name="asset_id")
        check_address(publisher_address, name="publisher_address")
        check_url(encrypt_endpoint, name="encrypt_endpoint")
        try:
            return calls.encrypt(
                self.http, encrypt_endpoint, files_dict, asset_id, publisher_address, signed_did
            )
        finally:
            # This call moves the publisher's nonce, signed or not.
            root = self.discovery.root_of(encrypt_endpoint)
            self.signatures.forget_nonce(root, publisher_address)

    @class_callable
    def encrypt_files(
        self, files_dict: Any, asset_id: str, wallet: Signer, provider_uri: str
    ) -> str:
        """Sign for and make one `encrypt_files_dict`, in the wallet's turn.

        Whoever gets this signature can do nothing with it, so the config need not name the
        Provider, and an auth token is not used.

        Args:
            files_dict: the `files` of the metadata, URLs included.
            asset_id: the asset's id, `0x` and 40 hex digits.
            wallet: the publisher's.
            provider_uri: the Provider's.

        Returns:
            The encrypted document, as `0x` hex.

        Raises:
            OceanEncryptAssetUrlsError: the Provider gave none.
        """
        address = signer_address(check_signer(wallet))
        check_address(asset_id, name="asset_id")  # of the form of no other signed text
        _, endpoint = self.build_encrypt_endpoint(provider_uri)
        return self.signatures.call(
            self._backend(provider_uri),
            wallet,
            address,
            asset_id,
            lambda given: self.encrypt_files_dict(
                files_dict, endpoint, asset_id, address, given.signature
            ),
            is_worthless=True,
        )

    @class_callable
    def check_single_file_info(self, file_url: str, provider_uri: str) -> bool:
        """Whether the Provider can reach this URL; an error says nothing of the file."""
        if not (isinstance(file_url, str) and file_url.strip()):
            raise InvalidInput(f"file_url must be text, got {type(file_url).__name__}.")
        return _all_of(self._files({"url": file_url}, provider_uri))

    @class_callable
    def check_asset_file_info(self, asset: Any, provider_uri: str) -> bool:
        """Whether the Provider can reach all files of an `Asset`; an error says nothing of them."""
        return bool(asset.did) and _all_of(self._files({"did": asset.did}, provider_uri))

    @class_callable
    def files_reachable(self, did: str, provider_uri: str) -> list[bool]:
        """Whether the Provider can reach each file of an asset, in their order.

        Raises:
            ProviderFault: the Provider does not know the asset, or cannot decrypt its files.
        """
        return self._files({"did": did}, provider_uri)

    @class_callable
    def download_service(
        self,
        did: str,
        service_endpoint: str,
        wallet: Signer,
        files: Sequence[Any],
        destination_folder: "str | Path",
        service_id: int,
        token_address: str,
        order_tx_id: str,
        index: Optional[int] = None,
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
            MalformedResponse: the answer lacks something.
        """
        check_did(did)
        check_url(service_endpoint, name="service endpoint")
        check_address(consumer_address, name="consumer_address")
        check_service_index(service_id)
        check_address(token_address, name="token_address")
        query = {
            "documentId": did,
            "serviceId": str(service_id),
            "serviceType": service_type,
            "dataToken": token_address,
            "consumerAddress": consumer_address,
        }
        return calls.initialize(self.http, service_endpoint, query)

    def _backend(self, provider_uri: str) -> V3Backend:
        root = self.discovery.root_of(provider_uri)
        return V3Backend(root, self.http, self.discovery, self.signatures)

    def _check_call(
        self,
        did: str,
        service_endpoint: str,
        consumer_address: str,
        signature: Optional[str],
        *,
        is_named: bool = True,
    ) -> None:
        """Refuse what cannot work; nothing is changed, since the caller has signed these texts."""
        if is_named:
            check_did(did)
        check_url(service_endpoint, name="service endpoint")
        check_address(consumer_address, name="consumer_address")
        if signature is not None:
            self.signatures.check_trusted(service_endpoint, did)

    def _job(self, ref: JobRef, url: str, operation: str, signature: Optional[str]) -> JobInfo:
        root = self.discovery.root_of(url)
        return backend.get_job(self.http, url, ref, operation, root, signature or "")

    def _files(self, question: dict[str, str], provider_uri: str) -> list[bool]:
        method, url = self.build_fileinfo(provider_uri)
        return calls.file_info(self.http, method, url, question)

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
                raise error_of(Answer(response.status_code, page, response.headers, url, operation))
            return response.headers, pieces

        did = query["documentId"]
        return self.sign_and_send(wallet, did, url, send, SIGNED_READ_AGAIN, did=did)


def _all_of(reached: list[bool]) -> bool:
    return bool(reached) and all(reached)
