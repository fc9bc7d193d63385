"""Reads the answers of Login with Amazon's token endpoint."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from dispatch.spapi.exceptions import AuthorizationError
from dispatch.spapi.transport import Reply

LIFETIME: Final = 3600.0


def read_token_reply(reply: Reply, hide: tuple[str, ...]) -> dict[str, Any] | AuthorizationError:
    """Return the token with ``expires_in`` as a number of seconds, or what is wrong.

    The secrets in ``hide`` are blotted out of Amazon's words. An answer that nobody can read is
    ``server_error``, which may be tried again.
    """
    answer = _json_object(reply.body)
    if reply.status == 200 and is_token(answer.get("access_token")):
        return {**answer, "expires_in": _lifetime(answer.get("expires_in"))}
    description = str(answer.get("error_description") or "")
    if not isinstance(answer.get("error"), str):
        description = f"HTTP {reply.status} without a readable answer"
    for secret in hide:
        description = description.replace(secret, "…")
    request_id = answer.get("request_id") or reply.headers.get("x-amzn-requestid")
    error = _error(reply.status, answer.get("error"))
    return AuthorizationError(error, description, reply.status, request_id)


def is_token(value: Any) -> bool:
    """Tell whether a value can stand in a header: the HTTP library shows what it refuses."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""


def _error(status: int, named: Any) -> str:
    if isinstance(named, str) and named:
        return named
    return "server_error" if status >= 500 or status == 200 else "invalid_response"


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _lifetime(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return LIFETIME
    return seconds if math.isfinite(seconds) and seconds > 0 else LIFETIME
