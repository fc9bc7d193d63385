"""Says what comes in, what goes out, and how Amazon says no."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonDict = dict[str, Any]


@dataclass(slots=True)
class Incoming:
    """One HTTP request, read to its end."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base_url: str


@dataclass(slots=True)
class Reply:
    """One HTTP answer; ``drop`` cuts the connection instead of sending it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


def as_json(payload: object, status: int = 200) -> Reply:
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


def as_html(markup: str, status: int = 200) -> Reply:
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return Reply(status, markup.encode(), headers)


def error(code: str, message: str, details: str | None = "") -> JsonDict:
    """One entry of the model's ErrorList."""
    entry = {"code": code, "message": message}
    return entry if details is None else {**entry, "details": details}


class Refusal(Exception):
    """A request Amazon turns down: status and list of errors.

    ``bare`` errors go out as a JSON array, the way setAppointmentFulfillmentData answers.
    """

    def __init__(self, status: int, errors: list[JsonDict], *, bare: bool = False) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors
        self.bare = bare

    def reply(self) -> Reply:
        return as_json(self.errors if self.bare else {"errors": self.errors}, self.status)


def invalid(message: str, *, status: int = 422, details: str | None = "") -> Refusal:
    return Refusal(status, [error("InvalidInput", message, details)])


def missing(*names: str, suffix: str = "", details: str | None = "") -> Refusal:
    text = f"Missing or invalid request parameters: [{', '.join(names)}]{suffix}"
    return invalid(text, status=400, details=details)


def denied(details: str = "") -> Refusal:
    """Return the gateway's own refusal of a bad token or a lost role."""
    return Refusal(403, [error("Unauthorized", "Access to requested resource is denied.", details)])
