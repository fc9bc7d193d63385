"""Answers updateSchedule, which overwrites a technician's whole schedule."""

from __future__ import annotations

from datetime import timedelta

from dispatch.sandbox.realm import US
from dispatch.sandbox.replies import JsonDict, Reply, as_json, error, missing
from dispatch.sandbox.rules.call import Call, absent, check_marketplace
from dispatch.sandbox.rules.records import record_problem
from dispatch.sandbox.rules.spans import expand
from dispatch.sandbox.times import parse
from dispatch.sandbox.world import Resource


def update(call: Call) -> Reply:
    gone = [] if not absent(call.path["resourceId"]) else ["resourceId"]
    schedules = call.body.get("schedules")
    if not isinstance(schedules, list) or not schedules:
        gone.append("schedule")
    check_marketplace(call, *gone, details=None)
    resource = call.world.resources.get(call.path["resourceId"])
    if resource is None:
        return as_json(
            {"errors": [error("InvalidInput", "Invalid request parameters: [resourceId]", None)]}
        )
    assert isinstance(schedules, list)
    if any(record_problem(one) for one in schedules):
        raise missing("schedule", details=None)
    return _overwrite(call, resource, schedules)


def _overwrite(call: Call, resource: Resource, schedules: list[JsonDict]) -> Reply:
    short = [one for one in schedules if _length(one) < _shortest(call)]
    if short:
        problem = error("InvalidInput", "Schedule is shorter than the minimum slot duration.")
        records = [{"availability": one, "errors": [problem]} for one in short]
        return as_json({"payload": records, "errors": [problem]})
    warnings = [_overridden(one) for one in schedules if _overlaps(resource, one)]
    resource.schedules = schedules
    call.realm.dirty = True
    return as_json({"payload": warnings} if warnings else {})


def _shortest(call: Call) -> timedelta:
    return timedelta(minutes=5 if call.world.marketplace_id == US else 30)


def _length(record: JsonDict) -> timedelta:
    return parse(record["endTime"]) - parse(record["startTime"])


def _overlaps(resource: Resource, record: JsonDict) -> bool:
    """Tell whether a record's first stretch replaces hours known before."""
    start, end = parse(record["startTime"]), parse(record["endTime"])
    return any(True for old in resource.schedules for _ in expand(old, start, end))


def _overridden(record: JsonDict) -> JsonDict:
    message = "The schedule overrides an existing schedule in this time range."
    return {
        "availability": record,
        "warnings": [{"code": "ScheduleOverride", "message": message}],
    }
