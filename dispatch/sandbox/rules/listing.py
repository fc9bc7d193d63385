"""Answers getServiceJobs: filters, order and pages."""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dispatch.sandbox.replies import JsonDict, Reply, as_json, invalid, missing
from dispatch.sandbox.rules.call import Call, check_marketplace, listed, moment
from dispatch.sandbox.times import iso_exact, parse
from dispatch.sandbox.world import Job, window_of

STATUSES = (
    "NOT_SERVICED",
    "CANCELLED",
    "COMPLETED",
    "PENDING_SCHEDULE",
    "NOT_FULFILLABLE",
    "HOLD",
    "PAYMENT_DECLINED",
)
_ORDER_ID = re.compile(r"[0-9\-]+")
#: List filters: most items allowed, what an item looks like.
_LISTS: dict[str, tuple[int, re.Pattern[str]]] = {
    "serviceOrderIds": (20, _ORDER_ID),
    "productOrderIds": (20, _ORDER_ID),
    "trackingIds": (20, re.compile(r"[A-Za-z0-9\-]+")),
    "serviceJobStatus": (len(STATUSES), re.compile("|".join(STATUSES))),
    "asins": (20, re.compile(r".{10}")),
    "requiredSkills": (20, re.compile(r".{1,50}")),
    "storeIds": (50, re.compile(r".{1,100}")),
}
_TIMES = (
    "createdAfter",
    "createdBefore",
    "lastUpdatedAfter",
    "lastUpdatedBefore",
    "scheduleStartDate",
    "scheduleEndDate",
)
Key = tuple[str, str]


def search(call: Call) -> Reply:
    """Answer with one page; a page token carries the filters, so it may be sent alone."""
    check_marketplace(call)
    size = _page_size(call)
    token = call.query.get("pageToken")
    where = _read_token(token) if token else {"filters": _filters(call)}
    found = _found(call, where["filters"])
    start = found.position(where, size)
    return as_json({"payload": _page(found, start, size, where["filters"])})


def _page_size(call: Call) -> int:
    raw = call.query.get("pageSize") or "20"
    if not re.fullmatch(r"[0-9]{1,3}", raw) or not 1 <= int(raw) <= 20:
        raise missing("pageSize")
    return int(raw)


def _filters(call: Call) -> JsonDict:
    """Check the filters; return them in a form that fits into a token."""
    filters: JsonDict = {name: _list_filter(call, name) for name in _LISTS}
    times = {name: moment(call, name) for name in _TIMES}
    _check_times(times)
    filters.update({name: iso_exact(time) if time else None for name, time in times.items()})
    for name, allowed in (
        ("sortField", ("JOB_DATE", "JOB_STATUS")),
        ("sortOrder", ("ASC", "DESC")),
    ):
        value = call.query.get(name) or allowed[0]
        if value not in allowed:
            raise missing(name)
        filters[name] = value
    return {name: value for name, value in filters.items() if value}


def _list_filter(call: Call, name: str) -> list[str]:
    most, pattern = _LISTS[name]
    values = listed(call, name)
    if name in call.query and not values:
        raise missing(name)
    if len(values) > most or not all(pattern.fullmatch(value) for value in values):
        raise missing(name)
    return values


def _check_times(times: dict[str, datetime | None]) -> None:
    if bool(times["createdAfter"]) == bool(times["lastUpdatedAfter"]):
        raise missing("createdAfter", "lastUpdatedAfter")
    for start, end in (_TIMES[0:2], _TIMES[2:4], _TIMES[4:6]):
        first, last = times[start], times[end]
        if first and last and last < first:
            raise invalid(f"{end} should not be earlier than {start}", status=400, details="")


def _wanted(filters: JsonDict) -> list[tuple[Callable[[Job, Any], bool], Any]]:
    """Return the checks that apply, each with its value; times are read once for all jobs."""
    values = {name: parse(filters[name]) for name in _TIMES if name in filters}
    return [
        (check, values.get(name, filters[name]))
        for name, check in _CHECKS.items()
        if name in filters
    ]


def _matches(job: Job, wanted: list[tuple[Callable[[Job, Any], bool], Any]]) -> bool:
    return all(check(job, value) for check, value in wanted)


def _any(field: str) -> Callable[[Job, Any], bool]:
    return lambda job, wanted: bool({*(job.payload.get(field) or ())} & {*wanted})


def _one(field: str) -> Callable[[Job, Any], bool]:
    return lambda job, wanted: job.payload.get(field) in wanted


def _has_asin(job: Job, wanted: list[str]) -> bool:
    items = job.payload.get("associatedItems") or []
    known = {one.get("asin") for one in [*items, job.payload.get("scopeOfWork") or {}]}
    return bool(known & {*wanted})


def _scheduled(job: Job, keep: Callable[[datetime], bool]) -> bool:
    """Tell whether an appointment that was not called off starts at a time to ``keep``."""
    counted = (one for one in job.appointments if one.get("appointmentStatus") != "CANCELLED")
    return any(keep(window_of(one)[0]) for one in counted)


_CHECKS: dict[str, Callable[[Job, Any], bool]] = {
    "serviceOrderIds": _one("serviceOrderId"),
    "productOrderIds": _any("productOrderIds"),
    "trackingIds": _any("trackingIds"),
    "serviceJobStatus": lambda job, wanted: job.status in wanted,
    "asins": _has_asin,
    "requiredSkills": lambda job, wanted: bool(job.skills & {*wanted}),
    "storeIds": _one("storeId"),
    "createdAfter": lambda job, time: job.created >= time,
    "createdBefore": lambda job, time: job.created <= time,
    "lastUpdatedAfter": lambda job, time: job.last_updated >= time,
    "lastUpdatedBefore": lambda job, time: job.last_updated <= time,
    "scheduleStartDate": lambda job, time: _scheduled(job, lambda at: at >= time),
    "scheduleEndDate": lambda job, time: _scheduled(job, lambda at: at <= time),
}


@dataclass(slots=True)
class _Found:
    """The jobs that match, in order, and their ``keys``, always ascending."""

    version: int
    jobs: list[Job]
    keys: list[Key]
    descending: bool

    def key(self, place: int) -> Key:
        return self.keys[-1 - place if self.descending else place]

    def position(self, where: JsonDict, size: int) -> int:
        """Return where a page begins: behind the last row seen, or a page before the first one."""
        mark = tuple(where.get("after") or where.get("before") or ())
        if not mark:
            return 0
        first, last = bisect_left(self.keys, mark), bisect_right(self.keys, mark)
        if self.descending:
            first, last = len(self.keys) - last, len(self.keys) - first
        return max(0, first - size) if where.get("before") else last


def _found(call: Call, filters: JsonDict) -> _Found:
    """Return the jobs that match, those found before where nothing has changed since."""
    name, version = json.dumps(filters, sort_keys=True), call.realm.version
    found: _Found | None = call.world.lists.get(name)
    if found is None or found.version != version:
        call.world.lists = {
            known: kept for known, kept in call.world.lists.items() if kept.version == version
        }
        found = call.world.lists[name] = _search(call, filters)
    return found


def _search(call: Call, filters: JsonDict) -> _Found:
    wanted = _wanted(filters)
    rows = [(_key(one, filters), one) for one in call.world.jobs.values() if _matches(one, wanted)]
    rows.sort(key=lambda row: row[0])
    descending = filters["sortOrder"] == "DESC"
    jobs = [job for _, job in (reversed(rows) if descending else rows)]
    return _Found(call.realm.version, jobs, [key for key, _ in rows], descending)


def _key(job: Job, filters: JsonDict) -> Key:
    by_status = filters["sortField"] == "JOB_STATUS"
    return (job.status if by_status else iso_exact(job.created), job.id)


def _page(found: _Found, start: int, size: int, filters: JsonDict) -> JsonDict:
    shown = found.jobs[start : start + size]
    payload: JsonDict = {"totalResultSize": len(found.jobs)}
    if shown and start + size < len(found.jobs):
        last = found.key(start + len(shown) - 1)
        payload["nextPageToken"] = _token({"filters": filters, "after": last})
    if shown and start:
        payload["previousPageToken"] = _token({"filters": filters, "before": found.key(start)})
    payload["jobs"] = [job.payload for job in shown]
    return payload


def _token(where: JsonDict) -> str:
    return base64.urlsafe_b64encode(json.dumps(where, separators=(",", ":")).encode()).decode()


def _read_token(token: str) -> JsonDict:
    try:
        where = json.loads(base64.urlsafe_b64decode(token))
        sound = isinstance(where, dict) and {"sortField", "sortOrder"} <= {*where["filters"]}
        mark = where.get("after") or where.get("before")
        sound = sound and isinstance(mark, list) and len(mark) == 2
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        sound = False
    if not sound:
        raise missing("pageToken")
    return where  # type: ignore[no-any-return]
