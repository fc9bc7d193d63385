"""Reads an answer of the API: what was asked for, or what went wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from dispatch.spapi.exceptions import (
    SellingApiException,
    SellingApiUnreadableException,
    exception_for_status,
)
from dispatch.spapi.operations import Operation
from dispatch.spapi.transport import Reply

_PAGES: Final = ("nextPageToken", "previousPageToken", "totalResultSize")


class ApiResponse:
    """What Amazon answered.

    ``payload`` is the answer's ``payload``, or the whole body where the model has no such wrapper
    (capacities, appointment ids), or an empty dict for a 204. ``warnings`` are those of the top,
    of the payload and of each of its records. ``pagination`` holds the tokens and the total that
    came along, ``next_token`` leads to the next page, ``rate_limit`` is requests per second; each
    is None where Amazon does not say. ``headers`` do not mind case.

    ``response("jobs")`` and ``response.jobs`` read the payload, and are None where it has no
    such key. The repr shows no content: payloads hold buyers' names and addresses.
    """

    __slots__ = ("errors", "headers", "pagination", "payload", "request_id", "warnings")

    def __init__(
        self,
        payload: Any = None,
        errors: list[dict[str, Any]] | None = None,
        pagination: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        warnings: list[dict[str, Any]] | None = None,
    ) -> None:
        self.payload = {} if payload is None else payload
        self.errors = errors
        self.pagination = pagination
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.warnings = warnings or []
        self.request_id = request_id_of(self.headers)

    @property
    def next_token(self) -> str | None:
        token = (self.pagination or {}).get("nextPageToken")
        return token if isinstance(token, str) and token else None

    @property
    def rate_limit(self) -> float | None:
        return rate_limit_of(self.headers)

    def __call__(self, key: str | None = None) -> Any:
        if key is None:
            return self.payload
        return self.payload.get(key) if isinstance(self.payload, dict) else None

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key in ApiResponse.__slots__:
            raise AttributeError(key)
        return self(key)

    def __repr__(self) -> str:
        size = f"{len(self.payload)} entries" if isinstance(self.payload, dict | list) else "?"
        return f"<ApiResponse {size}, request {self.request_id}>"


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Return Amazon's name for the request, by which its support finds it."""
    return headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")


def rate_limit_of(headers: Mapping[str, str]) -> float | None:
    """Return the requests per second that ``x-amzn-RateLimit-Limit`` allows, or None."""
    try:
        rate = float(headers.get("x-amzn-ratelimit-limit") or "nan")
    except ValueError:
        return None
    return rate if math.isfinite(rate) and rate > 0 else None


def interpret(operation: Operation, reply: Reply) -> ApiResponse | SellingApiException:
    """Return the answer, or the exception to raise. Nothing is raised here."""
    if reply.status == 204 and operation.silent:
        return ApiResponse(headers=reply.headers)
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        content = None
    if not 200 <= reply.status < 300:
        return _refusal(operation, reply, content)
    if not isinstance(content, dict | list):
        return _unreadable(operation, reply)
    return _answer(operation, reply, content)


def _answer(
    operation: Operation, reply: Reply, content: dict[str, Any] | list[Any]
) -> ApiResponse | SellingApiException:
    if isinstance(content, list):
        errors = _error_list(content)
        if not errors:
            return _unreadable(operation, reply)
        return _problem(SellingApiException, operation, reply, errors)
    payload = content.get("payload", content)
    payload = {} if payload is None else payload
    errors = [error for place in _places(content) for error in _error_list(place.get("errors"))]
    if errors:
        partial = payload if "payload" in content else None
        return _problem(SellingApiException, operation, reply, errors, partial)
    if not isinstance(payload, dict | list):
        return _unreadable(operation, reply)
    return ApiResponse(
        payload,
        pagination=_pagination(content, payload),
        headers=reply.headers,
        warnings=[warning for place in _places(content) for warning in _warnings(place)],
    )


def _places(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield where errors and warnings stand: the top, the payload, each of its records."""
    yield content
    payload = content.get("payload")
    for place in payload if isinstance(payload, list) else [payload]:
        if isinstance(place, dict):
            yield place


def _error_list(value: Any) -> list[dict[str, Any]]:
    """Return errors as a list of dicts, whatever shape they came in; empty without any."""
    if not value:
        return []
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)] or [{"message": "unreadable errors"}]


def _warnings(place: dict[str, Any]) -> list[dict[str, Any]]:
    found = place.get("warnings")
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _pagination(content: dict[str, Any], payload: Any) -> dict[str, Any] | None:
    inner = payload if isinstance(payload, dict) else {}
    found: dict[str, Any] = {}
    for place in (content, content.get("pagination"), inner, inner.get("pagination")):
        if isinstance(place, dict):
            found.update({name: place[name] for name in _PAGES if place.get(name) is not None})
    return found or None


def _refusal(operation: Operation, reply: Reply, content: Any) -> SellingApiException:
    """Return the exception for a status that is not 2xx; no redirect is followed."""
    errors: list[dict[str, Any]] = []
    if isinstance(content, list):
        errors = _error_list(content)
    elif isinstance(content, dict):
        errors = _error_list(content.get("errors"))
        if not errors and isinstance(content.get("message"), str):
            errors = [content]
    errors = errors or [{"message": f"HTTP {reply.status} without readable errors"}]
    return _problem(exception_for_status(reply.status), operation, reply, errors)


def _unreadable(operation: Operation, reply: Reply) -> SellingApiException:
    what = "is empty" if not reply.body.strip() else "is not what the model declares"
    errors = [{"message": f"The answer's body {what}"}]
    return _problem(SellingApiUnreadableException, operation, reply, errors)


def _problem(
    kind: type[SellingApiException],
    operation: Operation,
    reply: Reply,
    errors: list[dict[str, Any]],
    payload: Any = None,
) -> SellingApiException:
    return kind(
        errors,
        reply.headers,
        code=reply.status,
        operation=operation.id,
        payload=payload,
        request_id=request_id_of(reply.headers),
    )
