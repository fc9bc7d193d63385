"""What occurs in sellers' jobs is remembered as long as it holds, and no longer."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from dispatch.models import Seller
from dispatch.selectors.listing.facets import Facets, facets_of
from dispatch.services.mirror import store as mirror
from tests.conftest import NOW, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def facets(seller: Seller) -> Facets:
    seller.refresh_from_db()
    return facets_of([seller])


def put(seller: Seller, make_job: MakeJob, job_id: str, store: str) -> None:
    mirror.store(seller, [make_job(job_id, storeId=store)], fetched_at=NOW)


def test_it_is_read_once_while_nothing_changes(
    seller: Seller, make_job: MakeJob, django_assert_num_queries: Any
) -> None:
    put(seller, make_job, "A", "STORE-1")
    with time_machine.travel(NOW, tick=False):
        first = facets(seller)
        with django_assert_num_queries(1):
            assert facets(seller) is first
    assert (first.stores, first.skills) == (("STORE-1",), ("TV_MOUNTING",))


def test_a_change_is_seen_at_once(seller: Seller, make_job: MakeJob) -> None:
    with time_machine.travel(NOW, tick=False):
        assert facets(seller).stores == ()
        put(seller, make_job, "A", "STORE-1")
        assert facets(seller).stores == ("STORE-1",)
        put(seller, make_job, "B", "STORE-2")
        assert facets(seller).stores == ("STORE-1", "STORE-2")
        seller.jobs.filter(service_job_id="A").update(status="SOMETHING_NEW")
        put(seller, make_job, "C", "STORE-2")
        assert "SOMETHING_NEW" in facets(seller).statuses


def test_revisions_that_begin_again_mislead_for_ten_minutes_at_most(
    seller: Seller, make_job: MakeJob
) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        put(seller, make_job, "A", "STORE-1")
        assert facets(seller).stores == ("STORE-1",)
        # As after a backup was put back: another content under a revision seen before.
        seller.jobs.update(store_id="STORE-9")
        clock.shift(dt.timedelta(minutes=10))
        assert facets(seller).stores == ("STORE-9",)


def test_no_status_is_left_out(seller: Seller, make_job: MakeJob) -> None:
    jobs = [make_job(f"JOB-{n}", serviceJobStatus=f"NEW_{n:03}") for n in range(230)]
    mirror.store(seller, jobs, fetched_at=NOW)
    assert len(facets(seller).statuses) == 230
