"""The values a column has, without reading all its rows."""

from __future__ import annotations

import pytest

from dispatch.models import JobReference, Person, Seller, ServiceJob
from dispatch.selectors.listing.skip_scan import distinct_values
from dispatch.services.mirror import store
from tests.conftest import NOW, US, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.fixture
def stores(seller: Seller, alice: Person, make_job: MakeJob) -> list[Seller]:
    other = Seller.objects.create(owner=alice, name="Other", marketplace_id=US)
    for owner, names in ((seller, "CAAB"), (other, "DA")):
        jobs = [make_job(f"{owner.name}-{n}", storeId=name) for n, name in enumerate(names)]
        store.store(owner, jobs, fetched_at=NOW)
    return [seller, other]


def test_each_value_is_given_once_and_in_order(stores: list[Seller]) -> None:
    keys = [seller.pk for seller in stores]
    assert distinct_values(ServiceJob, "store_id", keys) == ["A", "B", "C", "D"]
    assert distinct_values(ServiceJob, "store_id", keys[:1]) == ["A", "B", "C"]
    assert distinct_values(ServiceJob, "store_id", keys[1:]) == ["A", "D"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_first_ones_of_all_sellers_are_given(stores: list[Seller], limit: int) -> None:
    keys = [seller.pk for seller in stores]
    assert distinct_values(ServiceJob, "store_id", keys, limit=limit) == ["A", "B", "C"][:limit]


def test_without_sellers_or_jobs_there_is_none(seller: Seller) -> None:
    assert distinct_values(ServiceJob, "store_id", []) == []
    assert distinct_values(ServiceJob, "store_id", [seller.pk]) == []


def test_other_columns_are_fixed(stores: list[Seller]) -> None:
    keys = [seller.pk for seller in stores]
    skills = distinct_values(JobReference, "value", keys, kind=JobReference.Kind.SKILL)
    assert skills == ["TV_MOUNTING"]
    assert distinct_values(JobReference, "value", keys, kind="tracking") == []
