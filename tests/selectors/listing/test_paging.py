"""Pages by key: complete, without doubles, in both directions, whatever the cursor says."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatch.models import UNSCHEDULED, Seller, ServiceJob
from dispatch.selectors.listing import counting
from dispatch.selectors.listing.counting import Count, count
from dispatch.selectors.listing.paging import Order, page
from dispatch.services.mirror.revisions import bump
from tests.conftest import NOW
from tests.selectors.mirror import everything

pytestmark = [pytest.mark.django_db, pytest.mark.database]
COLUMNS = ("title", "scheduled_key", "changed_at")


def fill(seller: Seller, values: list[int]) -> None:
    """One job a value; equal values make equal sort keys."""
    ServiceJob.objects.all().delete()
    moments = [NOW + dt.timedelta(hours=value) for value in values]
    ServiceJob.objects.bulk_create(
        ServiceJob(
            seller=seller,
            service_job_id=f"JOB-{number}",
            title="äÄaA b"[value] if value < 6 else "",
            scheduled_key=int(moment.timestamp()) if value else UNSCHEDULED,
            changed_at=moment,
            fetched_at=NOW,
            digest="",
        )
        for number, (value, moment) in enumerate(zip(values, moments, strict=True))
    )
    bump(seller)


def walk(order: Order, size: int, cursor: str = "", forward: bool = True) -> list[list[int]]:
    """The keys of every page from a cursor on, in the order they were turned."""
    found = []
    for _ in range(100):
        shown = page(everything(), order, cursor, size)
        found.append([row.pk for row in shown.rows])
        cursor = shown.next if forward else shown.previous
        if not cursor:
            return found
    raise AssertionError("the pages never end")


ORDERS = st.builds(Order, st.sampled_from(COLUMNS), st.booleans())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.integers(0, 6), max_size=14), order=ORDERS, size=st.integers(1, 5))
def test_every_row_is_on_exactly_one_page_in_both_directions(
    seller: Seller, values: list[int], order: Order, size: int
) -> None:
    fill(seller, values)
    sign = "-" if order.descending else ""
    ordered = ServiceJob.objects.order_by(f"{sign}{order.column}", f"{sign}pk")
    expected = list(ordered.values_list("pk", flat=True))
    forward = walk(order, size)
    assert [pk for keys in forward for pk in keys] == expected
    assert all(len(keys) == size for keys in forward[:-1])
    if len(forward) > 1:
        last = ""
        for _ in forward[:-1]:
            last = page(everything(), order, last, size).next
        backward = walk(order, size, last, forward=False)
        assert [pk for keys in reversed(backward) for pk in keys] == expected


def test_the_first_page_has_no_previous_and_the_last_no_next(seller: Seller) -> None:
    fill(seller, [1, 2, 3])
    first = page(everything(), Order("title"), "", 2)
    last = page(everything(), Order("title"), first.next, 2)
    assert (first.previous, last.next) == ("", "")
    assert first.next
    assert last.previous


def test_a_row_that_comes_in_meanwhile_moves_nothing(seller: Seller) -> None:
    fill(seller, [1, 2, 3, 4])
    order = Order("scheduled_key")
    first = page(everything(), order, "", 2)
    expected = [row.pk for row in page(everything(), order, first.next, 2).rows]
    early = ServiceJob.objects.first()
    assert early is not None
    early.pk, early.service_job_id = None, "NEW"
    early.scheduled_key = int(NOW.timestamp())
    early.save(force_insert=True)
    assert [row.pk for row in page(everything(), order, first.next, 2).rows] == expected


def cursor(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


NONSENSE = [
    "x", "😀", "====", "\0", "\ud800", "a" * 5000, "eyJ9", cursor({}), cursor([]), cursor("text"),
    cursor(7), cursor(["after"]), cursor(["beside", "title", "x", 1]),
    cursor(["after", "buyer", "x", 1]), cursor(["after", "title", "x", "1"]),
    cursor(["after", "title", "x", True]), cursor(["after", "title", "x", 2**63]),
    cursor(["after", "title", "x", -1]), cursor(["after", "title", None, 1]),
    cursor(["after", "title", "a\0b", 1]), cursor(["after", "title", "\ud800", 1]),
    cursor(["after", "title", ["x"], 1]), cursor([["after"], "title", "x", 1]),
    cursor({"after": 1, "title": 2, "x": 3, "1": 4}), cursor([[[[[]]]]] * 4),
    cursor(["after", "scheduled_key", "yesterday", 1]),
    cursor(["after", "scheduled_key", "5", 1]), cursor(["after", "scheduled_key", 0.5, 1]),
    cursor(["after", "scheduled_key", 2**63, 1]), cursor(["after", "scheduled_key", True, 1]),
    cursor(["after", "created_key", 5, 1]), cursor(["after", "created_key", "2026-11-24", 1]),
    cursor(["after", "created_key", "2026-11-24T10:00:00", 1]),
    cursor(["after", "created_key", "0001-01-01T00:00:00+14:00", 1]),
    cursor(["before", "created_key", "9999-12-31T23:59:59-12:00", 1]),
]  # fmt: skip


@pytest.mark.parametrize("nonsense", NONSENSE)
@pytest.mark.parametrize("column", ["title", "scheduled_key", "created_key"])
def test_a_cursor_of_no_sense_is_the_first_page(seller: Seller, nonsense: str, column: str) -> None:
    fill(seller, [1, 2, 3])
    shown = page(everything(), Order(column), nonsense, 2)
    assert shown.rows == page(everything(), Order(column), "", 2).rows


def test_a_cursor_of_another_order_is_the_first_page(seller: Seller) -> None:
    fill(seller, [1, 2, 3])
    by_title = page(everything(), Order("title"), "", 2).next
    assert page(everything(), Order("changed_at"), by_title, 2).previous == ""


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    text=st.text(max_size=40)
    | st.binary(max_size=40).map(lambda raw: base64.b64encode(raw).decode())
)
def test_no_cursor_breaks_a_page(seller: Seller, text: str) -> None:
    page(everything(), Order("title"), text, 2)


def test_counting_stops_at_the_bound(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(seller, [1] * 7)
    monkeypatch.setattr(counting, "COUNT_BOUND", 4)
    assert count(everything()) == Count(4, more=True)


def test_a_page_is_three_queries_however_many_jobs_it_shows(seller: Seller) -> None:
    fill(seller, [1] * 7)
    following = page(everything(), Order("title"), "", 2).next
    query = everything()
    with CaptureQueriesContext(connection) as captured:
        page(query, Order("title"), following, 2)
    assert len(captured) == 3
