"""What an answer's status means at any back end, if its body says no more."""

from __future__ import annotations

from typing import Any

from ocean_lib.exceptions import (
    EndpointNotFound,
    ProviderError,
    ProviderFault,
    RequestInvalid,
    ServiceUnavailable,
    TooManyRequests,
)
from ocean_lib.http.exchange import Answer
from ocean_lib.http.limits import (
    GATEWAY_STATUSES,
    TOO_LARGE_STATUSES,
    TOO_MANY_REQUESTS,
)
from ocean_lib.http.redaction import one_line

STATUSES_THAT_SAY_ALL = frozenset({TOO_MANY_REQUESTS, *TOO_LARGE_STATUSES})
"""What these mean does not depend on the body."""


def refusal(
    kind: type[ProviderError], answer: Answer, words: str, advice: str, **attributes: Any
) -> ProviderError:
    """Make the error for a refusal.

    Args:
        kind: which error.
        answer: what came.
        words: the server's reason.
        advice: the next step.
        **attributes: of the error, such as `errors`.
    """
    words = one_line(words)
    error = kind(
        f"Could not {answer.operation}: the Provider at {answer.url} answered "
        f"HTTP {answer.status_code}: {words.rstrip('.')}. {advice}",
        operation=answer.operation,
        status_code=answer.status_code,
        provider_text=words,
        url=answer.url,
    )
    error.retry_after_s = answer.retry_after_s
    for name, value in attributes.items():
        setattr(error, name, value)
    return error


def error_by_status(answer: Answer) -> ProviderError:
    """Make the error for an answer with only a readable status."""
    status = answer.status_code
    words = answer.text() or "no words"
    if answer.is_too_often:
        return refusal(TooManyRequests, answer, words, answer.too_often())
    if status in TOO_LARGE_STATUSES:
        return refusal(RequestInvalid, answer, words, answer.too_large(), errors={})
    if status in (404, 405):
        return refusal(
            EndpointNotFound,
            answer,
            words,
            "Check the provider URL and that the Provider offers this service. For a download "
            "this can also mean that the order, the file or the signature is refused.",
        )
    if status in GATEWAY_STATUSES:
        return refusal(ServiceUnavailable, answer, words, "The service is away; try again later.")
    if status >= 500:
        return refusal(
            ProviderFault,
            answer,
            words,
            "The Provider failed without a reason. An unknown DID, service index or algorithm, "
            "or malformed parameters cause this; check them, then ask the Provider's operator.",
        )
    if status == 400:
        return refusal(RequestInvalid, answer, words, "Check the arguments of the call.", errors={})
    return refusal(ProviderError, answer, words, "Check the provider URL and your access to it.")


def check_ok(answer: Answer) -> Answer:
    """Return the answer if its status is a success.

    Raises:
        ProviderError: by the status alone.
    """
    if 200 <= answer.status_code < 300:
        return answer
    raise error_by_status(answer)
