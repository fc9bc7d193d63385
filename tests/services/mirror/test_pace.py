"""How soon Amazon is asked again: by the seller's day, and after failures."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from dispatch.models import Seller
from dispatch.services.mirror import pace, sync
from tests.conftest import Amazon
from tests.services.mirror.world import (
    LIST,
    task,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-11-24T13:00:00Z", dt.timedelta(minutes=1)),  # 7:00 in Chicago
        ("2026-11-25T01:59:00Z", dt.timedelta(minutes=1)),  # 19:59
        ("2026-11-25T02:00:00Z", dt.timedelta(minutes=10)),  # 20:00
        ("2026-11-24T12:59:00Z", dt.timedelta(minutes=10)),  # 6:59
    ],
)
def test_the_pace_is_that_of_the_sellers_day(
    seller: Seller, moment: str, expected: dt.timedelta
) -> None:
    paces = [pace.until_look(seller, dt.datetime.fromisoformat(moment)) for _ in range(50)]
    assert expected * 0.8 <= min(paces) < max(paces) <= expected, "spread, but never slower"


def test_failures_back_off_and_success_returns_to_the_pace(
    loaded: Seller, amazon: Amazon, impatient: None
) -> None:
    amazon.faults({"operation": LIST, "kind": "status", "status": 500, "times": 7})
    waits = []
    for _ in range(7):
        refreshed = sync.refresh_now(loaded)
        assert refreshed is not None
        waits.append(round((refreshed.next_run_at - timezone.now()).total_seconds()))
    assert waits == [30, 60, 120, 240, 480, 600, 600]
    sync.refresh_now(loaded)
    assert task(loaded).next_run_at - timezone.now() <= pace.QUIET_PACE
    assert task(loaded).attempts == 0
