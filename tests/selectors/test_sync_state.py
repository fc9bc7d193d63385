"""How far the mirror is behind Amazon."""

from __future__ import annotations

import datetime as dt

import pytest

from dispatch.models import Seller, SyncJob
from dispatch.selectors.sync_state import first_loads, is_stale
from tests.conftest import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_first_load_is_shown_while_it_runs(seller: Seller) -> None:
    task = SyncJob.objects.create(seller=seller, kind="first_load", done=20, total=45)
    assert first_loads([seller]) == [task]
    Seller.objects.update(state="disconnected")
    assert first_loads([seller]) == []


def test_a_mirror_older_than_the_pace_is_stale(seller: Seller) -> None:
    assert is_stale(seller, NOW)
    seller.synced_at = NOW - dt.timedelta(minutes=2)
    assert not is_stale(seller, NOW)
    assert is_stale(seller, NOW + dt.timedelta(minutes=2))


def test_an_old_mirror_whose_next_look_is_not_due_is_not_stale(seller: Seller) -> None:
    seller.synced_at = NOW - dt.timedelta(minutes=9)
    task = SyncJob.objects.create(seller=seller, kind="incremental", next_run_at=NOW)
    assert not is_stale(seller, NOW)
    assert is_stale(seller, NOW + dt.timedelta(minutes=2)), "nobody does what is due"
    SyncJob.objects.filter(pk=task.pk).update(attempts=1)
    assert is_stale(seller, NOW), "the last look failed"
