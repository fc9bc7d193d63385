"""What can go wrong between us and Amazon.

    Exception
    ├── MissingCredentials                        nothing to log in with
    ├── AuthorizationError                        Login with Amazon refused or did not answer
    └── SellingApiException
        ├── SellingApiBadRequestException              400
        ├── SellingApiUnauthorizedException            401
        ├── SellingApiForbiddenException               403
        ├── SellingApiNotFoundException                404
        ├── SellingApiStateConflictException           409
        ├── SellingApiTooLargeException                413
        ├── SellingApiUnsupportedFormatException       415
        ├── SellingApiUnprocessableException           422
        ├── SellingApiRequestThrottledException        429
        │   └── ThrottledLocally                       our own limiter; nothing was sent
        ├── SellingApiServerException                  500
        ├── SellingApiTemporarilyUnavailableException  503
        ├── SellingApiGatewayTimeoutException          504
        ├── SellingApiConnectionException              no answer came
        ├── SellingApiUnreadableException              an answer came that nobody can read
        └── SellingApiOutcomeUnknown                   a write may or may not have happened
            ├── ServerOutcomeUnknown                   … and is a 500
            ├── UnavailableOutcomeUnknown              … and is a 503
            └── TimeoutOutcomeUnknown                  … and is a 504

Errors in an HTTP 200 raise ``SellingApiException`` itself, with ``code`` 200. Texts name the
operation, the status, Amazon's code and message, and the request id: never a header we sent,
a URL, or a body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

LONGEST_MESSAGE: Final = 300


class MissingCredentials(Exception):
    """Credentials are incomplete; ``missing`` names what lacks."""

    def __init__(self, missing: Sequence[str] | str) -> None:
        self.missing = (missing,) if isinstance(missing, str) else tuple(missing)
        super().__init__(f"Missing credentials: {', '.join(self.missing)}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.missing,)


class AuthorizationError(Exception):
    """Login with Amazon gave no token.

    ``error`` and ``error_description`` are Amazon's (``invalid_grant``: the seller's consent is
    gone; ``invalid_client``: wrong application secret), ``status_code`` the HTTP status (0
    without an answer), ``request_id`` Amazon's. ``error_code`` and ``message`` say the same
    under older names.
    """

    TRANSIENT: ClassVar[frozenset[str]] = frozenset({"server_error", "temporarily_unavailable"})

    def __init__(
        self,
        error: str,
        error_description: str = "",
        status_code: int = 0,
        request_id: str | None = None,
    ) -> None:
        self.error = self.error_code = error
        self.error_description = self.message = error_description
        self.status_code = status_code
        self.request_id = request_id
        super().__init__(error, error_description, status_code, request_id)

    @property
    def transient(self) -> bool:
        """Tell whether the same request may succeed later without anybody's doing."""
        return self.error in self.TRANSIENT

    def __str__(self) -> str:
        parts = [self.error, self.error_description[:LONGEST_MESSAGE]]
        text = ": ".join(part for part in parts if part)
        return f"{text} (request {self.request_id})" if self.request_id else text

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class SellingApiException(Exception):
    """Amazon refused, failed or fell silent.

    ``code`` is the HTTP status (0 without an answer), ``error`` Amazon's list of errors,
    ``amzn_code`` and ``message`` those of the first, ``headers`` the answer's, ``request_id``
    Amazon's, ``operation`` the model's operation id, ``payload`` what came along with errors
    in an HTTP 200.
    """

    code: int = 0

    def __init__(
        self,
        error: Sequence[Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        code: int | None = None,
        operation: str = "",
        payload: Any = None,
        request_id: str | None = None,
    ) -> None:
        self.error = _as_errors(error)
        first = self.error[0] if self.error else {}
        self.amzn_code = _text(first.get("code"))
        self.message = _text(first.get("message")) or ""
        self.headers: Mapping[str, str] = headers if headers is not None else {}
        self.code = type(self).code if code is None else code
        self.operation = operation
        self.payload = payload
        self.request_id = request_id
        super().__init__(self.message)

    def __str__(self) -> str:
        status = f"HTTP {self.code}" if self.code else "no answer"
        head = f"{self.operation or 'SP-API'}: {status}"
        words = " ".join(filter(None, (self.amzn_code, self.message[:LONGEST_MESSAGE])))
        tail = f" (request {self.request_id})" if self.request_id else ""
        return f"{head}: {words}{tail}" if words else head + tail

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _as_errors(error: Sequence[Any] | str | None) -> list[dict[str, Any]]:
    if isinstance(error, str):
        return [{"message": error}]
    return [item for item in error or () if isinstance(item, dict)]


class SellingApiBadRequestException(SellingApiException):
    """400: a parameter is missing or invalid."""

    code = 400


class SellingApiUnauthorizedException(SellingApiException):
    """401: no or no valid access token."""

    code = 401


class SellingApiForbiddenException(SellingApiException):
    """403: a bad token or missing role (``Unauthorized``), somebody else's job
    (``UnauthorizedAction``)."""

    code = 403


class SellingApiNotFoundException(SellingApiException):
    """404: there is no such thing. An unknown job is a 422, not a 404."""

    code = 404


class SellingApiStateConflictException(SellingApiException):
    """409: the resource's state does not allow it."""

    code = 409


class SellingApiTooLargeException(SellingApiException):
    """413: the request is too large."""

    code = 413


class SellingApiUnsupportedFormatException(SellingApiException):
    """415: the body's format is not supported."""

    code = 415


class SellingApiUnprocessableException(SellingApiException):
    """422: understood and refused: unknown job, wrong state, slot taken."""

    code = 422


class SellingApiRequestThrottledException(SellingApiException):
    """429: above the quota. The request was refused, so nothing happened."""

    code = 429


class ThrottledLocally(SellingApiRequestThrottledException):
    """Our own limiter would have made a person wait too long. Nothing was sent.

    ``retry_after`` is the seconds until a token is free.
    """

    def __init__(self, retry_after: float = 0.0, *, operation: str = "") -> None:
        text = f"Too many requests just now; try again in {retry_after:.1f} s"
        super().__init__([{"code": "ThrottledLocally", "message": text}], operation=operation)
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.retry_after,), self.__dict__


class SellingApiServerException(SellingApiException):
    """500: Amazon failed."""

    code = 500


class SellingApiTemporarilyUnavailableException(SellingApiException):
    """503: Amazon is overloaded or under maintenance."""

    code = 503


class SellingApiGatewayTimeoutException(SellingApiException):
    """504: Amazon's gateway waited in vain."""

    code = 504


class SellingApiConnectionException(SellingApiException):
    """No answer came, and nothing was changed by the attempt."""


class SellingApiUnreadableException(SellingApiException):
    """An answer came whose body is empty, not JSON, of the wrong type or too large."""


class SellingApiOutcomeUnknown(SellingApiException):
    """A write went out and nobody can say whether it was done: read the job back.

    ``cause`` says in a few words what happened to the answer; ``code`` is the last HTTP status
    (0 without any).
    """

    cause: str = ""


class ServerOutcomeUnknown(SellingApiOutcomeUnknown, SellingApiServerException):
    """A write answered with 500."""


class UnavailableOutcomeUnknown(
    SellingApiOutcomeUnknown, SellingApiTemporarilyUnavailableException
):
    """A write answered with 503."""


class TimeoutOutcomeUnknown(SellingApiOutcomeUnknown, SellingApiGatewayTimeoutException):
    """A write answered with 504."""


_BY_STATUS: Final[dict[int, type[SellingApiException]]] = {
    kind.code: kind
    for kind in (
        SellingApiBadRequestException,
        SellingApiUnauthorizedException,
        SellingApiForbiddenException,
        SellingApiNotFoundException,
        SellingApiStateConflictException,
        SellingApiTooLargeException,
        SellingApiUnsupportedFormatException,
        SellingApiUnprocessableException,
        SellingApiRequestThrottledException,
        SellingApiServerException,
        SellingApiTemporarilyUnavailableException,
        SellingApiGatewayTimeoutException,
    )
}
_UNKNOWN_BY_STATUS: Final[dict[int, type[SellingApiOutcomeUnknown]]] = {
    500: ServerOutcomeUnknown,
    503: UnavailableOutcomeUnknown,
    504: TimeoutOutcomeUnknown,
}


def exception_for_status(status: int) -> type[SellingApiException]:
    """Return the class for an HTTP status: ``SellingApiException`` where it has none of its own."""
    return _BY_STATUS.get(status, SellingApiException)


def outcome_unknown(problem: SellingApiException, cause: str) -> SellingApiOutcomeUnknown:
    """Turn a problem into the one to raise for a write whose effect is not known."""
    unknown = _UNKNOWN_BY_STATUS.get(problem.code, SellingApiOutcomeUnknown)(
        problem.error,
        problem.headers,
        code=problem.code,
        operation=problem.operation,
        payload=problem.payload,
        request_id=problem.request_id,
    )
    unknown.cause = cause
    return unknown
