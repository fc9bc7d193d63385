"""Does what buyers and couriers do while you watch."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta

from werkzeug.datastructures import MultiDict

from dispatch.sandbox.demo_jobs import JobMaker
from dispatch.sandbox.realm import Realm
from dispatch.sandbox.rules import slots
from dispatch.sandbox.rules.appointments import move
from dispatch.sandbox.rules.call import Call
from dispatch.sandbox.rules.jobs import withdraw
from dispatch.sandbox.times import iso
from dispatch.sandbox.world import Job, World

_PAUSE = (30.0, 60.0)


class Life:
    """A thread that lets one thing happen every half minute or so, in living worlds only."""

    def __init__(self, realm: Realm, *, seed: int, most: int) -> None:
        self.realm = realm
        self.rng = random.Random(f"life-{seed}")
        self.most = most
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self.rng.uniform(*_PAUSE)):
            with self.realm.lock:
                self.tick()

    def tick(self) -> str | None:
        """Let one thing happen; return its name, or None where nothing could."""
        if not self.realm.living:
            return None
        worlds = list(self.realm.worlds.values())
        world = self.rng.choices(worlds, [4, 1, *[4] * (len(worlds) - 2)])[0]
        name = self.rng.choices(list(_EVENTS), [5, 2, 2, 1, 3])[0]
        if not _EVENTS[name](self, world):
            return None
        self.realm.dirty = True
        return name

    def _arrive(self, world: World) -> bool:
        """Let an order arrive; the oldest closed job makes room when there are too many."""
        if sum(len(one.jobs) for one in self.realm.worlds.values()) >= self.most:
            closed = [
                one for one in world.jobs.values() if one.status in {"COMPLETED", "CANCELLED"}
            ]
            if not closed:
                return False
            del world.jobs[min(closed, key=lambda one: one.last_updated).id]
        now = self.realm.now()
        job = JobMaker(self.rng, world, now).job("waiting")
        job.created = now.replace(microsecond=0)
        job.payload["createTime"] = iso(job.created)
        job.touch(now)
        world.put(job)
        return True

    def _reschedule(self, world: World) -> bool:
        job = self._pick(world, self._upcoming)
        active = job.active() if job else None
        if job is None or active is None:
            return False
        now = self.realm.now()
        start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        offered = slots.offered(world, job, start, start + timedelta(days=7), now)
        free = [slot.start for slot in offered if slot.capacity > 0]
        if not free:
            return False
        move(self._call(world), job, active, self.rng.choice(free))
        return True

    def _prefer(self, world: World) -> bool:
        job = self._pick(world, lambda one: one.status == "PENDING_SCHEDULE")
        if job is None:
            return False
        JobMaker(self.rng, world, self.realm.now()).prefer(job, self.rng.randint(1, 3))
        job.touch(self.realm.now())
        return True

    def _cancel(self, world: World) -> bool:
        open_ = {"NOT_SERVICED", "PENDING_SCHEDULE", "HOLD"}
        job = self._pick(world, lambda one: one.status in open_ and not self._begun(one))
        if job is None:
            return False
        withdraw(job)
        job.cancellation_code = world.cancellation_codes[0]
        job.touch(self.realm.now(), "CANCELLED")
        return True

    def _deliver(self, world: World) -> bool:
        """Let a parcel go one step further."""
        steps = {"ACTIVE": "SHIPPED", "SHIPPED": "DELIVERED"}

        def moving(job: Job) -> bool:
            items = job.payload.get("associatedItems") or ()
            return any(one.get("itemStatus") in steps for one in items)

        job = self._pick(world, moving)
        if job is None:
            return False
        for item in job.payload["associatedItems"]:
            item["itemStatus"] = steps.get(item["itemStatus"], item["itemStatus"])
        job.touch(self.realm.now())
        return True

    def _pick(self, world: World, fits: Callable[[Job], bool]) -> Job | None:
        fitting = [job for job in world.jobs.values() if fits(job)]
        return self.rng.choice(fitting) if fitting else None

    def _upcoming(self, job: Job) -> bool:
        return job.status == "NOT_SERVICED" and job.active() is not None and not self._begun(job)

    def _begun(self, job: Job) -> bool:
        """Tell whether the appointment is so near that the buyer leaves it alone."""
        soon = self.realm.now() + timedelta(hours=4)
        window = job.window()
        return window is not None and window[0] < soon

    def _call(self, world: World) -> Call:
        return Call(self.realm, world, self.realm.now(), {}, MultiDict(), {}, "")


_EVENTS: dict[str, Callable[[Life, World], bool]] = {
    "arrive": Life._arrive,
    "reschedule": Life._reschedule,
    "prefer": Life._prefer,
    "cancel": Life._cancel,
    "deliver": Life._deliver,
}
