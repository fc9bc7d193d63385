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
    """A call as the rules see it: who asks, for what, and when."""

    realm: Realm
    world: World
    now: datetime
    path: dict[str, str]
    query: MultiDict[str, str]
    body: JsonDict
    base_url: str

    def path_value(self, name: str) -> str:
        """Return a path parameter; refuses with 400 unless it has 1 to 100 characters."""
        value = self.path[name]
        if absent(value) or len(value) > 100:
            raise missing(name)
        return value


Rule = Callable[[Call], Reply]


def absent(value: Any) -> bool:
    """Tell whether a parameter is missing, empty, or says that it is null."""
    return value is None or (isinstance(value, str) and _NULL.fullmatch(value) is not None)


def listed(call: Call, name: str) -> list[str]:
    """Return a list in the query, comma-separated or repeated."""
    parts = (part for value in call.query.getlist(name) for part in value.split(","))
    return [part.strip() for part in parts if part.strip()]


def marketplace_problem(call: Call) -> list[str]:
    """Return ``["marketplaceIds"]`` unless exactly one marketplace is named."""
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
    """Return the seller's own job; refuses others' with 403, nobody's with 422 and ``unknown``."""
    if job_id in call.world.foreign:
        raise foreign_job(spaced=spaced)
    job = call.world.jobs.get(job_id)
    if job is not None:
        return job
    if call.realm.find_job(job_id):
        raise foreign_job(spaced=spaced)
    raise invalid(unknown)


def foreign_job(*, spaced: bool) -> Refusal:
    """Return the refusal of others' jobs, which Amazon words in two ways, by operation."""
    text = "Not authorized to access this resource.Please check your input again"
    if spaced:
        text = "Not authorized to access this resource. Please check your input again."
    return Refusal(403, [error("UnauthorizedAction", text)])


def moment(call: Call, name: str) -> datetime | None:
    """Return a time in the query, or None; refuses with 400 what is not ISO 8601."""
    value = call.query.get(name)
    if not value:
        return None
    try:
        # A plus sign that nobody escaped arrives as a space.
        return parse(value.replace(" ", "+"))
    except ValueError:
        raise missing(name) from None
