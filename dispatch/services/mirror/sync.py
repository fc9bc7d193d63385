"""Fills the mirror: a first load with progress, then what has changed, seller by seller.

Amazon sends no notification for service jobs, so asking is the only way to learn of changes. What
that misses, a sweep finds at night. Source: ``getServiceJobs`` of Amazon's model.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import random
import threading
import zoneinfo
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatch.models import OPEN_STATUSES, Seller, ServiceJob, SyncJob
from dispatch.services.amazon import metrics
from dispatch.services.amazon.client import FAULTS, connect, note_state
from dispatch.services.amazon.definition import MOST
from dispatch.services.amazon.words import in_words
from dispatch.services.mirror import store
from dispatch.spapi import (
    ApiResponse,
    SellingApiBadRequestException,
    SellingApiException,
    Services,
    ThrottledLocally,
)
from dispatch.spapi.pages import Course

log = logging.getLogger(__name__)

Kind = SyncJob.Kind
BY_ID = "getServiceJobByServiceJobId"

WATCHED_PACE = dt.timedelta(seconds=10)
WATCHED_FOR = dt.timedelta(seconds=45)
"""How long after its last sign a page counts as open."""
WORKING_PACE = dt.timedelta(minutes=1)
WORKING_HOURS = range(7, 20)
"""Hours of the day in the seller's zone."""
QUIET_PACE = dt.timedelta(minutes=10)
OVERLAP = dt.timedelta(minutes=2)
"""How far each look reaches back behind the last: clocks differ and Amazon's index lags."""
FIRST_LOAD_REACH = dt.timedelta(days=90)
PAGES_AT_ONCE = 50
NOTED_EVERY = dt.timedelta(seconds=1)
"""How long a first load fetches before it stores what it has and says how far it is."""
LEASE = dt.timedelta(minutes=2)
FIRST_PAUSE = dt.timedelta(seconds=30)
LONGEST_PAUSE = dt.timedelta(minutes=10)
LONGEST_NAP = 5.0
"""Seconds that long work waits at a time for room in the rate plan."""
NEVER_AGAIN = dt.timedelta(days=3650)
SWEEP_HOUR = 1
SWEEP_SPREAD = 4 * 3600
"""Seconds after `SWEEP_HOUR` over which the sellers' sweeps are spread."""
SWEEP_REACH = dt.timedelta(days=30)
"""The sweep reads every job created since then, and every older one that is still open."""
MOST_LOOKS = 1000
"""Jobs a sweep asks for one by one; what remains is the next night's."""

LONG_KINDS = frozenset({Kind.FIRST_LOAD, Kind.SWEEP})
"""What may take minutes, and must not keep anybody's changes waiting."""

stopping = threading.Event()
"""Set when this process is to end: a task then stops at its next page, to be taken up again."""


class LeaseLost(Exception):
    """Somebody else has taken the task over, or it is gone: stop, and leave it to them."""


class Stopping(Exception):
    """This process is to end: the task goes on elsewhere from where it is."""


def start(seller: Seller) -> None:
    """Have the seller's jobs loaded from scratch, then kept up to date."""
    SyncJob.objects.update_or_create(
        seller=seller,
        kind=Kind.FIRST_LOAD,
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
    SyncJob.objects.get_or_create(seller=seller, kind=Kind.INCREMENTAL)
    tonight = timezone.now() + until_night(seller, timezone.now())
    SyncJob.objects.get_or_create(seller=seller, kind=Kind.SWEEP, defaults={"next_run_at": tonight})


def due(now: dt.datetime) -> QuerySet[SyncJob]:
    """The tasks that somebody should do now, the one that has waited longest first."""
    return _free(now).filter(next_run_at__lte=now).order_by("next_run_at")


def _free(now: dt.datetime) -> QuerySet[SyncJob]:
    """The tasks that nobody is at."""
    return SyncJob.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))


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


def run(task: SyncJob, *, interactive: bool = False) -> SyncJob:
    """Do a claimed task and write down how it went; never raises for what Amazon says."""
    seller = task.seller
    if not seller.usable:
        return _finish(task, next_in=LONGEST_PAUSE, error=seller.get_state_display())
    refused = seller.state != Seller.State.CONNECTED
    log.info("sync %d %s of seller %s begins", task.pk, task.kind, seller.pk)
    try:
        with connect(seller, interactive=interactive) as client:
            next_in = _WORK[Kind(task.kind)](task, client)
    except LeaseLost:
        log.warning("sync %s of seller %s took too long: another has it", task.kind, seller.pk)
        return task
    except Stopping:
        return _finish(task, next_in=dt.timedelta(), error="")
    except ThrottledLocally as busy:
        # People's calls go first: the task comes back when there is room, it does not sleep.
        metrics.SYNC_RUNS.labels(task.kind, "put off").inc()
        return _finish(task, next_in=dt.timedelta(seconds=busy.retry_after), error="")
    except FAULTS as error:
        metrics.SYNC_RUNS.labels(task.kind, "failed").inc()
        log.warning("sync %s of seller %s: %s", task.kind, seller.pk, in_words(error))
        return _finish(task, next_in=_pause(task.attempts), error=in_words(error))
    metrics.SYNC_RUNS.labels(task.kind, "done").inc()
    if refused:
        note_state(seller, Seller.State.CONNECTED)
    return _finish(task, next_in=next_in, error="")


def refresh_now(seller: Seller) -> SyncJob | None:
    """Ask Amazon at once what has changed; None when that is being done already."""
    task, _ = SyncJob.objects.get_or_create(seller=seller, kind=Kind.INCREMENTAL)
    claimed = claim(task.pk)
    return run(claimed, interactive=True) if claimed else None


def refresh_job(job: ServiceJob, *, interactive: bool = True) -> ServiceJob:
    """Read one job from Amazon now and store it; raises one of `client.FAULTS`.

    A job that Amazon does not know any more is marked before the refusal is raised.
    """
    with connect(job.seller, interactive=interactive) as session:
        _read_again(job, session.get_service_job_by_service_job_id)
    return ServiceJob.objects.select_related("seller").get(pk=job.pk)


def find_job(seller: Seller, service_job_id: str) -> ServiceJob | None:
    """Fetch a job that the mirror does not hold yet, by its pasted id."""
    if not service_job_id.strip("."):
        return None  # Nothing, or dots only: no address could name it.
    with connect(seller, interactive=True) as session:
        read = session.get_service_job_by_service_job_id
        _take_in(seller, service_job_id, read, timezone.now())
    return ServiceJob.objects.filter(seller=seller, service_job_id=service_job_id).first()


def _read_again(job: ServiceJob, read: Callable[..., ApiResponse]) -> None:
    """Read a job that is here; one that Amazon does not know is marked before that is raised."""
    asked_at = timezone.now()
    try:
        shown = _take_in(job.seller, job.service_job_id, read, asked_at)
    except SellingApiException as error:
        if says_unknown(error):
            store.mark_gone(job, at=asked_at)
        raise
    if shown:
        ServiceJob.objects.filter(pk=job.pk, fetched_at__lt=asked_at).update(fetched_at=asked_at)


def _take_in(
    seller: Seller, service_job_id: str, read: Callable[..., ApiResponse], asked_at: dt.datetime
) -> bool:
    """Store what Amazon shows of one job; whether it showed that job at all."""
    payload = read(service_job_id).payload
    shown = isinstance(payload, dict) and payload.get("serviceJobId") == service_job_id
    if shown:
        store.store(seller, [payload], fetched_at=asked_at, origin=BY_ID)
    return shown


def _first_load(task: SyncJob, client: Services) -> dt.timedelta:
    """All jobs created since the date the owner chose, page by page, going on where it stopped."""
    seller = task.seller
    task.started_at = task.started_at or timezone.now()
    since = seller.sync_since or task.started_at - FIRST_LOAD_REACH
    course = Course(task.page_token)
    while not task.finished_at:
        if not _still_connected(seller):
            return LONGEST_PAUSE
        _load_some(task, client, since, course)
    _synced(seller, task.started_at)
    return NEVER_AGAIN


def _load_some(task: SyncJob, client: Services, since: dt.datetime, course: Course) -> None:
    """Some pages, stored and noted together: a commit costs as much as the jobs of a page."""
    asked_at, jobs = timezone.now(), list[Any]()
    try:
        for _ in range(PAGES_AT_ONCE):
            page = _first_load_page(task, client, since)
            jobs += _jobs(page)
            _advance(task, page, course)
            if task.finished_at or timezone.now() - asked_at > NOTED_EVERY:
                break
    finally:
        # What came before a fault is kept; what is cut off here is asked for again.
        store.store(task.seller, jobs, fetched_at=asked_at)
        _hold(
            task,
            done=task.done,
            total=task.total,
            page_token=task.page_token,
            started_at=task.started_at,
            finished_at=task.finished_at,
        )


def _still_connected(seller: Seller) -> bool:
    """The owner may disconnect while a long load is going on."""
    connected = Seller.objects.exclude(state=Seller.State.DISCONNECTED)
    return connected.filter(pk=seller.pk).exists()


def _first_load_page(task: SyncJob, client: Services, since: dt.datetime) -> ApiResponse:
    filters = {"createdAfter": since, "pageSize": 20, "sortField": "JOB_DATE", "sortOrder": "ASC"}
    if not task.page_token:
        return client.get_service_jobs(**filters)
    try:
        return client.get_service_jobs(**filters, pageToken=task.page_token)
    except SellingApiBadRequestException:
        # The token outlived its welcome while we were away: begin again, nothing is lost.
        task.page_token, task.done, task.started_at = "", 0, timezone.now()
        return client.get_service_jobs(**filters)


def _advance(task: SyncJob, page: ApiResponse, course: Course) -> None:
    count = len(_jobs(page))
    task.done += count
    task.total = max(_total(page), task.done)
    # A token on an empty page leads nowhere either.
    over = not count or not course.goes_on(page.next_token, _jobs(page))
    task.page_token = "" if over else page.next_token or ""
    task.finished_at = timezone.now() if over else None


def _hold(task: SyncJob, **progress: Any) -> None:
    """Keep the lease for another `LEASE`, with the progress made.

    Raises `LeaseLost`, or `Stopping` where the progress is kept and this process is to end.
    """
    until = timezone.now() + LEASE
    mine = SyncJob.objects.filter(pk=task.pk, lease_until=task.lease_until)
    if not mine.update(lease_until=until, **progress):
        raise LeaseLost
    task.lease_until = until
    if stopping.is_set():
        raise Stopping


def _incremental(task: SyncJob, client: Services) -> dt.timedelta:
    """Whatever Amazon changed since the last look, with an overlap."""
    seller, started_at = task.seller, timezone.now()
    if seller.synced_at is None:
        return dt.timedelta(seconds=2)  # The first load comes first.
    since = seller.synced_at - OVERLAP
    for asked_at, jobs in _pages(client.get_service_jobs, lastUpdatedAfter=since):
        store.store(seller, jobs, fetched_at=asked_at)
        _hold(task)
    _synced(seller, started_at)
    return pace(seller, started_at)


def pace(seller: Seller, now: dt.datetime) -> dt.timedelta:
    """How soon to look again: at once while somebody looks, seldom at night.

    Spread a little downwards: a thousand sellers do not ask in the same second, and what passes
    until a worker is rung does not make the pace slower than it says.
    """
    return _pace(seller, now) * random.uniform(0.8, 0.95)  # noqa: S311


def _pace(seller: Seller, now: dt.datetime) -> dt.timedelta:
    seen = Seller.objects.filter(pk=seller.pk).values_list("watched_at", flat=True).first()
    if seen is not None and now - seen < WATCHED_FOR:
        return WATCHED_PACE
    working = _at_home(seller, now).hour in WORKING_HOURS
    return WORKING_PACE if working else QUIET_PACE


def _at_home(seller: Seller, now: dt.datetime) -> dt.datetime:
    """The moment on the seller's own clock."""
    return now.astimezone(zoneinfo.ZoneInfo(seller.time_zone))


def until_night(seller: Seller, now: dt.datetime) -> dt.timedelta:
    """How long until the seller's next sweep; every seller has its own moment of the night."""
    here = _at_home(seller, now)
    offset = dt.timedelta(hours=SWEEP_HOUR, seconds=seller.pk.int % SWEEP_SPREAD)
    tonight = here.replace(hour=0, minute=0, second=0, microsecond=0) + offset
    if tonight <= here:
        tonight += dt.timedelta(days=1)
    return tonight - here


def _sweep(task: SyncJob, client: Services) -> dt.timedelta:
    """Read again whatever can still change, and look for what Amazon no longer lists."""
    seller, began = task.seller, timezone.now()
    if seller.synced_at is None:
        return until_night(seller, began)
    here = _sweepable(seller, began)
    oldest = here.filter(status__in=OPEN_STATUSES).order_by("created_key").first()
    reaches: list[dict[str, Any]] = [{"createdAfter": began - SWEEP_REACH}]
    if oldest and oldest.created_at and oldest.created_at < began - SWEEP_REACH:
        # `createdAfter` leaves its own moment out.
        since = oldest.created_at - dt.timedelta(seconds=1)
        reaches.append({"createdAfter": since, "serviceJobStatus": list(OPEN_STATUSES)})
    listed: set[str] = set()
    for filters in reaches:
        for asked_at, jobs in _pages(_patient(task, client.get_service_jobs), **filters):
            store.store(seller, jobs, fetched_at=asked_at)
            listed.update(job["serviceJobId"] for job in jobs if _has_id(job))
            _hold(task)
    unlisted = (
        job
        for job in here.only("seller", "service_job_id").iterator()
        if job.service_job_id not in listed
    )
    read = _patient(task, client.get_service_job_by_service_job_id)
    for job in list(itertools.islice(unlisted, MOST_LOOKS)):
        _look_for(job, read)
        _hold(task)
    return until_night(seller, timezone.now())


def _has_id(job: Any) -> bool:
    return isinstance(job, dict) and isinstance(job.get("serviceJobId"), str)


def _sweepable(seller: Seller, began: dt.datetime) -> QuerySet[ServiceJob]:
    """The jobs here that Amazon's two lists should hold, but for what was fetched meanwhile."""
    reached = Q(created_key__gt=began - SWEEP_REACH) | Q(status__in=OPEN_STATUSES)
    return ServiceJob.objects.filter(reached, seller=seller, gone_at=None, fetched_at__lt=began)


def _look_for(job: ServiceJob, read: Callable[..., ApiResponse]) -> None:
    """Read a job that Amazon did not list; what it does not know any more stays, marked."""
    try:
        _read_again(job, read)
    except SellingApiException as error:
        if not says_unknown(error):
            raise


def says_unknown(error: SellingApiException) -> bool:
    """Whether Amazon says that this seller has no such job: 404, 422, or somebody else's (403)."""
    return error.code in (404, 422) or error.amzn_code == "UnauthorizedAction"


def _patient(task: SyncJob, call: Callable[..., ApiResponse]) -> Callable[..., ApiResponse]:
    """A call that waits for room in the rate plan, for work that cannot go on from the middle."""

    def patiently(*args: Any, **kwargs: Any) -> ApiResponse:
        while True:
            try:
                return call(*args, **kwargs)
            except ThrottledLocally as busy:
                stopping.wait(min(busy.retry_after, LONGEST_NAP))
                _hold(task)

    return patiently


def _pages(
    read: Callable[..., ApiResponse], **filters: object
) -> Iterator[tuple[dt.datetime, list[Any]]]:
    """Pages of jobs with the moment each was asked for; stops where they go round."""
    token, course = "", Course()
    while True:
        asked_at = timezone.now()
        page = read(pageSize=20, **filters, **({"pageToken": token} if token else {}))
        yield asked_at, _jobs(page)
        token = page.next_token or ""
        if not course.goes_on(token, _jobs(page)):
            return


def _part(page: ApiResponse, name: str) -> Any:
    return page.payload.get(name) if isinstance(page.payload, dict) else None


def _jobs(page: ApiResponse) -> list[Any]:
    """The jobs of a page; none where it has another shape."""
    jobs = _part(page, "jobs")
    return jobs if isinstance(jobs, list) else []


def _total(page: ApiResponse) -> int:
    total = _part(page, "totalResultSize")
    return total if isinstance(total, int) and 0 <= total <= MOST else 0


def _synced(seller: Seller, at: dt.datetime) -> None:
    Seller.objects.filter(pk=seller.pk).update(synced_at=at)
    seller.synced_at = at


def _finish(task: SyncJob, *, next_in: dt.timedelta, error: str) -> SyncJob:
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


def _pause(attempts: int) -> dt.timedelta:
    """How long to wait after a failure: doubling from `FIRST_PAUSE`, at most `LONGEST_PAUSE`."""
    doubled: dt.timedelta = FIRST_PAUSE * 2 ** min(attempts, 10)
    return min(doubled, LONGEST_PAUSE)


_WORK: dict[Kind, Callable[[SyncJob, Services], dt.timedelta]] = {
    Kind.FIRST_LOAD: _first_load,
    Kind.INCREMENTAL: _incremental,
    Kind.SWEEP: _sweep,
}
