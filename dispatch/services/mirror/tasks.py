"""Says who does which piece of syncing: tasks are `SyncJob` rows, claimed for a time.

Any number of workers may run. A worker that dies loses its claim after `LEASE`, one that is too
slow leaves the task to whoever has taken it over.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatch.models import SyncJob

log = logging.getLogger(__name__)

LEASE = dt.timedelta(minutes=2)
NEVER_AGAIN = dt.timedelta(days=3650)
LONG_KINDS = frozenset({SyncJob.Kind.FIRST_LOAD, SyncJob.Kind.SWEEP})
"""What may take minutes, and must not keep anybody's changes waiting."""

stopping = threading.Event()
"""Set when this process is to end: a task then stops at its next page, to be taken up again."""


class LeaseLost(Exception):
    """Somebody else has taken the task over, or it is gone: stop, and leave it to them."""


class Stopping(Exception):
    """This process is to end: the task goes on elsewhere from where it is."""


def due(now: dt.datetime) -> QuerySet[SyncJob]:
    """Return the tasks that somebody should do now, the one that has waited longest first."""
    return _free(now).filter(next_run_at__lte=now).order_by("next_run_at")


def claim(task_id: int, *, due: bool = False) -> SyncJob | None:
    """Take a task for `LEASE`; None when somebody else has it or it is gone.

    ``due`` leaves one alone that somebody else has run since it was seen to be due.
    """
    now = timezone.now()
    free = _free(now).filter(pk=task_id)
    if due:
        free = free.filter(next_run_at__lte=now)
    taken = free.update(lease_until=now + LEASE, rung_at=None)
    return SyncJob.objects.select_related("seller").filter(pk=task_id).first() if taken else None


def _free(now: dt.datetime) -> QuerySet[SyncJob]:
    """Return the tasks that nobody is at."""
    return SyncJob.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))


def hold(task: SyncJob, **progress: Any) -> None:
    """Keep the claim for another `LEASE`, and write the progress made into the row.

    Raises `LeaseLost`, or `Stopping` where the progress is kept and this process is to end.
    """
    until = timezone.now() + LEASE
    mine = SyncJob.objects.filter(pk=task.pk, lease_until=task.lease_until)
    if not mine.update(lease_until=until, **progress):
        raise LeaseLost
    task.lease_until = until
    if stopping.is_set():
        raise Stopping


def finish(task: SyncJob, *, next_in: dt.timedelta, error: str) -> SyncJob:
    """Give the task back: when it is due again, and what went wrong, if anything did."""
    now = timezone.now()
    log.info("sync %d %s ends, next in %.0f s", task.pk, task.kind, next_in.total_seconds())
    # No `save()`: the seller may be gone, or somebody else may have taken over a lease that ran
    # out, and theirs is not ours to end.
    mine = SyncJob.objects.filter(pk=task.pk, lease_until=task.lease_until)
    task.lease_until = None
    task.next_run_at = now + next_in
    task.last_error = error[:300]
    task.attempts = task.attempts + 1 if error else 0
    task.last_success_at = task.last_success_at if error else now
    mine.update(
        lease_until=None,
        next_run_at=task.next_run_at,
        last_error=task.last_error,
        attempts=task.attempts,
        last_success_at=task.last_success_at,
    )
    return task
