"""Single jobs: read again, or found by a pasted id."""

from __future__ import annotations

import contextlib
import datetime as dt

import pytest

from dispatch.models import Seller, ServiceJob
from dispatch.services.amazon.client import FAULTS
from dispatch.services.mirror import one_job, store
from dispatch.spapi import SellingApiUnprocessableException
from tests.conftest import Amazon, MakeJob
from tests.services.mirror.world import (
    vanish,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_job_that_amazon_does_not_know_any_more_is_marked_when_read(
    loaded: Seller, amazon: Amazon
) -> None:
    vanish(amazon, "JOB-0001")
    with pytest.raises(SellingApiUnprocessableException):
        one_job.refresh_job(ServiceJob.objects.get(service_job_id="JOB-0001"))
    assert ServiceJob.objects.get(service_job_id="JOB-0001").status == "GONE"


def test_a_slow_answer_does_not_mark_what_has_been_seen_since(
    loaded: Seller, amazon: Amazon
) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    store.mark_gone(job, at=job.fetched_at - dt.timedelta(seconds=1))
    assert ServiceJob.objects.get(pk=job.pk).gone_at is None


def test_one_job_is_read_at_once(loaded: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    amazon.control("jobs", make_job("JOB-0001", storeId="NEW-STORE"))
    fresh = one_job.refresh_job(job)
    assert fresh.store_id == "NEW-STORE"


def test_an_unchanged_job_is_seen_to_be_fresh(loaded: Seller, amazon: Amazon) -> None:
    job = ServiceJob.objects.get(service_job_id="JOB-0001")
    fresh = one_job.refresh_job(job)
    assert fresh.fetched_at > job.fetched_at
    assert fresh.changed_at == job.changed_at


def test_a_pasted_id_is_found_at_amazon(seller: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.scenario(make_job("JOB-7"))
    found = one_job.find_job(seller, "JOB-7")
    assert found is not None
    assert found.title == "TV wall mounting, 65 inch"


def test_an_id_that_amazon_does_not_know_is_amazons_refusal(seller: Seller, amazon: Amazon) -> None:
    with pytest.raises(SellingApiUnprocessableException):
        one_job.find_job(seller, "JOB-404")


@pytest.mark.parametrize("nonsense", ["", ".", "..", "\0", "a/../b", "?", "{serviceJobId}", "😀"])
def test_a_nonsense_id_is_no_job(seller: Seller, amazon: Amazon, nonsense: str) -> None:
    with contextlib.suppress(FAULTS):
        assert one_job.find_job(seller, nonsense) is None
