"""A Provider as its calls see it: session, endpoints, and signed calls in their turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from ocean_lib.common.http_requests.deadline import Deadline
from ocean_lib.common.http_requests.exchange import HttpExchange, operation_limit
from ocean_lib.common.http_requests.limits import (
    CACHE_LIFETIME_S,
    MAX_ANSWER_BYTES,
    MAX_FILE_BYTES,
    Timeouts,
)
from ocean_lib.common.http_requests.retrying import may_sign_again
from ocean_lib.common.validation import check_address, without_query
from ocean_lib.config import Config
from ocean_lib.data_provider import _endpoints
from ocean_lib.data_provider._auth_tokens import AuthTokens
from ocean_lib.data_provider._endpoints import Endpoints
from ocean_lib.data_provider._nonces import RENEWING, NonceBook
from ocean_lib.data_provider._responses import check_status
from ocean_lib.data_provider._shared import class_callable
from ocean_lib.data_provider._trusted import check_trusted
from ocean_lib.exceptions import (
    ConfigError,
    InvalidAddress,
    InvalidInput,
    MalformedResponse,
    OceanError,
    ResultsWithheld,
    SignatureRejected,
)
from ocean_lib.web3_internal.signer import Signer, check_signer, sign_text, signer_address

T = TypeVar("T")
Connection = TypeVar("Connection", bound="ProviderConnection")


class ProviderConnection:
    """What all calls share: the session, the caches, and how a call is signed."""

    API_VERSION = _endpoints.DEFAULT_API_VERSION
    _shared: ClassVar[dict[type, Any]] = {}
    _shared_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        config: Config | None = None,
        http_client: Any = None,
        use_auth_token: bool | None = None,
    ) -> None:
        self.http = HttpExchange(
            http_client,
            timeouts=timeouts_of(config),
            max_answer_bytes=config.max_answer_bytes if config else MAX_ANSWER_BYTES,
            max_file_bytes=config.max_file_bytes if config else MAX_FILE_BYTES,
        )
        self.cache_lifetime_s = config.cache_lifetime_s if config else CACHE_LIFETIME_S
        if use_auth_token is None:
            use_auth_token = config.use_auth_token if config else False
        self.use_auth_token = use_auth_token
        self._config = config
        self._endpoints = Endpoints(self.http, self.cache_lifetime_s)
        self._nonces = NonceBook()
        self._tokens = AuthTokens()

    @classmethod
    def shared(cls: type[Connection]) -> Connection:
        """Return the instance that calls on the class run on; made at the first use."""
        found: Connection | None = cls._shared.get(cls)
        if found is None:
            with cls._shared_lock:
                found = cls._shared.get(cls) or cls._shared.setdefault(cls, cls())
        return found

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
        self._endpoints.clear()
        self._nonces.clear()
        self._tokens.clear()
        self.http.forget_places()

    # --- where things are

    @staticmethod
    def get_url(config: Any) -> str:
        """Return the configured Provider's URL, without a slash at its end.

        Raises:
            ConfigError: none is configured.
        """
        # Calls leave a query out too; and this URL is published and sent.
        url = without_query(str(config.provider_url or "")).rstrip("/")
        if not url:
            raise ConfigError(
                "No Provider is configured: set provider.url in [resources] of the config, or "
                "the environment variable PROVIDER_URL."
            )
        return url

    @staticmethod
    def get_root_uri(service_endpoint: str) -> str:
        """Return the base URL of a Provider, given that or the URL of one of its services.

        Raises:
            InvalidUrl: it is no http(s) URL.
        """
        return _endpoints.root_uri(service_endpoint)

    @staticmethod
    def get_api_version() -> str:
        """Return the API's path prefix, "api/v1" unless PROVIDER_API_VERSION says otherwise."""
        return _endpoints.api_version()

    @class_callable
    def get_service_endpoints(self, provider_uri: str) -> dict[str, Any]:
        """Return the Provider's services: name to [HTTP method, path].

        Raises:
            ProviderError, MalformedResponse, TransportError: see `ocean_lib.exceptions`.
        """
        document = self._endpoints.document(self._endpoints.root_of(provider_uri))
        return dict(document["serviceEndpoints"])

    @class_callable
    def get_provider_address(self, provider_uri: str) -> str:
        """Return the Provider's own EVM address.

        Raises:
            MalformedResponse: the Provider names none.
        """
        root = self._endpoints.root_of(provider_uri)
        named = self._endpoints.document(root).get("providerAddress")
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
    def get_provider_document(self, provider_uri: str) -> dict[str, Any]:
        """Return what the Provider says of itself: `software`, `version`, its services.

        Raises:
            ProviderError, MalformedResponse, TransportError: see `ocean_lib.exceptions`.
        """
        return dict(self._endpoints.document(self._endpoints.root_of(provider_uri)))

    @class_callable
    def build_endpoint(self, service_name: str, provider_uri: str) -> tuple[str, str]:
        """Return the HTTP method and URL of a service of this Provider.

        Args:
            service_name: a key of the Provider's discovery document, such as "computeStatus".
            provider_uri: the Provider's URL, or that of any of its services.

        Raises:
            EndpointNotFound: the Provider has no such service.
        """
        return self._endpoints.endpoint(service_name, self._endpoints.root_of(provider_uri))

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
        return self._endpoints.is_known(self._endpoints.root_of(provider_uri))

    @class_callable
    def forget_provider(self, provider_uri: str) -> None:
        """Ask for this Provider's services anew the next time."""
        self._endpoints.forget(self._endpoints.root_of(provider_uri))

    # --- nonces and signatures

    @class_callable
    def get_nonce(self, user_address: str, provider_uri: str) -> int:
        """Return the nonce the Provider has stored for an address.

        Args:
            user_address: in the spelling that is sent with signed calls; the Provider keeps one
                nonce for each spelling.
            provider_uri: the Provider's URL, or that of any of its services.

        Raises:
            ProviderError, MalformedResponse, TransportError: a nonce that cannot be read is an
                error, never a value.
        """
        check_address(user_address, name="user_address")
        method, url = self.build_endpoint("nonce", provider_uri)
        answer = self.http.send(
            method,
            url,
            operation="get the nonce",
            params={"userAddress": user_address},
            retry=True,
        )
        said = check_status(answer).json()
        nonce = said.get("nonce") if isinstance(said, dict) else None
        # An int 0 for an address never seen, then text: both were measured.
        if isinstance(nonce, str) and nonce.isascii() and nonce.isdigit() and len(nonce) < 78:
            return int(nonce)
        if isinstance(nonce, int) and not isinstance(nonce, bool) and nonce >= 0:
            return nonce
        raise answer.malformed('{"nonce": a whole number}', answer.text())

    @class_callable
    def sign_message(
        self,
        wallet: Signer,
        msg: str,
        nonce: int | None = None,
        provider_uri: str | None = None,
    ) -> str:
        """Sign a text and a nonce, as the Provider's signed calls need it.

        Args:
            wallet: who signs.
            msg: the text before the nonce.
            nonce: asked for at `provider_uri` if None.
            provider_uri: the Provider's URL, or that of any of its services.

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
            provider_uri: the Provider's URL, or that of any of its services.
            send: sends the call with the signature it is given and returns the call's value.
            again_on: further failures after which one new attempt, with a new nonce and
                signature, can do no harm: for reads.
            did: the asset that names this Provider, for the message if it is not trusted.

        Returns:
            What `send` returned.

        Raises:
            ProviderNotTrusted: the config does not name this Provider; nothing was signed.
            SignatureRejected, ResultsWithheld: not accepted with a renewed nonce either.
        """
        self._check_trusted(provider_uri, did)
        root = self._endpoints.root_of(provider_uri)
        address = signer_address(check_signer(wallet))
        if self.use_auth_token:
            with operation_limit(self.http.timeouts.total_s) as deadline:
                return self._send_with_token(wallet, address, deadline, send, again_on)
        with operation_limit(self.http.timeouts.total_s) as deadline:
            return self._nonces.signed(
                root,
                address,
                deadline,
                fetch=lambda: self.get_nonce(address, root),
                sign=lambda nonce: sign_text(wallet, f"{text}{nonce}"),
                send=send,
                again_on=again_on,
            )

    def _check_trusted(self, url: str, did: str) -> None:
        # Without a config the caller is the one who chooses, by the URL of each call.
        if self._config is not None:
            check_trusted(self._config, url, did)

    def _send_with_token(
        self,
        wallet: Signer,
        address: str,
        deadline: Deadline,
        send: Callable[[str], T],
        again_on: tuple[type[OceanError], ...],
    ) -> T:
        def token() -> str:
            return self._tokens.token(address, lambda text: sign_text(wallet, text))

        signed = token()
        try:
            return send(signed)
        except (*RENEWING, *again_on) as error:
            if isinstance(error, (SignatureRejected, ResultsWithheld)):
                self._tokens.forget(address)
            if not may_sign_again(error, deadline):
                raise
        return send(token())


def timeouts_of(config: Config | None) -> Timeouts:
    """Return the time-outs a config asks for; the defaults for None."""
    if config is None:
        return Timeouts()
    return Timeouts(
        connect_s=config.connect_timeout_s,
        read_s=config.read_timeout_s,
        total_s=config.total_timeout_s,
        file_total_s=config.file_total_timeout_s,
    )
