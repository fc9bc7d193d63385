"""Pages that never end, and pages of another shape: every listing comes to an end and tells."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.amazon import capacity
from dispatch.services.amazon.capacity import CapacityType, Span
from dispatch.services.mirror import sync
from dispatch.spapi.pages import STALE
from tests.conftest import Amazon, MakeJob
from tests.fire.world import HOUR, LATER, SOON, build, iso

pytestmark = [pytest.mark.django_db, pytest.mark.database]
KINDS = [SyncJob.Kind.FIRST_LOAD, SyncJob.Kind.INCREMENTAL]


def run(seller: Seller, kind: SyncJob.Kind) -> SyncJob:
    sync.start(seller)
    Seller.objects.update(synced_at=timezone.now() - dt.timedelta(hours=1))
    seller.refresh_from_db()
    return sync.run(SyncJob.objects.select_related("seller").get(seller=seller, kind=kind))


@pytest.mark.parametrize("kind", KINDS)
def test_the_sync_reads_what_there_is_and_stops(
    kind: SyncJob.Kind, seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    build(amazon, make_job)
    amazon.faults({"operation": "getServiceJobs", "kind": "endless_pages", "times": 50})
    task = run(seller, kind)
    assert task.last_error == ""
    assert task.page_token == ""
    assert sorted(ServiceJob.objects.values_list("service_job_id", flat=True)) == [
        "JOB-NEW",
        "JOB-SET",
    ]
    assert len(amazon.calls("getServiceJobs")) == 1 + STALE


def spans_of(seller: Seller, *, fixed: bool) -> list[Span]:
    span = {"start": LATER - HOUR, "end": LATER + 2 * HOUR, "kinds": [CapacityType.RESERVED]}
    if fixed:
        return capacity.fixed_capacity(seller, "TECH-LUIS", minutes=60, **span)
    return capacity.range_capacity(seller, "TECH-LUIS", **span)


@pytest.mark.parametrize("fixed", [False, True], ids=["range", "fixed"])
def test_a_capacity_is_counted_once_however_often_it_is_shown(
    fixed: bool, seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    build(amazon, make_job)
    honest = spans_of(seller, fixed=fixed)
    assert [(iso(span.start), span.capacity) for span in honest if span.capacity] == [
        (iso(LATER), 1)
    ]
    operation = "getFixedSlotCapacity" if fixed else "getRangeSlotCapacity"
    before = len(amazon.calls(operation))
    amazon.faults({"operation": operation, "kind": "endless_pages", "times": 50})
    assert spans_of(seller, fixed=fixed) == honest
    assert len(amazon.calls(operation)) - before == 1 + STALE


@pytest.mark.parametrize("fixed", [False, True], ids=["range", "fixed"])
def test_a_capacity_of_another_shape_is_none(
    fixed: bool, seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    build(amazon, make_job)
    amazon.faults({"operation": "*", "kind": "wrong_types"})
    assert spans_of(seller, fixed=fixed) == []


def test_the_rest_of_a_long_listing_is_not_cut_off(seller: Seller, amazon: Amazon) -> None:
    """The guard does not take honest pages for a ring."""
    spans = capacity.fixed_capacity(
        seller, "TECH-TOM", start=SOON, end=SOON + dt.timedelta(days=6), minutes=5
    )
    assert len(spans) == 6 * 24 * 12
    assert len(amazon.calls("getFixedSlotCapacity")) == 4
