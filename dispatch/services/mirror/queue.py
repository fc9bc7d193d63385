"""Tells the workers what is due. The `SyncJob` row is the truth; a ring only says "look at row 7".

The queue delivers at most once, so what nobody takes up is rung again; a ring that comes twice
finds its row taken or no longer due, and does nothing. Where the queue is, ``QUEUE_URL`` says.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import close_old_connections, transaction
from django.db.models import Q
from django.utils import timezone
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.serializer import SignedSerializer

from dispatch.models import SyncJob
from dispatch.services.mirror import sync, tasks

log = logging.getLogger(__name__)

RING_AGAIN = dt.timedelta(seconds=15)
"""A ring that nobody has answered by then counts as lost."""
ROOM = 500
"""Rings that may wait in a queue: what does not fit is rung for later, and is not lost."""
LONGEST_NAP = 0.3
"""Seconds a worker sleeps between looks into a queue that it cannot wait at (SQLite)."""


class Bell:
    """A queue of rings, each with the key of a row that is due, and the workers that answer."""

    def __init__(self, name: str, answer: Callable[[Any], None]) -> None:
        self.huey = _huey(name)
        self.answer: Callable[[Any], Any] = self.huey.task(name="answer")(answer)

    def room(self) -> int:
        """Return how many more rings the queue takes."""
        return max(0, ROOM - int(self.huey.pending_count()))

    def staff(self, threads: int) -> Consumer:
        """Return workers for this queue, not yet started."""
        return Consumer(
            self.huey, workers=threads, periodic=False, initial_delay=0.05, max_delay=LONGEST_NAP
        )


@once
def changes() -> Bell:
    """Return the queue of what is quick, and what somebody may be waiting for."""
    return Bell("dispatch-changes", answer)


@once
def long_work() -> Bell:
    """Return the queue of first loads and sweeps, whose own workers keep no change waiting."""
    return Bell("dispatch-long", answer)


def ring(task_id: int) -> None:
    """Have a worker look at the task with this id."""
    kind = SyncJob.objects.filter(pk=task_id).values_list("kind", flat=True).first()
    bell = long_work() if kind in tasks.LONG_KINDS else changes()
    bell.answer(task_id)


def tick() -> int:
    """Ring for what is due; return for how many tasks. Any number of processes may tick."""
    of_long = Q(kind__in=tasks.LONG_KINDS)
    return _ring_due(changes(), ~of_long) + _ring_due(long_work(), of_long)


def _ring_due(bell: Bell, kinds: Q) -> int:
    now = timezone.now()
    unheard = Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN)
    waiting = tasks.due(now).filter(kinds, unheard)
    if not waiting.exists():
        return 0
    with transaction.atomic():
        rows = waiting.select_for_update(skip_locked=True)
        task_ids = list(rows.values_list("pk", flat=True)[: bell.room()])
        SyncJob.objects.filter(pk__in=task_ids).update(rung_at=now)
    for task_id in task_ids:
        bell.answer(task_id)
    return len(task_ids)


def answer(task_id: int) -> None:
    """Do a task, as a worker that is rung for it, unless somebody else has it or did it."""
    close_old_connections()
    try:
        task = tasks.claim(task_id, due=True)
        if task is not None:
            sync.run(task)
    finally:
        close_old_connections()


def _huey(name: str) -> Huey:
    kind, place = settings.QUEUE
    common: dict[str, Any] = {
        "results": False,
        # Messages are pickles: only what this installation has signed is opened.
        "serializer": SignedSerializer(secret=settings.SECRET_KEY, salt="dispatch queue"),
    }
    if kind == "redis":
        return RedisHuey(name, url=place, **common)
    if kind == "postgres":
        return PostgresHuey(name, dsn=place, table_prefix="dispatch_queue", **common)
    _make_private(Path(place))
    return SqliteHuey(name, filename=place, **common)


def _make_private(path: Path) -> None:
    """Make the file of the queue, for its owner only before anything is in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
