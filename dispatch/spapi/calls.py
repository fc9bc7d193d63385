"""Carries a call through: access token, rate token, request, answer, and retries where right."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from dispatch.spapi.exceptions import (
    AuthorizationError,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiOutcomeUnknown,
    SellingApiUnreadableException,
    ThrottledLocally,
    outcome_unknown,
)
from dispatch.spapi.operations import Operation
from dispatch.spapi.response import ApiResponse, interpret, rate_limit_of
from dispatch.spapi.retry import (
    Decision,
    OutcomeUnknown,
    Policy,
    Retry,
    decide,
    doubt_of,
    jittered,
)
from dispatch.spapi.throttle import Throttle
from dispatch.spapi.transport import FaultKind, Reply, Request, Transport, TransportFault
from dispatch.spapi.wire import USER_AGENT, amazon_date

log = logging.getLogger(__name__)

SOMEBODY_ELSES: Final = "UnauthorizedAction"


class Token(Protocol):
    """The access token that an ``auth_token_client_class`` hands out."""

    @property
    def access_token(self) -> str: ...


class TokenClient(Protocol):
    """The one method that an ``auth_token_client_class`` must have.

    Where it has ``renew(rejected token)`` too, that is called when Amazon does not take a token.
    """

    def get_auth(self) -> Token: ...


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One finished call, for logs and figures.

    ``status`` is the last HTTP status (0 without an answer), ``attempts`` the requests tried,
    ``wait`` the seconds spent waiting for rate tokens and between attempts, ``duration`` all
    seconds, ``error`` the name of the exception raised, or an empty string.
    """

    operation: str
    status: int
    request_id: str | None
    attempts: int
    wait: float
    duration: float
    error: str = ""


Observer = Callable[[CallRecord], None]


@dataclass(slots=True, repr=False)
class Line:
    """A client's line to Amazon: everything a call needs that does not change between calls."""

    origin: str
    prefix: str
    tokens: TokenClient
    transport: Transport
    timeout: tuple[float, float]
    throttle: Throttle | None
    throttle_key: str
    interactive: bool = True
    fixed_token: str | None = None
    observer: Observer | None = None
    policy: Policy = field(default_factory=Policy)
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def __repr__(self) -> str:
        return f"<Line to {self.origin}>"

    def call(self, operation: Operation, target: str, body: bytes | None) -> ApiResponse:
        """Return Amazon's answer. Raises SellingApiException or AuthorizationError."""
        call = _Call(self, operation, target, body)
        error = ""
        try:
            outcome = call.run()
            if isinstance(outcome, ApiResponse):
                return outcome
            error = type(outcome).__name__
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            call.report(error)
        # Raised out here: no exception of a library hangs on it.
        raise outcome


class _Call:
    """One call and its attempts."""

    def __init__(self, line: Line, operation: Operation, target: str, body: bytes | None) -> None:
        self.line = line
        self.operation = operation
        self.target = line.prefix + target
        self.body = body
        self.started = self.first_sent = line.clock()
        self.attempts = 0
        self.waited = 0.0
        self.status = 0
        self.request_id: str | None = None
        self.doubt = ""
        self.renewed = False
        self.token: Token | None = None

    def __repr__(self) -> str:
        return f"<call of {self.operation.id}, attempt {self.attempts}>"

    def run(self) -> ApiResponse | SellingApiException:
        try:
            return self._attempts()
        except (AuthorizationError, ThrottledLocally) as refused:
            if not self.doubt:
                raise
            problem = SellingApiException(str(refused))
        return self._unknown(problem, self.doubt)

    def _attempts(self) -> ApiResponse | SellingApiException:
        while True:
            outcome, fault, retry_after = self._attempt()
            if isinstance(outcome, ApiResponse):
                return outcome
            if self._token_renewed(outcome):
                continue
            decision = self._decide(fault, retry_after)
            if isinstance(decision, OutcomeUnknown):
                return self._unknown(outcome, decision.cause)
            if not isinstance(decision, Retry):
                return outcome
            self.doubt = doubt_of(self.operation, self.status, fault) or self.doubt
            self._pause(decision)

    def _decide(self, fault: FaultKind | None, retry_after: float) -> Decision:
        return decide(
            self.operation,
            attempt=self.attempts,
            elapsed=self.line.clock() - self.first_sent,
            status=self.status,
            fault=fault,
            doubt=self.doubt,
            retry_after=retry_after,
            policy=self.line.policy,
        )

    def _attempt(self) -> tuple[ApiResponse | SellingApiException, FaultKind | None, float]:
        """Send one request; return its result, its fault, and the seconds we were asked to wait."""
        self._take_tokens()
        if not self.attempts:
            self.first_sent = self.line.clock()
        self.attempts += 1
        self.status, self.request_id = 0, None
        try:
            reply = self.line.transport(self._request())
        except TransportFault as fault:
            return self._no_answer(fault.kind), fault.kind, 0.0
        outcome = interpret(self.operation, reply)
        self.status, self.request_id = reply.status, outcome.request_id
        self._learn_rate(reply)
        unreadable = isinstance(outcome, SellingApiUnreadableException)
        return outcome, FaultKind.UNREADABLE if unreadable else None, _retry_after(reply)

    def _take_tokens(self) -> None:
        line = self.line
        if line.fixed_token is None and self.token is None:
            self.token = line.tokens.get_auth()
        if line.throttle is None:
            return
        left = line.policy.deadline - (line.clock() - self.first_sent)
        try:
            self.waited += line.throttle.acquire(
                self._bucket,
                self.operation.rate,
                self.operation.burst,
                interactive=line.interactive,
                max_wait=max(0.0, left) if self.attempts else None,
            )
        except ThrottledLocally as throttled:
            throttled.operation = self.operation.id
            raise

    @property
    def _bucket(self) -> str:
        return f"{self.line.throttle_key}:{self.operation.id}"

    def _request(self) -> Request:
        line = self.line
        headers = {
            "x-amz-access-token": line.fixed_token or self.token.access_token,  # type: ignore[union-attr]
            "x-amz-date": amazon_date(line.clock()),
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
        }
        if self.body is not None:
            headers["content-type"] = "application/json"
        return Request(
            self.operation.method, line.origin, self.target, headers, self.body, line.timeout
        )

    def _learn_rate(self, reply: Reply) -> None:
        if self.line.throttle is not None:
            rate = rate_limit_of(reply.headers)
            if rate is not None:
                self.line.throttle.adjust(self._bucket, rate)

    def _no_answer(self, kind: FaultKind) -> SellingApiException:
        unreadable = kind is FaultKind.TOO_LARGE
        problem = SellingApiUnreadableException if unreadable else SellingApiConnectionException
        return problem(kind.value, operation=self.operation.id)

    def _token_renewed(self, outcome: SellingApiException) -> bool:
        """Tell whether there is a new token to try once more with, after one was not taken.

        Amazon's 403 means a bad token or a missing role; a token issued for this very call
        cannot have expired, so then it is the role.
        """
        if self.renewed or self.token is None or self.status not in (401, 403):
            return False
        just_issued = getattr(self.token, "fresh", False)
        if self.status == 403 and (just_issued or outcome.amzn_code == SOMEBODY_ELSES):
            return False
        renew: Callable[[Token], Token] | None = getattr(self.line.tokens, "renew", None)
        if renew is None:
            return False
        self.renewed, self.token = True, renew(self.token)
        return True

    def _unknown(self, problem: SellingApiException, cause: str) -> SellingApiOutcomeUnknown:
        problem.operation = self.operation.id
        unknown = outcome_unknown(problem, cause)
        unknown.request_id = unknown.request_id or self.request_id
        return unknown

    def _pause(self, delay: Retry) -> None:
        seconds = jittered(delay)
        log.info(
            "%s: attempt %d ended with %s, next in %.2f s (request %s)",
            self.operation.id,
            self.attempts,
            self.status or "no answer",
            seconds,
            self.request_id,
        )
        self.waited += seconds
        self.line.sleep(seconds)

    def report(self, error: str) -> None:
        if self.line.observer is None:
            return
        record = CallRecord(
            self.operation.id,
            self.status,
            self.request_id,
            self.attempts,
            self.waited,
            self.line.clock() - self.started,
            error,
        )
        try:
            self.line.observer(record)
        except Exception:
            log.exception("The observer of %s failed", self.operation.id)


def _retry_after(reply: Reply) -> float:
    value: Any = reply.headers.get("retry-after") or ""
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else 0.0
