"""The demo world: a week of history, two weeks ahead, all seven statuses, two sellers or more."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from dispatch.sandbox.catalogue import PLACES, SKILLS, TECHNICIANS
from dispatch.sandbox.demo_jobs import JobMaker
from dispatch.sandbox.realm import US, Realm
from dispatch.sandbox.world import Job, Resource, World, window_of

_KEPT_DAYS = 21
_LATE_SHARE = 0.04


def populate(realm: Realm, *, jobs: int, seed: int) -> None:
    """Fill empty worlds with the roster and a number of jobs.

    The first two sellers share theirs, four in five in the US; every further one has as many.
    """
    rng, now = random.Random(seed), realm.now()
    for world in realm.worlds.values():
        hire(world)
    first, second, *others = realm.worlds.values()
    makers = JobMaker(rng, first, now), JobMaker(rng, second, now)
    for number in range(jobs):
        makers[number % 5 == 4].put(_fate(rng, number))
    for world in others:
        _fill(world, jobs, seed, now)
    realm.living = True
    realm.dirty = True


def _fill(world: World, jobs: int, seed: int, now: datetime) -> None:
    """Give a further seller its jobs, from a source of chance of its own."""
    rng = random.Random(f"{seed}-{world.selling_partner_id}")
    maker = JobMaker(rng, world, now)
    for number in range(jobs):
        maker.put(_fate(rng, number))


def hire(world: World) -> None:
    """Give a seller its technicians, with working hours on their own clocks."""
    zones = {place.store: place.zone for place in reversed(PLACES[world.marketplace_id])}
    country = "US" if world.marketplace_id == US else "DE"
    for index, (name, stores, lacking) in enumerate(TECHNICIANS[world.marketplace_id], start=1):
        hours = {
            "start": "07:00",
            "end": "20:00",
            "days": [1, 2, 3, 4, 5, 6],
            "timeZone": zones[stores[0]],
        }
        resource = Resource(f"TECH{country}{index:03}", name)
        resource.skills = set(SKILLS) - set(lacking)
        resource.stores, resource.hours = set(stores), hours
        world.resources[resource.id] = resource


def _fate(rng: random.Random, number: int) -> str:
    """Return what becomes of a job: the first ones cover every status, the rest are drawn."""
    kinds = {
        "done": 26,
        "late": 2,
        "ahead": 44,
        "unassigned": 6,
        "waiting": 11,
        "hold": 3,
        "cancelled": 5,
        "blocked": 2,
        "unpaid": 2,
    }
    if number < 5 * len(kinds):
        return list(kinds)[number // 5]
    return rng.choices(list(kinds), list(kinds.values()))[0]


def catch_up(realm: Realm, *, jobs: int, seed: int) -> None:
    """Move a world that slept along: what is past was done, and today has work again."""
    now = realm.now()
    rng = random.Random(f"{seed}-{now.date()}")
    for world in realm.worlds.values():
        maker = JobMaker(rng, world, now)
        for job in list(world.jobs.values()):
            _grow_older(maker, job, rng)
    first, second, *others = realm.worlds.values()
    makers = JobMaker(rng, first, now), JobMaker(rng, second, now)
    for number in range(max(0, jobs - len(first.jobs) - len(second.jobs))):
        makers[number % 5 == 4].put(_new_fate(rng))
    for world in others:
        _catch_up_one(world, jobs, seed, now)
    realm.dirty = True


def _new_fate(rng: random.Random) -> str:
    return rng.choices(["ahead", "unassigned", "waiting", "hold"], [7, 1, 2, 1])[0]


def _catch_up_one(world: World, jobs: int, seed: int, now: datetime) -> None:
    """Move a further seller along; one that the world has not held so far starts from scratch."""
    if not world.resources:
        hire(world)
        _fill(world, jobs, seed, now)
    rng = random.Random(f"{seed}-{world.selling_partner_id}-{now.date()}")
    maker = JobMaker(rng, world, now)
    for _ in range(max(0, jobs - len(world.jobs))):
        maker.put(_new_fate(rng))


def _grow_older(maker: JobMaker, job: Job, rng: random.Random) -> None:
    """Finish what is over for more than half a day; forget what is over for weeks."""
    ended = max((window_of(one)[1] for one in job.appointments), default=job.created)
    if ended < maker.now - timedelta(days=_KEPT_DAYS):
        del maker.world.jobs[job.id]
        return
    slept = ended < maker.now - timedelta(hours=12)
    if job.status == "NOT_SERVICED" and job.active() and slept and rng.random() > _LATE_SHARE:
        maker.complete(job)
