"""Who could do a job: skills first, then who is free."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.models import Seller, ServiceJob
from dispatch.selectors.candidates import candidates
from tests.conftest import MakeJob
from tests.selectors.mirror import put, visit

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def job(seller: Seller, make_job: MakeJob) -> ServiceJob:
    put(seller, make_job("JOB-1", appointments=[visit("2026-11-25T15:00:00Z", "TECH-TOM")]))
    return ServiceJob.objects.select_related("seller").get()


def names(job: ServiceJob, **which: Any) -> list[str]:
    return [
        one.name
        for one in candidates(job)
        if all(getattr(one, name) == value for name, value in which.items())
    ]


def test_everybody_on_the_roster_is_a_candidate(job: ServiceJob) -> None:
    assert names(job) == ["Luis", "Maya", "Tom"]
    assert names(job, assigned=True) == ["Tom"]


def test_who_lacks_a_skill_comes_last_and_says_which(job: ServiceJob) -> None:
    job.seller.technicians.filter(name="Luis").update(skills=["TYRES"])
    assert names(job) == ["Maya", "Tom", "Luis"]
    assert candidates(job)[-1].missing_skills == ("TV_MOUNTING",)


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
