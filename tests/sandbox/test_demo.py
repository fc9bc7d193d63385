"""The demo world: big enough, plausible, in the model's shape; and it lives."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dispatch.sandbox import demo
from dispatch.sandbox.life import Life
from dispatch.sandbox.realm import DE, US, Realm
from dispatch.sandbox.rules import slots
from dispatch.sandbox.rules.listing import STATUSES
from dispatch.sandbox.server import SandboxServer
from dispatch.sandbox.world import Job, window_of, zone_of

NOW = datetime(2026, 6, 3, 15, 30, tzinfo=UTC)


def make(jobs: int = 400, seed: int = 7, now: datetime = NOW) -> Realm:
    realm = Realm()
    realm.clock.frozen = now
    demo.populate(realm, jobs=jobs, seed=seed)
    return realm


def all_jobs(realm: Realm) -> list[Job]:
    return [job for world in realm.worlds.values() for job in world.jobs.values()]


@pytest.fixture(scope="module")
def realm() -> Realm:
    return make()


def test_there_are_enough_jobs_most_of_them_american(realm: Realm) -> None:
    counted = Counter(job.payload["marketplaceId"] for job in all_jobs(realm))
    assert counted == {US: 320, DE: 80}


def test_every_status_occurs_for_each_seller(realm: Realm) -> None:
    for world in realm.worlds.values():
        assert {job.status for job in world.jobs.values()} == set(STATUSES)


def test_fifty_jobs_show_every_status_too() -> None:
    assert {job.status for job in all_jobs(make(jobs=50))} == set(STATUSES)


def test_every_job_fits_the_model(realm: Realm, schema: Any) -> None:
    problems = [schema.problems("ServiceJob", job.payload) for job in all_jobs(realm)]
    assert [one for one in problems if one] == []


def test_the_same_seed_draws_the_same_world() -> None:
    first, second, other = (all_jobs(make(jobs=40, seed=seed)) for seed in (7, 7, 8))
    assert [one.payload for one in first] == [one.payload for one in second]
    assert [one.id for one in first] != [one.id for one in other]


def test_the_world_spans_states_zones_and_split_states(realm: Realm) -> None:
    places = {
        (job.payload["serviceLocation"]["address"]["stateOrRegion"], job.zone)
        for job in realm.us.jobs.values()
    }
    zones = Counter(state for state, _ in places)
    assert {state for state in ("IN", "TN", "FL") if zones[state] > 1} == {"IN", "TN", "FL"}
    assert ("AZ", "America/Phoenix") in places
    assert ("TX", "America/Denver") in places
    assert len({zone for _, zone in places}) >= 5


def test_nobody_real_can_be_called(realm: Realm) -> None:
    american = re.compile(r"\+1 \d{3} 555 01\d\d")
    german = re.compile(r"\+49 (30 23125|40 66969|221 4710|89 99998) \d{3}")
    for job in all_jobs(realm):
        pattern = american if job.payload["marketplaceId"] == US else german
        assert pattern.fullmatch(job.payload["buyer"]["phone"])


def test_appointments_lie_in_local_working_hours(realm: Realm) -> None:
    for job in all_jobs(realm):
        for one in job.appointments:
            start, end = (at.astimezone(zone_of(job.zone)) for at in window_of(one))
            assert start.hour >= 8
            assert (end.hour, end.minute) <= (18, 0)


def test_history_and_future_are_there(realm: Realm) -> None:
    done = [job for job in all_jobs(realm) if job.status == "COMPLETED"]
    assert len(done) > 60
    assert all(one.appointments[-1]["poa"]["technicians"] for one in done if _staffed(one))
    open_ = [job for job in all_jobs(realm) if job.status == "NOT_SERVICED"]
    starts = [window_of(job.active() or {})[0] for job in open_]
    assert sum(1 for start in starts if start < NOW - timedelta(hours=8)) >= 5
    assert sum(1 for start in starts if abs(start - NOW) < timedelta(hours=12)) >= 10
    assert max(starts) > NOW + timedelta(days=7)
    assert max(starts) < NOW + timedelta(days=17)
    unassigned = [job for job in open_ if "assignedTechnicians" not in (job.active() or {})]
    assert 10 <= len(unassigned) <= len(open_) / 2


def _staffed(job: Job) -> bool:
    return "assignedTechnicians" in job.appointments[-1]


def test_reschedule_chains_hold_together(realm: Realm) -> None:
    moved = 0
    for job in all_jobs(realm):
        known = {one["appointmentId"] for one in job.appointments}
        for one in job.appointments:
            link = one.get("rescheduledAppointmentId")
            moved += bool(link)
            assert link is None or (link in known and one["appointmentStatus"] == "CANCELLED")
    assert moved >= 20


def test_nobody_is_in_two_places_at_once(realm: Realm) -> None:
    for world in realm.worlds.values():
        for booking in world.bookings():
            busy = world.busy(booking.start, booking.end, without=booking.job.id)
            assert not busy & booking.technicians


def test_ids_are_unique_and_people_are_various(realm: Realm) -> None:
    jobs = all_jobs(realm)
    assert len({job.id for job in jobs}) == 400
    assert len({job.payload["buyer"]["name"] for job in jobs}) > 200
    assert len({job.payload["scopeOfWork"]["title"] for job in jobs}) > 10


def test_last_updated_is_never_in_the_future(realm: Realm) -> None:
    assert all(job.created <= job.last_updated <= NOW for job in all_jobs(realm))


def test_slots_are_local_hours_with_true_room(connect: Callable[..., Any]) -> None:
    with SandboxServer(jobs=100, rate_limits=False) as server:
        api = connect(server.url)
        world = server.realm.us
        job = next(one for one in world.jobs.values() if one.status == "PENDING_SCHEDULE")
        path = f"/serviceJobs/{job.id}/appointmentSlots"
        payload = api.call("GET", path, marketplaceIds=US).json()["payload"]
        zone = zone_of(job.zone)
        for slot in payload["appointmentSlots"]:
            start = datetime.fromisoformat(slot["startTime"]).astimezone(zone)
            assert 8 <= start.hour < 18
            assert start.weekday() < 6
        free = [one for one in payload["appointmentSlots"] if one["capacity"]]
        assert free
        body = {"appointmentTime": {"startTime": free[0]["startTime"]}}
        booked = api.call("POST", f"/serviceJobs/{job.id}/appointments", body)
        assert booked.status_code == 200


def test_a_store_can_be_asked_before_there_is_a_job(connect: Callable[..., Any]) -> None:
    with SandboxServer(jobs=100, rate_limits=False) as server:
        api = connect(server.url)
        query = {"asin": "B0SVTYR001", "storeId": "ST-IN-01", "marketplaceIds": US}
        payload = api.call("GET", "/appointmentSlots", **query).json()["payload"]
        assert payload["schedulingType"] == "NON_REAL_TIME_SCHEDULING"
        assert any(one["capacity"] for one in payload["appointmentSlots"])


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({}, 2),
        ({"skills": {"PLUMBING"}}, 1),
        ({"stores": {"ST-OR-01"}}, 1),
        ({"background_checked": False}, 1),
        ({"hours": {"start": "07:00", "end": "08:30", "days": [3], "timeZone": "UTC"}}, 1),
    ],
)
def test_room_is_the_number_of_fitting_free_technicians(change: dict[str, Any], left: int) -> None:
    realm = make(jobs=0)
    world = realm.us
    hired = [one for one in world.resources.values() if one.stores == {"ST-IN-01"}]
    for name, value in change.items():
        setattr(hired[0], name, value)
    start = datetime(2026, 6, 4, 15, tzinfo=UTC)
    scope = {"requiredSkills": ["TV_MOUNTING"]}
    raw = {"serviceJobId": "a", "storeId": "ST-IN-01", "scopeOfWork": scope}
    job = Job.of(raw, NOW, zone="America/Chicago")
    [slot] = slots.offered(world, job, start, start + timedelta(hours=1), NOW)
    assert slot.capacity == left


def test_bookings_and_reservations_use_up_room() -> None:
    realm = make(jobs=0)
    world = realm.us
    start = datetime(2026, 6, 4, 15, tzinfo=UTC)
    time = {"startTime": "2026-06-04T15:00:00Z", "durationInMinutes": 60}
    booked = {"appointmentId": "12345", "appointmentStatus": "ACTIVE", "appointmentTime": time}
    raw = {"serviceJobId": "b", "storeId": "ST-IN-01", "appointments": [booked]}

    def room() -> int:
        asked = Job.of({"serviceJobId": "a", "storeId": "ST-IN-01"}, NOW, zone="America/Chicago")
        [slot] = slots.offered(world, asked, start, start + timedelta(hours=1), NOW)
        return slot.capacity

    world.put(Job.of(raw, NOW))
    # Nobody is assigned yet, but somebody will have to go.
    assert room() == 1
    booked["assignedTechnicians"] = [{"technicianId": "TECHUS001"}]
    assert room() == 1
    away = {"startTime": "2026-06-04T15:30:00Z", "endTime": "2026-06-04T15:45:00Z"}
    reservation = {"reservationId": "1", "type": "BREAK", "availability": away}
    world.reservations["1"] = {"resourceId": "TECHUS002", "reservation": reservation}
    assert room() == 0


def test_each_country_has_its_money_and_addresses(realm: Realm) -> None:
    for job in all_jobs(realm):
        address = job.payload["serviceLocation"]["address"]
        american = job.payload["marketplaceId"] == US
        assert address["countryCode"] == ("US" if american else "DE")
        assert address["addressLine1"][0].isdigit() == american
        assert job.payload["payments"][0]["amount"]["currency"] == ("USD" if american else "EUR")


def test_the_roster_can_be_read_from_the_state(connect: Callable[..., Any]) -> None:
    with SandboxServer(jobs=0) as server:
        roster = connect(server.url).control("state")["resources"]
    counted = Counter(one["marketplaceId"] for one in roster)
    assert counted == {US: 10, DE: 5}
    assert all(one["name"] and one["skills"] and one["workingHours"] for one in roster)


# -- life


def test_everything_happens_in_time(schema: Any) -> None:
    realm = make(jobs=120)
    life = Life(realm, seed=1, most=140)
    happened: Counter[str | None] = Counter()
    for minute in range(300):
        realm.clock.frozen = NOW + timedelta(minutes=minute)
        before = {job.id: job.last_updated for job in all_jobs(realm)}
        event = life.tick()
        happened[event] += 1
        changed = [job for job in all_jobs(realm) if before.get(job.id) != job.last_updated]
        if event:
            assert [job.last_updated for job in changed] == [realm.clock.frozen]
    assert {"arrive", "reschedule", "prefer", "cancel", "deliver"} <= set(happened)
    assert len(all_jobs(realm)) <= 140
    assert not [job.id for job in all_jobs(realm) if schema.problems("ServiceJob", job.payload)]


def test_life_repeats_itself_for_the_same_seed() -> None:
    runs = []
    for _ in range(2):
        life = Life(make(jobs=60), seed=3, most=90)
        runs.append([life.tick() for _ in range(40)])
    assert runs[0] == runs[1]


def test_a_scenario_does_not_live() -> None:
    realm = make(jobs=20)
    realm.living = False
    assert Life(realm, seed=1, most=30).tick() is None


def test_an_empty_world_may_have_nothing_to_do() -> None:
    realm = make(jobs=0)
    life = Life(realm, seed=1, most=1)
    assert {life.tick() for _ in range(30)} <= {None, "arrive", "prefer", "cancel", "deliver"}


def test_life_starts_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatch.sandbox import life as module

    monkeypatch.setattr(module, "_PAUSE", (0.001, 0.002))
    with SandboxServer(jobs=30, life=True) as server:
        server.realm.dirty = False
        deadline = datetime.now(UTC) + timedelta(seconds=5)
        while not server.realm.dirty and datetime.now(UTC) < deadline:
            pass
        assert server.realm.dirty


def test_chance_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", lambda: 1 / 0)
    make(jobs=10)
