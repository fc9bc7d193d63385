"""A search is few queries, however much is typed and found."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.models import Seller
from dispatch.selectors.listing.paging import Order, page
from dispatch.selectors.search import search
from tests.conftest import US, MakeJob
from tests.selectors.mirror import everything, put

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.mark.parametrize("count", [10, 50])
def test_a_search_costs_the_same_queries_however_many_are_found(
    seller: Seller, make_job: MakeJob, count: int, django_assert_max_num_queries: Any
) -> None:
    put(seller, *(make_job(f"JOB-{number}") for number in range(count)))
    with django_assert_max_num_queries(10):
        query = search(everything(), "jordan dublin")
        assert len(page(query, Order("scheduled_key"), "", 100).rows) == count


def test_a_search_of_very_many_words_is_as_few_queries(
    seller: Seller, make_job: MakeJob, django_assert_max_num_queries: Any
) -> None:
    put(seller, make_job(marketplaceId=US))
    with django_assert_max_num_queries(8):
        query = search(everything(), " ".join(f"w{number}.b" for number in range(40)))
        assert page(query, Order("scheduled_key"), "", 50).rows == []
