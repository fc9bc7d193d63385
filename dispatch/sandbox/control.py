"""Answers the sandbox's own addresses under ``/_sandbox/``; see the package's docstring."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dispatch.sandbox.realm import Realm
from dispatch.sandbox.replies import Incoming, JsonDict, Refusal, Reply, as_json, error, invalid
from dispatch.sandbox.rules.records import record_problem
from dispatch.sandbox.times import iso_exact, parse
from dispatch.sandbox.world import Document, Job, Resource, World

_NOT_FOUND = Refusal(404, [error("NotFound", "There is no such control.")])


def handle(realm: Realm, incoming: Incoming, name: str) -> Reply:
    if incoming.method == "GET":
        return _show(realm, name)
    if name not in _CONTROLS:
        raise _NOT_FOUND
    try:
        body = json.loads(incoming.body or b"{}")
    except ValueError:
        raise invalid("The request body is not valid JSON.", status=400) from None
    answer = _CONTROLS[name](realm, body)
    realm.dirty = True
    return as_json(answer)


def _show(realm: Realm, name: str) -> Reply:
    shown: dict[str, Callable[[], object]] = {
        "state": lambda: state(realm),
        "faults": lambda: [one.as_dict() for one in realm.faults.waiting],
        "health": lambda: {"ok": True},
    }
    if name not in shown:
        raise _NOT_FOUND
    return as_json(shown[name]())


def state(realm: Realm) -> JsonDict:
    worlds = list(realm.worlds.values())
    return {
        "now": iso_exact(realm.now()),
        "living": realm.living,
        "rateLimits": realm.rate_limits,
        "sellers": [_seller(world) for world in worlds],
        "jobs": [_job(world, job) for world in worlds for job in world.jobs.values()],
        "resources": [
            {**one.as_dict(), "marketplaceId": world.marketplace_id}
            for world in worlds
            for one in world.resources.values()
        ],
        "reservations": [one for world in worlds for one in world.reservations.values()],
        "documents": [one.as_dict() for world in worlds for one in world.documents.values()],
        "calls": list(realm.calls),
        "unanswered": realm.unanswered,
    }


def _seller(world: World) -> JsonDict:
    return {
        "refreshToken": world.refresh_token,
        "sellingPartnerId": world.selling_partner_id,
        "marketplaceId": world.marketplace_id,
        "name": world.name,
        "revoked": world.revoked,
        "role": world.role,
        "cancellationReasonCodes": world.cancellation_codes,
        "rescheduleReasonCodes": world.reschedule_codes,
    }


def _job(world: World, job: Job) -> JsonDict:
    """Return the ServiceJob and, under ``_sandbox``, what the API does not show."""
    kept = {key: value for key, value in job.as_dict().items() if key != "payload"}
    return {**job.payload, "_sandbox": {**kept, "sellingPartnerId": world.selling_partner_id}}


def scenario(realm: Realm, body: Any) -> JsonDict:
    """Replace the world. Everything is read before anything is thrown away."""
    body = _object(body)
    now = _time(body["now"]) if body.get("now") else None
    frozen = realm.clock.frozen
    realm.clock.frozen = now
    try:
        fill = _reader(realm, body)
    except (Refusal, ValueError, TypeError, AttributeError, KeyError) as problem:
        realm.clock.frozen = frozen
        if isinstance(problem, Refusal):
            raise
        raise invalid(f"The scenario cannot be read: {problem}", status=400) from None
    realm.clear()
    realm.living = False
    fill()
    return {"jobs": sum(len(world.jobs) for world in realm.worlds.values())}


def _reader(realm: Realm, body: JsonDict) -> Callable[[], None]:
    """Check a scenario; return the function that puts it into the worlds once they are cleared."""
    jobs = [Job.of(_known_job(raw), realm.now()) for raw in _objects(body, "jobs")]
    resources = [(raw, Resource.from_dict(raw)) for raw in _objects(body, "resources")]
    documents = [Document.from_dict(raw, realm.now()) for raw in _objects(body, "documents")]
    reservations = [_reservation(raw) for raw in _objects(body, "reservations")]
    slots = [_slot(raw) for raw in _objects(body, "slots")]
    codes = [_texts(body, name) for name in ("cancellationReasonCodes", "rescheduleReasonCodes")]
    foreign, overbooked = (_texts(body, n) for n in ("unauthorizedJobIds", "overbookedResourceIds"))

    seconds = int(body.get("tokenSeconds", 3600))
    records = [one for _, resource in resources for one in resource.schedules]
    if any(record_problem(one) for one in records):
        raise invalid("A resource's schedules are AvailabilityRecords", status=400)

    def fill() -> None:
        home = _home(realm, jobs)
        for world in realm.worlds.values():
            world.round_the_clock = True
            world.require_fulfillment = bool(body.get("requireFulfillment"))
            world.token_seconds = seconds
            world.foreign, world.overbooked = set(foreign or ()), set(overbooked or ())
            world.cancellation_codes = codes[0] or world.cancellation_codes
            world.reschedule_codes = codes[1] or world.reschedule_codes
            for slot in slots:
                world.take_slot(*slot)
        for job in jobs:
            realm.owner_of(job.payload).put(job)
        for raw, resource in resources:
            marketplace = raw.get("marketplaceId", home.marketplace_id)
            realm.world_of_marketplace(marketplace).resources[resource.id] = resource
        home.documents.update({one.id: one for one in documents})
        home.reservations.update({one["reservation"]["reservationId"]: one for one in reservations})

    return fill


def _home(realm: Realm, jobs: list[Job]) -> World:
    """Return where things without a marketplace belong: the US, unless every job is elsewhere."""
    owners = [realm.owner_of(job.payload) for job in jobs]
    return realm.us if realm.us in owners or not owners else owners[0]


def _object(raw: Any) -> JsonDict:
    if not isinstance(raw, dict):
        raise invalid("An object is expected here", status=400)
    return raw


def _objects(body: JsonDict, name: str) -> list[JsonDict]:
    listed = body.get(name)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise invalid(f"{name} is a list of objects", status=400)
    return [_object(one) for one in listed]


def _texts(body: JsonDict, name: str) -> list[str] | None:
    listed = body.get(name)
    if listed is None:
        return None
    if not isinstance(listed, list):
        raise invalid(f"{name} is a list of texts", status=400)
    # Codes may come with their descriptions; only the codes decide.
    return [str(one.get("code") if isinstance(one, dict) else one) for one in listed]


def _time(text: Any) -> Any:
    try:
        return parse(text)
    except ValueError:
        raise invalid(f"Not an ISO 8601 time: {text}", status=400) from None


def _known_job(raw: JsonDict) -> JsonDict:
    if not isinstance(raw.get("serviceJobId"), str) or not raw["serviceJobId"]:
        raise invalid("A job needs a serviceJobId", status=400)
    return raw


def _reservation(raw: JsonDict) -> JsonDict:
    inner = _object(raw.get("reservation"))
    if record_problem(inner.get("availability")) or not inner.get("reservationId"):
        raise invalid("A reservation needs reservationId, type and availability", status=400)
    return {"resourceId": raw.get("resourceId"), "reservation": inner}


def _slot(raw: JsonDict) -> tuple[Any, int, str]:
    capacity = raw.get("capacity", 0)
    if not isinstance(capacity, int) or capacity < 0:
        raise invalid("A slot's capacity is a whole number", status=400)
    return _time(raw.get("startTime")), capacity, str(raw.get("serviceJobId") or "")


def faults(realm: Realm, body: Any) -> JsonDict:
    realm.faults.replace(body)
    return {"faults": len(realm.faults.waiting)}


def tokens(realm: Realm, body: Any) -> JsonDict:
    """Revoke or restore an authorisation, lose or regain the role, expire access tokens."""
    body = _object(body)
    world = realm.worlds.get(body.get("refresh_token", realm.us.refresh_token))
    if world is None:
        raise invalid("Unknown refresh_token", status=400)
    if body.get("state") in {"revoked", "active"}:
        world.revoked = body["state"] == "revoked"
    if body.get("role") in {"lost", "granted"}:
        world.role = body["role"] == "granted"
    if body.get("expireAccessTokens"):
        world.tokens_from = realm.wall()
    return _seller(world)


def settings(realm: Realm, body: Any) -> JsonDict:
    body = _object(body)
    if isinstance(body.get("rateLimits"), bool):
        realm.rate_limits = body["rateLimits"]
        realm.plans.refill()
    if "now" in body:
        realm.clock.frozen = _time(body["now"]) if body["now"] else None
    return {"rateLimits": realm.rate_limits, "now": iso_exact(realm.now())}


def jobs(realm: Realm, body: Any) -> JsonDict:
    """Put jobs in or over, as if buyers had changed them just now."""
    listed = body if isinstance(body, list) else [body]
    for raw in [_known_job(_object(one)) for one in listed]:
        known = realm.find_job(raw["serviceJobId"])
        if known is None:
            realm.owner_of(raw).put(Job.of(raw, realm.now()))
        else:
            known[1].payload.update(raw)
            known[1].touch(realm.now())
    return {"jobs": len(listed)}


def slots(realm: Realm, body: Any) -> JsonDict:
    """Give a slot another capacity: 0 takes it away."""
    start, capacity, job_id = _slot(_object(body))
    for world in realm.worlds.values():
        world.take_slot(start, capacity, job_id)
    return {"startTime": iso_exact(start), "capacity": capacity}


_CONTROLS: dict[str, Callable[[Realm, Any], JsonDict]] = {
    "scenario": scenario,
    "faults": faults,
    "tokens": tokens,
    "settings": settings,
    "jobs": jobs,
    "slots": slots,
}
