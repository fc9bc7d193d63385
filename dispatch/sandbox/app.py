"""Leads a request to its answer: by route, fault, token, usage plan and rule."""

from __future__ import annotations

import json
import logging
import uuid
from urllib.parse import parse_qsl, unquote

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from dispatch.sandbox import consent, control, lwa
from dispatch.sandbox.faults import QUOTA, Fault, canned, never_the_last, without_page
from dispatch.sandbox.realm import APPLICATION, Realm
from dispatch.sandbox.replies import Incoming, JsonDict, Refusal, Reply, error, invalid
from dispatch.sandbox.routes import MAP, RULES
from dispatch.sandbox.rules import documents
from dispatch.sandbox.rules.call import Call
from dispatch.spapi.operations import OPERATIONS, Operation

log = logging.getLogger(__name__)

_MOST_BYTES = 1_000_000
_WITH_LIMIT = {200, 204, 400, 404}
_NOT_FOUND = Refusal(404, [error("NotFound", "The resource specified does not exist.")])
_TOO_LARGE = Refusal(413, [error("RequestTooLarge", "The request size exceeded the limit.")])
_NOT_JSON = Refusal(415, [error("UnsupportedMediaType", "The request payload is not JSON.")])
_BROKEN = Refusal(500, [error("InternalFailure", "We encountered an internal error.")])


class Sandbox:
    """Answers requests from one realm."""

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self._addresses = MAP.bind("sandbox")

    def answer(self, incoming: Incoming) -> Reply:
        """Answer a request; never raises: what goes wrong is answered in Amazon's shape."""
        try:
            reply = self._route(incoming)
        except Refusal as refusal:
            reply = refusal.reply()
        except Exception:
            log.exception("%s %s broke the sandbox", incoming.method, incoming.path)
            reply = _BROKEN.reply()
        reply.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        return reply

    def _route(self, incoming: Incoming) -> Reply:
        try:
            name, values = self._addresses.match(unquote_path(incoming.path), incoming.method)
        except HTTPException:
            raise _NOT_FOUND from None
        path = {key: str(value) for key, value in values.items()}
        if name in OPERATIONS:
            with self.realm.answering():
                return self._operate(OPERATIONS[name], path, incoming)
        if name in {"token", "upload"}:
            with self.realm.answering():
                return self._faulty(name, incoming, path)
        with self.realm.lock:
            if name == "consent":
                return consent.page(self.realm, incoming)
            return control.handle(self.realm, incoming, path["name"])

    def _faulty(self, name: str, incoming: Incoming, path: dict[str, str]) -> Reply:
        """Answer for a token or an upload: without a usage plan, but failing on demand too."""
        fault = self._fault(name)
        early = _early(fault, name)
        with self.realm.lock:
            if early is not None:
                reply = early
            elif name == "token":
                reply = lwa.token(self.realm, incoming)
            else:
                reply = documents.upload(self.realm, incoming, path["token"])
            self.realm.note_call(name, reply.status if not reply.drop else 0)
        return _cut(reply, fault)

    def _operate(self, operation: Operation, path: dict[str, str], incoming: Incoming) -> Reply:
        fault = self._fault(operation.id)
        reply = canned(fault) if fault else None
        if reply is None:
            with self.realm.lock:
                reply = self._obey(operation, path, incoming, fault)
        if reply.status in _WITH_LIMIT:
            reply.headers["x-amzn-RateLimit-Limit"] = f"{operation.rate:.1f}"
        with self.realm.lock:
            self.realm.note_call(operation.id, reply.status if not reply.drop else 0)
        return _cut(reply, fault)

    def _fault(self, name: str) -> Fault | None:
        with self.realm.lock:
            fault = self.realm.faults.take(name)
        if fault and fault.kind != "drop_after_commit":
            fault.wait()
        return fault

    def _obey(
        self,
        operation: Operation,
        path: dict[str, str],
        incoming: Incoming,
        fault: Fault | None = None,
    ) -> Reply:
        """Do the gateway's checks, then what the rule says; runs under the lock."""
        endless = fault is not None and fault.kind == "endless_pages"
        asked = without_page(incoming.query) if endless else incoming.query
        try:
            world = lwa.seller_of(self.realm, incoming.headers.get("x-amz-access-token"))
            if self.realm.rate_limits and not self.realm.plans.take(
                APPLICATION, world.refresh_token, operation
            ):
                raise QUOTA
            query = MultiDict(parse_qsl(asked, keep_blank_values=True))
            call = Call(
                self.realm,
                world,
                self.realm.now(),
                path,
                query,
                _body(incoming) if operation.body else {},
                incoming.base_url,
            )
            reply = RULES[operation.id](call)
            return never_the_last(reply) if endless else reply
        except Refusal as refusal:
            return refusal.reply()
        except Exception:
            log.exception("%s broke its rule", operation.id)
            return _BROKEN.reply()


def unquote_path(path: str) -> str:
    """Decode a path, but keep an escaped slash out of the routing."""
    return unquote(path.replace("%2F", "%252F").replace("%2f", "%252F"))


def _early(fault: Fault | None, name: str) -> Reply | None:
    reply = canned(fault) if fault else None
    if reply is None or fault is None or name != "token" or fault.kind != "status":
        return reply
    busy = fault.status in {429, 503}
    code = "temporarily_unavailable" if busy else "server_error"
    return lwa.refusal(code, "The service is not available at the moment.", fault.status)


def _cut(reply: Reply, fault: Fault | None) -> Reply:
    if fault and fault.kind == "drop_after_commit":
        fault.wait()
        reply.drop = True
    return reply


def _body(incoming: Incoming) -> JsonDict:
    """Return the JSON object of a request; an empty body is an empty object."""
    if len(incoming.body) > _MOST_BYTES:
        raise _TOO_LARGE
    if not incoming.body.strip():
        return {}
    if "json" not in incoming.headers.get("content-type", "application/json"):
        raise _NOT_JSON
    try:
        body = json.loads(incoming.body)
    except (ValueError, RecursionError):
        raise invalid("The request body is not valid JSON.", status=400) from None
    if not isinstance(body, dict):
        raise invalid("The request body is not a JSON object.", status=400)
    return body


def not_understood() -> Reply:
    """Return the answer to requests that are not HTTP."""
    reply = invalid("The request could not be understood.", status=400).reply()
    reply.headers["x-amzn-RequestId"] = str(uuid.uuid4())
    return reply
