"""Quick views go by the clock where each job is."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from dispatch.models import Seller
from dispatch.selectors.listing.paging import Order, all_jobs
from dispatch.selectors.quick_views import QUICK_VIEWS, list_counts, quick_view
from tests.conftest import NOW, MakeJob
from tests.selectors.mirror import everything, put, visit

pytestmark = [pytest.mark.django_db, pytest.mark.database]

OHIO = {"countryCode": "US", "stateOrRegion": "OH", "postalCode": "43017"}
HAWAII = {"countryCode": "US", "stateOrRegion": "HI", "postalCode": "96801"}


def at(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment)


def shown(view: str, now: dt.datetime) -> list[str]:
    query = quick_view(view).apply(everything(), now)
    return sorted(job.service_job_id for job in all_jobs(query, Order("scheduled_key")))


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
    chosen, counts = list_counts(everything().empty(), everything(), NOW)
    assert chosen.number == 0
    assert {slug: found.number for slug, found in counts.items()} == {
        view.slug: len(shown(view.slug, NOW)) for view in QUICK_VIEWS
    }


def test_there_is_no_other_view() -> None:
    with pytest.raises(KeyError):
        quick_view("mine")
