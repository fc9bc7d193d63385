"""Fails on demand, with the answers and silences that a client must survive."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from dataclasses import dataclass, field
from functools import cache as once
from urllib.parse import parse_qsl, urlencode

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
_BODIES = {
    "html",
    "empty",
    "array",
    "garbage_json",
    "errors_200",
    "wrong_types",
    "huge",
    "expired_token",
}
_KINDS = {"status", "latency", "drop", "drop_after_commit", "endless_pages", *_BODIES}
_HUGE = 24 * 1024 * 1024
QUOTA = Refusal(
    429, [error("QuotaExceeded", "You exceeded your quota for the requested resource.")]
)


@dataclass(slots=True)
class Fault:
    """One fault: for which operation, what happens, and how often (None is until cleared).

    ``seconds`` pass before anything else happens, with ``drop_after_commit`` after the work;
    fewer where the list of faults is replaced meanwhile.
    """

    operation: str
    kind: str
    status: int
    seconds: float
    times: int | None
    replaced: threading.Event = field(default_factory=threading.Event)

    def wait(self) -> None:
        self.replaced.wait(self.seconds)

    def fits(self, operation: str) -> bool:
        every = self.operation == "*" and operation not in {"token", "upload"}
        return every or self.operation == operation

    def as_dict(self) -> JsonDict:
        names = ("operation", "kind", "status", "seconds", "times")
        return {name: getattr(self, name) for name in names}


def parse_fault(raw: object) -> Fault:
    """Read a fault from its JSON; raises Refusal with what is wrong."""
    if not isinstance(raw, dict) or raw.get("kind") not in _KINDS:
        raise invalid(f"A fault needs a kind out of {sorted(_KINDS)}", status=400)
    status, times = raw.get("status", 503), raw.get("times", 1)
    seconds = raw.get("seconds", 1 if raw["kind"] == "latency" else 0)
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
        self._given: list[Fault] = []

    def replace(self, raw: object) -> None:
        if not isinstance(raw, list):
            raise invalid("Faults come as a list", status=400)
        self.waiting = [parse_fault(entry) for entry in raw]
        for old in self._given:
            old.replaced.set()
        self._given = list(self.waiting)

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
    """Return the answer given instead of the work; None for kinds that let the work happen."""
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
    """Return a body that is not what the model promises."""
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
        "wrong_types": as_json(_WRONG_TYPES),
    }
    return _huge() if fault.kind == "huge" else bodies.get(fault.kind)


_WRONG_TYPES: JsonDict = {
    "payload": {
        "jobs": 7,
        "totalResultSize": "many",
        "nextPageToken": 7,
        "serviceJobId": ["7"],
        "appointments": "none",
        "appointmentSlots": {"startTime": 7},
        "capacities": "full",
        "reservation": [7],
        "uploadDestinationId": 7,
        "url": None,
        "encryptionDetails": "AES",
        "warnings": "none",
    },
    "appointmentId": {"id": 7},
    "capacities": {"slots": 7},
    "nextPageToken": 7,
    "warnings": 7,
}


@once
def _huge() -> Reply:
    """Return a small answer that grows to 24 MiB when it is unpacked."""
    body = gzip.compress(b'{"payload": {}, "filler": "' + b" " * _HUGE + b'"}', compresslevel=1)
    return Reply(200, body, {"Content-Type": "application/json", "Content-Encoding": "gzip"})


def without_page(query: str) -> str:
    """Return the query of the first page, whichever page was asked for."""
    kept = parse_qsl(query, keep_blank_values=True)
    return urlencode([(k, v) for k, v in kept if k not in {"pageToken", "nextPageToken"}])


def never_the_last(reply: Reply) -> Reply:
    """Return the same page with the token of a next one that was never seen before."""
    body = json.loads(reply.body)
    place = body.get("payload", body)
    place["nextPageToken"] = uuid.uuid4().hex
    return as_json(body, reply.status)
