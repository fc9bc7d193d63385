"""Keeps a seller's mirror up to date: a first load, then what has changed, and a sweep at night.

Amazon sends no notification for service jobs, so asking is the only way to learn of changes. What
that misses, the sweep finds. Each of the three is a task of its own, a `SyncJob` row.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable

from django.utils import timezone

from dispatch.models import Seller, SyncJob
from dispatch.services.amazon import metrics
from dispatch.services.amazon.client import FAULTS, connect, note_state
from dispatch.services.amazon.words import in_words, kept_words
from dispatch.services.mirror import tasks
from dispatch.services.mirror.changes import load_changes
from dispatch.services.mirror.first_load import load_all
from dispatch.services.mirror.pace import LONGEST_PAUSE, pause_after, until_night
from dispatch.services.mirror.sweep import sweep
from dispatch.spapi import Services, ThrottledLocally

log = logging.getLogger(__name__)

_WORK: dict[str, Callable[[SyncJob, Services], dt.timedelta]] = {
    SyncJob.Kind.FIRST_LOAD: load_all,
    SyncJob.Kind.INCREMENTAL: load_changes,
    SyncJob.Kind.SWEEP: sweep,
}
"""What is done for each kind of task; each returns in how long the task is due again."""


def start(seller: Seller) -> None:
    """Have the seller's jobs loaded from scratch, then kept up to date."""
    SyncJob.objects.update_or_create(
        seller=seller,
        kind=SyncJob.Kind.FIRST_LOAD,
        defaults={
            "next_run_at": timezone.now(),
            "lease_until": None,
            "page_token": "",
            "done": 0,
            "total": 0,
            "started_at": None,
            "finished_at": None,
            "attempts": 0,
            "last_error": "",
        },
    )
    SyncJob.objects.get_or_create(seller=seller, kind=SyncJob.Kind.INCREMENTAL)
    tonight = timezone.now() + until_night(seller, timezone.now())
    SyncJob.objects.get_or_create(
        seller=seller, kind=SyncJob.Kind.SWEEP, defaults={"next_run_at": tonight}
    )


def run(task: SyncJob, *, interactive: bool = False) -> SyncJob:
    """Do a claimed task and write down how it went; never raises for what Amazon says."""
    seller = task.seller
    if not seller.usable:
        return tasks.finish(task, next_in=LONGEST_PAUSE, error=seller.get_state_display())
    refused = seller.state != Seller.State.CONNECTED
    log.info("sync %d %s of seller %s begins", task.pk, task.kind, seller.pk)
    try:
        with connect(seller, interactive=interactive) as client:
            next_in = _WORK[task.kind](task, client)
    except tasks.LeaseLost:
        log.warning("sync %s of seller %s took too long: another has it", task.kind, seller.pk)
        return task
    except tasks.Stopping:
        return tasks.finish(task, next_in=dt.timedelta(), error="")
    except ThrottledLocally as busy:
        # People's calls go first: the task comes back when there is room, it does not sleep.
        metrics.SYNC_RUNS.labels(task.kind, "put off").inc()
        return tasks.finish(task, next_in=dt.timedelta(seconds=busy.retry_after), error="")
    except FAULTS as error:
        metrics.SYNC_RUNS.labels(task.kind, "failed").inc()
        log.warning("sync %s of seller %s: %s", task.kind, seller.pk, in_words(error))
        return tasks.finish(task, next_in=pause_after(task.attempts), error=kept_words(error))
    metrics.SYNC_RUNS.labels(task.kind, "done").inc()
    if refused:
        note_state(seller, Seller.State.CONNECTED)
    return tasks.finish(task, next_in=next_in, error="")


def refresh_now(seller: Seller) -> SyncJob | None:
    """Ask Amazon at once what has changed; None when that is being done already."""
    task, _ = SyncJob.objects.get_or_create(seller=seller, kind=SyncJob.Kind.INCREMENTAL)
    claimed = tasks.claim(task.pk)
    return run(claimed, interactive=True) if claimed else None
