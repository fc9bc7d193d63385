"""Puts a call on the wire: exactly what the model declares, and nothing else."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from urllib.parse import quote, urlsplit

from dispatch.spapi.operations import Operation

VERSION: Final = "0.1.0"
USER_AGENT: Final = (
    f"Dispatch/{VERSION} (Language=Python/{sys.version_info.major}.{sys.version_info.minor}; "
    f"Platform={platform.system()}/{platform.machine()})"
)
DEFAULT_TIMEOUT: Final = (5.0, 30.0)

Timeout = float | tuple[float, float] | None


def timeouts(timeout: Timeout) -> tuple[float, float]:
    """Return the timeouts (connect, read) in seconds; a single number stands for both."""
    if timeout is None:
        return DEFAULT_TIMEOUT
    if isinstance(timeout, tuple | list):
        connect, read = timeout
        return float(connect), float(read)
    return float(timeout), float(timeout)


def split_endpoint(endpoint: str) -> tuple[str, str]:
    """Split into ``https://host[:port]`` and the path before all others. Raises ValueError."""
    parts = urlsplit(endpoint.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise ValueError("The endpoint must look like https://host")
    if parts.username or parts.password:
        raise ValueError("The endpoint must not hold a user name or password")
    return f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")


def target(
    operation: Operation, ids: Sequence[str], keys: Mapping[str, Any], marketplace_id: str
) -> str:
    """Return path and query, percent-encoded; ``ids`` are the path parameters in order."""
    query = [
        (name, text)
        for name in operation.query
        if (text := _query_text(keys.get(name))) is not None
    ]
    if operation.needs_marketplace and not any(name == "marketplaceIds" for name, _ in query):
        query.append(("marketplaceIds", quote(marketplace_id, safe="")))
    path = _path(operation, ids)
    return path + "?" + "&".join(f"{name}={text}" for name, text in query) if query else path


def _path(operation: Operation, ids: Sequence[str]) -> str:
    path = operation.path
    for name, value in zip(operation.path_parameters, ids, strict=True):
        path = path.replace(f"{{{name}}}", _segment(name, value), 1)
    return path


def _segment(name: str, value: Any) -> str:
    """Encode an id; an empty one would ask for the list, and ``..`` for something else."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    text = str(value)
    if text in ("", ".", ".."):
        raise ValueError(f"{name} must not be empty or dots only")
    # A brace stays encoded, so that an id never looks like the next parameter's place.
    return quote(text, safe="")


def _query_text(value: Any) -> str | None:
    """Return a value as it stands in the query; None for what is not sent: None, empty lists."""
    if value is None:
        return None
    if isinstance(value, list | tuple | set | frozenset):
        ordered = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return ",".join(quote(_scalar(item), safe="") for item in ordered) if value else None
    return quote(_scalar(value), safe="")


def _scalar(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float | Decimal):
        return str(value)
    return _moment(value)


def _moment(value: Any) -> str:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"Cannot send a {type(value).__name__} to Amazon")


def timestamp(moment: datetime) -> str:
    """Write a moment as Amazon takes it: UTC with milliseconds, ``2026-01-31T10:00:00.000Z``.

    Raises ValueError for a time without a zone.
    """
    if moment.utcoffset() is None:
        raise ValueError("A time without a time zone cannot be sent to Amazon")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def body(operation: Operation, keys: Mapping[str, Any], given: Any = None) -> bytes | None:
    """Return the JSON body; None for operations without one.

    ``given`` is the whole body as a mapping; its keys must be declared and not be passed twice.
    """
    if not operation.body:
        return None
    content = dict(_as_mapping(given))
    _refuse_undeclared(content, operation.body, operation.id)
    for name in operation.body:
        if keys.get(name) is None:
            continue
        if name in content:
            raise TypeError(f"{operation.id}: {name} is given twice, in body and by itself")
        content[name] = keys[name]
    return json.dumps(content, separators=(",", ":"), default=_json_value, allow_nan=False).encode()


def _as_mapping(given: Any) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(f"body must be a mapping, not {type(given).__name__}")
    return given


def _json_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.value if isinstance(value, Enum) else _moment(value)


def check_keys(operation: Operation, keys: Mapping[str, Any]) -> None:
    """Raise TypeError with the name of a keyword that the model does not declare."""
    declared = operation.query + operation.body
    _refuse_undeclared(keys, (*declared, "body") if operation.body else declared, operation.id)


def _refuse_undeclared(keys: Mapping[str, Any], declared: Sequence[str], operation: str) -> None:
    for name in keys:
        if name not in declared:
            raise TypeError(f"{operation} got an unexpected keyword argument {name!r}")


def amazon_date(now: float) -> str:
    """Write seconds since 1970 as ``20260131T100000Z``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
