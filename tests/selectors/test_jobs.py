"""Reads of the mirror: quick views at the job's own clock, and who could do a job."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest

from dispatch.models import (
    Action,
    Person,
    ReasonCode,
    SavedView,
    Seller,
    ServiceJob,
    SyncJob,
)
from dispatch.selectors import jobs as read
from dispatch.selectors.cuts import Cut, Scope
from dispatch.selectors.known import known_of
from dispatch.selectors.pages import Order, every, page
from dispatch.services.mirror import store
from tests.conftest import NOW, US, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OHIO = {"countryCode": "US", "stateOrRegion": "OH", "postalCode": "43017"}
HAWAII = {"countryCode": "US", "stateOrRegion": "HI", "postalCode": "96801"}


def at(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment)


def visit(start: str, *technicians: str, status: str = "ACTIVE") -> dict[str, Any]:
    return {
        "appointmentId": "A",
        "appointmentStatus": status,
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
        "assignedTechnicians": [{"technicianId": one, "name": one} for one in technicians],
    }


def put(seller: Seller, *jobs: dict[str, Any]) -> None:
    store.store(seller, jobs, fetched_at=NOW)


def everything() -> Cut:
    """All jobs of all sellers."""
    sellers = list(Seller.objects.all())
    return Cut((Scope(tuple(seller.pk for seller in sellers), known=known_of(sellers)),))


def shown(view: str, now: dt.datetime) -> list[str]:
    cut = read.quick_view(view).apply(everything(), now)
    return sorted(job.service_job_id for job in every(cut, Order("scheduled_key")))


def scheduled(
    make_job: MakeJob, job_id: str, start: str, place: dict[str, str], **more: Any
) -> Any:
    return make_job(
        job_id,
        serviceJobStatus=more.pop("status", "NOT_SERVICED"),
        serviceLocation={"address": place},
        appointments=[visit(start)],
        **more,
    )


def test_today_is_the_day_where_each_job_is(seller: Seller, make_job: MakeJob) -> None:
    # At 05:00 UTC of the 25th it is midnight in Ohio and still the evening of the 24th in Hawaii.
    put(
        seller,
        scheduled(make_job, "OHIO-24", "2026-11-25T04:00:00Z", OHIO),
        scheduled(make_job, "OHIO-25", "2026-11-25T14:00:00Z", OHIO),
        scheduled(make_job, "HAWAII-24", "2026-11-25T06:00:00Z", HAWAII),
        scheduled(make_job, "HAWAII-25", "2026-11-25T20:00:00Z", HAWAII),
    )
    assert shown("today", at("2026-11-25T05:00:00Z")) == ["HAWAII-24", "OHIO-25"]
    assert shown("today", at("2026-11-25T04:59:00Z")) == ["HAWAII-24", "OHIO-24"]
    assert shown("today", at("2026-11-25T10:00:00Z")) == ["HAWAII-25", "OHIO-25"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-08T04:59:00Z", []),
        ("2026-03-08T05:00:00Z", ["SPRING"]),
        ("2026-03-09T03:59:00Z", ["SPRING"]),
        ("2026-03-09T04:00:00Z", []),
        ("2026-11-01T03:59:00Z", []),
        ("2026-11-01T04:00:00Z", ["AUTUMN"]),
        ("2026-11-02T04:59:00Z", ["AUTUMN"]),
        ("2026-11-02T05:00:00Z", []),
    ],
)
def test_today_has_23_hours_in_spring_and_25_in_autumn(
    seller: Seller, make_job: MakeJob, now: str, expected: list[str]
) -> None:
    put(
        seller,
        scheduled(make_job, "SPRING", "2026-03-08T15:00:00Z", OHIO),
        scheduled(make_job, "AUTUMN", "2026-11-01T15:00:00Z", OHIO),
    )
    assert shown("today", at(now)) == expected


def test_this_week_is_today_and_the_six_days_after(seller: Seller, make_job: MakeJob) -> None:
    put(
        seller,
        *(
            scheduled(make_job, f"DAY-{day}", f"2026-11-{day}T15:00:00Z", OHIO)
            for day in (23, 24, 30)
        ),
        scheduled(make_job, "DAY-31", "2026-12-01T15:00:00Z", OHIO),
    )
    assert shown("week", NOW) == ["DAY-24", "DAY-30"]


@pytest.fixture
def every_status(seller: Seller, make_job: MakeJob) -> None:
    statuses = [
        "PENDING_SCHEDULE", "NOT_SERVICED", "HOLD", "COMPLETED", "CANCELLED", "NOT_FULFILLABLE",
        "PAYMENT_DECLINED",
    ]  # fmt: skip
    put(seller, *(make_job(status, serviceJobStatus=status) for status in statuses))


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("open", ["HOLD", "NOT_SERVICED", "PENDING_SCHEDULE"]),
        ("unscheduled", ["HOLD", "PENDING_SCHEDULE"]),
        ("done", ["COMPLETED"]),
        ("today", []),
        ("late", []),
    ],
)
def test_each_view_shows_its_statuses(every_status: None, view: str, expected: list[str]) -> None:
    assert shown(view, NOW) == expected
    assert len(shown("all", NOW)) == 7


def test_late_begins_when_the_window_is_over(seller: Seller, make_job: MakeJob) -> None:
    put(
        seller,
        scheduled(make_job, "LATE", "2026-11-24T14:00:00Z", OHIO),
        scheduled(make_job, "DONE", "2026-11-24T14:00:00Z", OHIO, status="COMPLETED"),
    )
    assert shown("late", at("2026-11-24T15:00:00Z")) == []
    assert shown("late", at("2026-11-24T15:00:01Z")) == ["LATE"]


def test_a_scheduled_job_is_not_unscheduled(seller: Seller, make_job: MakeJob) -> None:
    put(seller, scheduled(make_job, "A", "2026-11-25T15:00:00Z", OHIO, status="HOLD"))
    assert shown("unscheduled", NOW) == []


def test_counts_are_those_of_the_views(every_status: None) -> None:
    chosen, counts = read.list_counts(everything().none(), everything(), NOW)
    assert chosen.number == 0
    assert {slug: found.number for slug, found in counts.items()} == {
        view.slug: len(shown(view.slug, NOW)) for view in read.QUICK_VIEWS
    }


def test_there_is_no_other_view() -> None:
    with pytest.raises(KeyError):
        read.quick_view("mine")


# --- Who could do a job -----------------------------------------------------------------------


@pytest.fixture
def job(seller: Seller, make_job: MakeJob) -> ServiceJob:
    put(seller, make_job("JOB-1", appointments=[visit("2026-11-25T15:00:00Z", "TECH-TOM")]))
    return ServiceJob.objects.select_related("seller").get()


def names(job: ServiceJob, **which: Any) -> list[str]:
    return [
        one.name
        for one in read.candidates(job)
        if all(getattr(one, name) == value for name, value in which.items())
    ]


def test_everybody_on_the_roster_is_a_candidate(job: ServiceJob) -> None:
    assert names(job) == ["Luis", "Maya", "Tom"]
    assert names(job, assigned=True) == ["Tom"]


def test_who_lacks_a_skill_comes_last_and_says_which(job: ServiceJob) -> None:
    job.seller.technicians.filter(name="Luis").update(skills=["TYRES"])
    assert names(job) == ["Maya", "Tom", "Luis"]
    assert read.candidates(job)[-1].missing_skills == ("TV_MOUNTING",)


@pytest.mark.parametrize(
    ("start", "busy"),
    [
        ("2026-11-25T14:00:00Z", []),
        ("2026-11-25T14:01:00Z", ["Maya"]),
        ("2026-11-25T15:59:00Z", ["Maya"]),
        ("2026-11-25T16:00:00Z", []),
    ],
)
def test_who_has_another_job_then_is_busy(
    seller: Seller, job: ServiceJob, make_job: MakeJob, start: str, busy: list[str]
) -> None:
    put(seller, make_job("JOB-2", appointments=[visit(start, "TECH-MAYA")]))
    assert names(job, busy=True) == busy


def test_somebody_assigned_who_is_not_on_the_roster_stays_in_the_list(
    seller: Seller, make_job: MakeJob
) -> None:
    put(seller, make_job("JOB-1", appointments=[visit("2026-11-25T15:00:00Z", "TECH-X")]))
    assert names(ServiceJob.objects.get(), assigned=True) == ["TECH-X"]


def test_who_left_is_no_candidate(job: ServiceJob) -> None:
    job.seller.technicians.filter(name="Maya").update(active=False)
    assert names(job) == ["Luis", "Tom"]


# --- The rest of a job ------------------------------------------------------------------------


def write(job: ServiceJob, kind: str, state: str) -> Action:
    return Action.objects.create(
        key=uuid.uuid4(), seller=job.seller, job=job, kind=kind, state=state
    )


def test_only_reschedules_that_happened_are_counted(job: ServiceJob) -> None:
    for state in ("accepted", "warned", "refused", "unknown"):
        write(job, "reschedule", state)
    write(job, "assign", "accepted")
    assert read.reschedules(job) == 2
    assert len(read.history(job)) == 5


@pytest.mark.parametrize("nonsense", ["", "x", "{}", str(uuid.UUID(int=7)), "\0", "1" * 33])
def test_a_write_that_is_not_this_jobs_is_none(job: ServiceJob, nonsense: str) -> None:
    assert read.action_of(job, nonsense) is None


def test_a_write_is_found_by_its_id(job: ServiceJob) -> None:
    action = write(job, "cancel", "refused")
    assert read.action_of(job, str(action.pk)) == action


def test_reason_codes_are_those_of_the_jobs_marketplace(job: ServiceJob) -> None:
    ReasonCode.objects.create(
        seller=job.seller, marketplace_id="A1PA6795UKMFR9", kind="cancel", code="DE1"
    )
    assert [one.code for one in read.reason_codes(job, ReasonCode.Kind.CANCEL)] == ["V1"]


def test_saved_views_are_ones_own_and_the_shared(
    seller: Seller, alice: Person, bob: Person, charlie: Person
) -> None:
    SavedView.objects.create(person=alice, name="Private", query="view=late")
    SavedView.objects.create(person=alice, name="Shared", query="view=done", seller=seller)
    assert [view.name for view in read.saved_views(alice, [seller])] == ["Private", "Shared"]
    assert [view.name for view in read.saved_views(bob, [seller])] == ["Shared"]
    assert read.saved_views(charlie, []) == []


def test_a_first_load_is_shown_while_it_runs(seller: Seller) -> None:
    task = SyncJob.objects.create(seller=seller, kind="first_load", done=20, total=45)
    assert read.first_loads([seller]) == [task]
    Seller.objects.update(state="disconnected")
    assert read.first_loads([seller]) == []


def test_a_mirror_older_than_the_pace_is_stale(seller: Seller) -> None:
    assert read.is_stale(seller, NOW)
    seller.synced_at = NOW - dt.timedelta(minutes=2)
    assert not read.is_stale(seller, NOW)
    assert read.is_stale(seller, NOW + dt.timedelta(minutes=2))


def test_an_old_mirror_whose_next_look_is_not_due_is_not_stale(seller: Seller) -> None:
    seller.synced_at = NOW - dt.timedelta(minutes=9)
    task = SyncJob.objects.create(seller=seller, kind="incremental", next_run_at=NOW)
    assert not read.is_stale(seller, NOW)
    assert read.is_stale(seller, NOW + dt.timedelta(minutes=2)), "nobody does what is due"
    SyncJob.objects.filter(pk=task.pk).update(attempts=1)
    assert read.is_stale(seller, NOW), "the last look failed"


@pytest.mark.parametrize("count", [10, 50])
def test_a_search_costs_the_same_queries_however_many_are_found(
    seller: Seller, make_job: MakeJob, count: int, django_assert_max_num_queries: Any
) -> None:
    put(seller, *(make_job(f"JOB-{number}") for number in range(count)))
    with django_assert_max_num_queries(10):
        cut = read.search(everything(), "jordan dublin")
        assert len(page(cut, Order("scheduled_key"), "", 100).rows) == count


def test_a_search_of_very_many_words_is_as_few_queries(
    seller: Seller, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    put(seller, make_job(marketplaceId=US))
    with django_assert_max_num_queries(8):
        cut = read.search(everything(), " ".join(f"w{number}.b" for number in range(40)))
        assert page(cut, Order("scheduled_key"), "", 50).rows == []
