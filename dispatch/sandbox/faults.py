"""Faults on demand: the answers and silences a client must survive."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.sandbox.replies import JsonDict, Refusal, Reply, as_json, denied, error, invalid

_CODES = {
    400: "InvalidInput",
    401: "Unauthorized",
    403: "Unauthorized",
    404: "NotFound",
    413: "RequestTooLarge",
    415: "UnsupportedMediaType",
    422: "InvalidInput",
    429: "QuotaExceeded",
    500: "InternalFailure",
    503: "ServiceUnavailable",
    504: "GatewayTimeout",
}
_BODIES = {"html", "empty", "array", "garbage_json", "errors_200", "expired_token"}
_KINDS = {"status", "latency", "drop", "drop_after_commit", *_BODIES}
QUOTA = Refusal(
    429, [error("QuotaExceeded", "You exceeded your quota for the requested resource.")]
)


@dataclass(slots=True)
class Fault:
    """One fault: which operation, what happens, how often (None: until cleared)."""

    operation: str
    kind: str
    status: int
    seconds: float
    times: int | None

    def fits(self, operation: str) -> bool:
        every = self.operation == "*" and operation not in {"token", "upload"}
        return every or self.operation == operation

    def as_dict(self) -> JsonDict:
        return {name: getattr(self, name) for name in self.__slots__}


def read(raw: object) -> Fault:
    """A fault from its JSON; raises Refusal with what is wrong."""
    if not isinstance(raw, dict) or raw.get("kind") not in _KINDS:
        raise invalid(f"A fault needs a kind out of {sorted(_KINDS)}", status=400)
    status, times = raw.get("status", 503), raw.get("times", 1)
    seconds = raw.get("seconds", 1)
    if not isinstance(status, int) or not 200 <= status <= 599:
        raise invalid("A fault's status is an HTTP status", status=400)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 120:
        raise invalid("A fault's seconds lie between 0 and 120", status=400)
    if times is not None and not isinstance(times, int):
        raise invalid("A fault's times is a whole number or null", status=400)
    return Fault(str(raw.get("operation", "*")), raw["kind"], status, float(seconds), times)


class Faults:
    """The faults still to come, in the order given; each request meets at most one."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def replace(self, raw: object) -> None:
        if not isinstance(raw, list):
            raise invalid("Faults come as a list", status=400)
        self.waiting = [read(entry) for entry in raw]

    def take(self, operation: str) -> Fault | None:
        for fault in self.waiting:
            if fault.fits(operation):
                self._spend(fault)
                return fault
        return None

    def _spend(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
        if fault.times is not None and fault.times <= 0:
            self.waiting.remove(fault)


def canned(fault: Fault) -> Reply | None:
    """The answer given instead of doing the work; None for kinds that let the work happen."""
    if fault.kind == "drop":
        return Reply(drop=True)
    if fault.kind == "status":
        return QUOTA.reply() if fault.status == 429 else _status(fault.status)
    if fault.kind == "expired_token":
        return denied("The access token you provided has expired.").reply()
    return _odd_body(fault)


def _status(status: int) -> Reply:
    code = _CODES.get(status, "InternalFailure")
    message = "We encountered an internal error. Please try again."
    return Refusal(status, [error(code, message)]).reply()


def _odd_body(fault: Fault) -> Reply | None:
    """Bodies that are not what the model promises."""
    failure = [error("InternalFailure", "We encountered an internal error. Please try again.")]
    bodies = {
        "html": Reply(
            fault.status,
            b"<html><body><h1>503 Service Temporarily Unavailable</h1></body></html>",
            {"Content-Type": "text/html"},
        ),
        "empty": Reply(fault.status),
        "array": as_json(failure, fault.status),
        "garbage_json": Reply(
            fault.status, b'{"payload": {"jobs": [', {"Content-Type": "application/json"}
        ),
        "errors_200": as_json({"errors": failure}),
    }
    return bodies.get(fault.kind)
