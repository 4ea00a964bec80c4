"""Every error of this library, in one tree.

Catch `OceanError` for all of them. Each class also inherits the builtin that ocean.py 0.5.25
raised in the same place (in brackets), so that old `except` clauses still catch.

    OceanError
    ├── ConfigError [ValueError]             an option is missing, unreadable or contradicts another
    │   └── ConfigFileMissing [FileNotFoundError]
    ├── InvalidInput [ValueError, AssertionError]
    │   │                                    an argument cannot work; nothing was sent
    │   ├── InvalidDid
    │   ├── InvalidAddress
    │   ├── InvalidTransactionHash
    │   ├── InvalidUrl
    │   ├── InvalidDocument [KeyError, IndexError]   a DDO lacks something
    │   ├── InvalidDescription               mistakes in the description of an asset, all of them
    │   └── NoComputeService                 the asset or service index offers no compute
    ├── WalletError [ValueError]             a key, keystore or mnemonic cannot be used
    │   ├── WrongPassword
    │   └── SigningFailed                    the signer gave no usable signature
    ├── ProviderNotTrusted                   an asset names a Provider that the user has not chosen
    ├── AssetNotConsumable                   disabled, unreachable, or the address is not let in
    ├── NotYourAsset [PermissionError]       only its publisher can change an asset
    ├── MalformedCredential
    ├── NotOffered                           this generation of back ends has no such call
    ├── TransportError [ConnectionError]     no answer came
    │   ├── ConnectFailed                    nothing was sent
    │   ├── ConnectionBroken                 the connection ended after sending
    │   └── RequestTimeout [TimeoutError]    connect, read or total time was used up
    ├── ResponseError [ValueError]           an answer came, and it says no or cannot be read
    │   ├── MalformedResponse                not JSON, wrong shape, cut short
    │   ├── ResponseTooLarge
    │   ├── RedirectRefused                  a redirect would carry the signature elsewhere
    │   │   └── MovedToHttps                 to the same place, which wants https
    │   ├── ProviderError                    a Provider's error answer
    │   │   ├── RequestInvalid               a field is missing or wrong (400)
    │   │   │   └── SignatureRejected        wrong signature or stale nonce
    │   │   ├── WorkflowRefused              the job or order is refused (400)
    │   │   │   ├── AlgorithmNotTrusted
    │   │   │   ├── RawAlgorithmNotAllowed
    │   │   │   ├── OrderNotValid
    │   │   │   ├── EnvironmentUnavailable   no such environment, or the job does not fit it
    │   │   │   ├── ImageNotFound            the algorithm's image, for the environment's platform
    │   │   │   ├── EscrowNotReady           funds or authorisation are missing
    │   │   │   └── AccessDenied             with the consumable `code`
    │   │   ├── EndpointNotFound             404 or 405: the service is not at this address
    │   │   ├── ServiceUnavailable           502, 503, 504, 520 to 524, 530
    │   │   ├── TooManyRequests              429, or a node's 403: asked too often
    │   │   ├── ProviderFault                500: the Provider failed without a reason
    │   │   └── OceanEncryptAssetUrlsError   the encrypt endpoint gave no document
    │   └── AquariusError                    a metadata cache's error answer
    │       └── AssetNotFound [LookupError]
    ├── JobError
    │   ├── JobNotFound [IndexError]
    │   ├── NotYourJob [PermissionError]     the job belongs to another wallet
    │   ├── ResultsWithheld [PermissionError]    the signature was not accepted
    │   ├── StartUncertain                   the job may have started
    │   └── JobTimeoutError [TimeoutError]   waiting took too long; the job still runs
    ├── DownloadError [OSError]              a file could not be brought home
    └── ChainError
        ├── InsufficientBalance
        ├── CostAboveLimit                   the orders cost more than `max_cost`; nothing was sent
        ├── ContractNotFound
        ├── NodeBusy                         the chain's node limits the number of requests
        ├── TransactionFailed [ValueError]   refused by the node or reverted
        ├── TransactionTimeout [TimeoutError]    sent, but no receipt in time
        └── VerifyTxFailed [AssertionError]

Messages name the operation, what was expected, what came and the next step. They never hold a
key, a password, a signature, a token or the query of a URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from ocean_lib.base.advice import Advice
from ocean_lib.base.mistake import Mistake, in_words

_Error = TypeVar("_Error", bound="OceanError")


class OceanError(Exception):
    """Anything this library raises.

    Attributes:
        advice: what to do next, as data; `str(error)` ends with it in words. None where the
            message itself says it.
    """

    advice: Advice | None = None

    @property
    def what(self) -> str:
        """What happened, without the advice."""
        return Exception.__str__(self)

    def advised(self: _Error, code: str, **values: str) -> _Error:
        """Give the error this advice, see `Advice`; returns the error."""
        self.advice = Advice(code, values)
        return self

    def __str__(self) -> str:
        """Return what happened and what to do next, in the library's words."""
        # Not the builtins' own: KeyError's would show the repr.
        return f"{self.what} {self.advice}".strip() if self.advice else self.what


def add_to_message(error: OceanError, text: str) -> None:
    """Say more in an error that is on its way, and keep its type and attributes."""
    said = str(error.args[0]) if error.args else ""
    error.args = (f"{said} {text}".strip(), *error.args[1:])


class ConfigError(OceanError, ValueError):
    """An option is missing, unreadable or contradicts another."""


class ConfigFileMissing(ConfigError, FileNotFoundError):
    """There is no config file of this name."""


class InvalidInput(OceanError, ValueError, AssertionError):
    """An argument cannot work; nothing was sent."""


class InvalidDid(InvalidInput):
    """Text that is not a `did:op:` or `did:ope:` identifier."""


class InvalidAddress(InvalidInput):
    """Text that is not an EVM address, or whose mixed-case checksum is wrong."""


class InvalidTransactionHash(InvalidInput):
    """Text that is not a 32-byte transaction hash."""


class InvalidUrl(InvalidInput):
    """Text that is not an absolute http(s) URL."""


class InvalidDocument(InvalidInput, KeyError, IndexError):
    """A DDO, or a part of it, lacks something it needs."""


class InvalidDescription(InvalidInput):
    """The description of an asset cannot be used; nothing was sent.

    Attributes:
        mistakes: all that is wrong, in the order of the text.
    """

    def __init__(self, source: str, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__(in_words(source, self.mistakes))
        self._rebuild = (source, self.mistakes)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._rebuild


class NoComputeService(InvalidInput):
    """The asset, or the service at this index, offers no compute."""


class WalletError(OceanError, ValueError):
    """A key, keystore or mnemonic cannot be used."""


class WrongPassword(WalletError):
    """The password does not open the keystore."""


class SigningFailed(WalletError):
    """The signer raised, or gave something that is not a 65-byte signature."""


class ProviderNotTrusted(OceanError):
    """A signature would go to a Provider that the user has not chosen; nothing was signed.

    Attributes:
        origin: the Provider's scheme, host and port.
        did: the asset that names it, '' if none does.
        trusted: what `provider.trusted` has to be to trust it as well.
    """

    def __init__(self, message: str, *, origin: str = "", did: str = "", trusted: str = "") -> None:
        super().__init__(message)
        self.origin = origin
        self.did = did
        self.trusted = trusted


class NotYourAsset(OceanError, PermissionError):
    """Only its publisher, the minter of its data token, can change an asset; nothing was sent.

    Attributes:
        did: the asset.
        publisher: who can change it.
    """

    def __init__(self, did: str, publisher: str, address: str) -> None:
        self.did, self.publisher = did, publisher
        super().__init__(
            f"{address} cannot change {did}: its publisher is {publisher}, who alone may mint its "
            "data token. Nothing was sent. Use the publisher's wallet."
        )
        self._rebuild = (did, publisher, address)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._rebuild


class AssetNotConsumable(OceanError):
    """The asset may not be consumed by this address now.

    Attributes:
        consumable_code: one of `ConsumableCodes`: 1 disabled, 2 file unreachable, 3 not on the
            allow list, 4 on the deny list.
    """

    _REASONS: ClassVar[dict[int, str]] = {
        1: "the asset is disabled by its publisher",
        2: "the Provider cannot reach the asset's file",
        3: "the address is not on the asset's allow list",
        4: "the address is on the asset's deny list",
    }

    def __init__(self, consumable_code: int, did: str = "", address: str = "") -> None:
        self.consumable_code = consumable_code
        reason = self._REASONS.get(consumable_code, f"consumable code {consumable_code}")
        who = f" by {address}" if address else ""
        super().__init__(
            f"Asset {did or '(unnamed)'} cannot be consumed{who}: {reason}. "
            "Ask the publisher, or choose another asset or wallet."
        )
        self._rebuild = (consumable_code, did, address)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._rebuild


class MalformedCredential(OceanError):
    """A credential dict without a usable value."""


class NotOffered(OceanError):
    """This generation of back ends has no such call; nothing was sent."""


class TransportError(OceanError, ConnectionError):
    """No answer came.

    Attributes:
        may_have_arrived: False when it is certain that the server never saw the request.
    """

    may_have_arrived: bool = True


class ConnectFailed(TransportError):
    """No connection could be made; nothing was sent."""

    may_have_arrived = False


class ConnectionBroken(TransportError):
    """The connection ended after the request was sent, before a whole answer came."""


class RequestTimeout(TransportError, TimeoutError):
    """The connect, read or total time was used up."""

    def __init__(self, message: str, *, may_have_arrived: bool = True) -> None:
        super().__init__(message)
        self.may_have_arrived = may_have_arrived


class ResponseError(OceanError, ValueError):
    """An answer came, and it says no or cannot be read.

    Attributes:
        operation: what was asked, in words ("start the job").
        status_code: the HTTP status.
        provider_text: the server's own words, cut and cleaned of control characters.
        url: where it was asked, without query.
        retry_after_s: after how many seconds the server wants to be asked again; None if it did
            not say.
    """

    retry_after_s: float | None = None

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        status_code: int = 0,
        provider_text: str = "",
        url: str = "",
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.status_code = status_code
        self.provider_text = provider_text
        self.url = url


class MalformedResponse(ResponseError):
    """The answer is not JSON, has the wrong shape, or was cut short."""


class ResponseTooLarge(ResponseError):
    """The answer is longer than the limit; it was not read to its end."""


class RedirectRefused(ResponseError):
    """The server sends the request elsewhere: away with its signature, or to a private address."""


class MovedToHttps(RedirectRefused):
    """The same host wants https; the next call to it is made there."""


class ProviderError(ResponseError):
    """A Provider's error answer.

    Attributes:
        lock: an `EscrowLock`, of what a node had locked in the escrow before it refused a paid
            start; None if there is none, or if that is not known.
    """

    lock: Any = None


class RequestInvalid(ProviderError):
    """A field of the request is missing or wrong (the Provider's "Validation error").

    Attributes:
        errors: field name to the Provider's texts.
    """

    errors: dict[str, list[str]]


class SignatureRejected(RequestInvalid):
    """The signature was refused: another key, another text, or a nonce that has moved.

    Attributes:
        is_of_used_nonce: whether the back end said that only the nonce was wrong, since another
            program of this wallet has used it; a V3 Provider does not tell.
    """

    is_of_used_nonce: bool = False


class WorkflowRefused(ProviderError):
    """The Provider refuses the job, or the order behind it."""


class AlgorithmNotTrusted(WorkflowRefused):
    """The data set's publisher does not trust this algorithm, or it has changed since."""


class RawAlgorithmNotAllowed(WorkflowRefused):
    """The data set runs published algorithms only."""


class OrderNotValid(WorkflowRefused):
    """The order transaction is missing on chain, of another service, or of another consumer."""


class EnvironmentUnavailable(WorkflowRefused):
    """The node has no such environment, or the job does not fit into it."""


class ImageNotFound(WorkflowRefused):
    """The node cannot find the algorithm's image, or not for the environment's platform."""


class EscrowNotReady(WorkflowRefused):
    """The price of a paid job is not deposited in the escrow, or the node may not lock it."""


class AccessDenied(WorkflowRefused):
    """The asset is disabled or its credentials refuse the address.

    Attributes:
        code: the consumable code in the Provider's text, or None.
    """

    code: int | None = None


class EndpointNotFound(ProviderError):
    """404 or 405: the service is not at this address."""


class ServiceUnavailable(ProviderError):
    """502, 503, 504, 520 to 524 or 530: a gateway cannot reach the server behind it now."""


class TooManyRequests(ProviderError):
    """Refused because this client, or its network, asks too often; nothing was done.

    The status is 429, or an Ocean Node's 403 for too many clients at the same time.
    """


class ProviderFault(ProviderError):
    """500: the Provider failed and gave no reason."""


class OceanEncryptAssetUrlsError(ProviderError):
    """The encrypt endpoint gave no encrypted document."""


class AquariusError(ResponseError):
    """A metadata cache's error answer, or a conflict with what it holds."""


class AssetNotFound(AquariusError, LookupError):
    """The metadata cache holds no asset of this DID."""


class JobError(OceanError):
    """A compute job is not what the call needs."""


class JobNotFound(JobError, IndexError):
    """The Provider knows no such job of this owner.

    Attributes:
        others: how many other jobs the answer held; 0 for an empty list.
        was_seen: the answer was an empty list, and this client had seen the job, or a job of this
            owner, at this Provider before. A back end whose database is away answers like this,
            so it does not prove that the job is gone.
        root: the Provider's base URL, '' where none was asked.
    """

    def __init__(
        self, message: str, *, others: int = 0, was_seen: bool = False, root: str = ""
    ) -> None:
        super().__init__(message)
        self.others = others
        self.was_seen = was_seen
        self.root = root


class NotYourJob(JobError, PermissionError):
    """The job belongs to another wallet, and its results go to its owner only."""


class ResultsWithheld(JobError, PermissionError):
    """The Provider answered without the owner's keys: it did not accept the signature."""


class StartUncertain(JobError):
    """The answer to `start` was lost, or names another job: the job may have started.

    Attributes:
        did: the first input's DID.
        order_tx: the order transaction, which stands in a job as its `agreementId`.
        candidates: ids of jobs that may be it; where the Provider answered with a job that another
            start had or that is not what was asked for, that job's id.
    """

    def __init__(
        self, message: str, *, did: str = "", order_tx: str = "", candidates: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.did = did
        self.order_tx = order_tx
        self.candidates = tuple(candidates)


class JobTimeoutError(JobError, TimeoutError):
    """Waiting for a job took longer than allowed; the job itself still runs.

    Attributes:
        job_ids: the jobs that had not ended.
    """

    def __init__(self, message: str, *, job_ids: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.job_ids = tuple(job_ids)


class DownloadError(OceanError, OSError):
    """A file could not be brought home.

    Attributes:
        retry_after_s: after how many seconds the same request may succeed; None if it will not.
    """

    retry_after_s: float | None = None


class ChainError(OceanError):
    """Something on the chain is not as the call needs it."""


class InsufficientBalance(ChainError):
    """The token balance is insufficient."""


class CostAboveLimit(ChainError):
    """The orders cost more of a token than `max_cost` allows; nothing was sent.

    Attributes:
        cost: what they cost, in whole tokens by the token's address: a `max_cost` that is enough.
    """

    def __init__(self, message: str, *, cost: Mapping[str, Decimal] | None = None) -> None:
        super().__init__(message)
        self.cost = dict(cost or {})


class ContractNotFound(ChainError):
    """No such contract at this address, or not made by the factory."""


class NodeBusy(ChainError):
    """The chain's node refused a request because there were too many; wait before the next."""


class TransactionFailed(ChainError, ValueError):
    """The node refused the transaction, or it was reverted.

    Attributes:
        tx_hash: the transaction's hash, '' when it was never sent.
    """

    def __init__(self, message: str, *, tx_hash: str = "") -> None:
        super().__init__(message)
        self.tx_hash = tx_hash


class TransactionTimeout(ChainError, TimeoutError):
    """The transaction was sent, but no receipt came in time.

    Attributes:
        tx_hash: look it up again before sending anything twice.
    """

    def __init__(self, message: str, *, tx_hash: str = "") -> None:
        super().__init__(message)
        self.tx_hash = tx_hash


class VerifyTxFailed(ChainError, AssertionError):
    """A transaction is on chain, but not the one that was expected."""
