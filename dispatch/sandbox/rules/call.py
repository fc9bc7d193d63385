"""One API call as the rules see it, and the checks they share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from dispatch.sandbox.realm import Realm
from dispatch.sandbox.replies import JsonDict, Refusal, Reply, error, invalid, missing
from dispatch.sandbox.times import parse
from dispatch.sandbox.world import Job, World

#: The model's examples spell "no value" in these ways.
_NULL = re.compile(r"(null(JobId|AppointmentId|ResourceId|ReservationId|StoreId|Value)?)?", re.I)


@dataclass(slots=True)
class Call:
    """Who asks, for what, when."""

    realm: Realm
    world: World
    now: datetime
    path: dict[str, str]
    query: MultiDict[str, str]
    body: JsonDict
    base_url: str

    def path_value(self, name: str) -> str:
        """A path parameter, 1 to 100 characters, or 400."""
        value = self.path[name]
        if absent(value) or len(value) > 100:
            raise missing(name)
        return value


Rule = Callable[[Call], Reply]


def absent(value: Any) -> bool:
    """Whether a parameter is missing, empty, or says it is null."""
    return value is None or (isinstance(value, str) and _NULL.fullmatch(value) is not None)


def listed(call: Call, name: str) -> list[str]:
    """A list in the query, comma-separated or repeated."""
    parts = (part for value in call.query.getlist(name) for part in value.split(","))
    return [part.strip() for part in parts if part.strip()]


def marketplace_problem(call: Call) -> list[str]:
    """``["marketplaceIds"]`` unless exactly one marketplace is named."""
    return [] if len(listed(call, "marketplaceIds")) == 1 else ["marketplaceIds"]


def check_marketplace(call: Call, *more: str, details: str | None = "") -> None:
    """Demand exactly one marketplace, the seller's own, and the other parameters given.

    Some operations leave ``details`` out of their errors: they pass None.
    """
    names = [*more, *marketplace_problem(call)]
    if names:
        raise missing(*names, details=details)
    if listed(call, "marketplaceIds")[0] != call.world.marketplace_id:
        text = "Invalid request parameters: [marketplaceIds]"
        raise invalid(text, status=400, details=details)


def find_job(call: Call, job_id: str, *, unknown: str, spaced: bool = False) -> Job:
    """The seller's own job; 403 for somebody else's, 422 with ``unknown`` for nobody's."""
    if job_id in call.world.foreign:
        raise foreign_job(spaced=spaced)
    job = call.world.jobs.get(job_id)
    if job is not None:
        return job
    if call.realm.find_job(job_id):
        raise foreign_job(spaced=spaced)
    raise invalid(unknown)


def foreign_job(*, spaced: bool) -> Refusal:
    """Amazon writes this sentence in two ways, by operation."""
    text = "Not authorized to access this resource.Please check your input again"
    if spaced:
        text = "Not authorized to access this resource. Please check your input again."
    return Refusal(403, [error("UnauthorizedAction", text)])


def moment(call: Call, name: str) -> datetime | None:
    """A time in the query, or None; 400 when it is not ISO 8601."""
    value = call.query.get(name)
    if not value:
        return None
    try:
        # A plus sign that nobody escaped arrives as a space.
        return parse(value.replace(" ", "+"))
    except ValueError:
        raise missing(name) from None
