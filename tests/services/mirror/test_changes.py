"""The look for changes: only what has changed, with an overlap."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from dispatch.models import Seller, ServiceJob
from dispatch.services.mirror import changes, sync
from tests.conftest import Amazon, MakeJob
from tests.services.mirror.world import (
    LIST,
    held,
    task,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_only_what_has_changed_is_asked_for_with_an_overlap(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.control("jobs", make_job("JOB-0001", storeId="NEW-STORE"))
    amazon.control("jobs", make_job("JOB-9999"))
    refreshed = sync.refresh_now(loaded)
    assert refreshed is not None
    assert refreshed.last_error == ""
    assert "JOB-9999" in held()
    assert ServiceJob.objects.get(service_job_id="JOB-0001").store_id == "NEW-STORE"


def test_each_look_reaches_back_behind_the_last(loaded: Seller, amazon: Amazon) -> None:
    before = loaded.synced_at
    sync.refresh_now(loaded)
    loaded.refresh_from_db()
    assert before is not None
    assert loaded.synced_at is not None
    assert loaded.synced_at > before
    assert timezone.now() - loaded.synced_at < changes.OVERLAP


def test_a_job_changed_just_before_the_last_look_is_not_missed(
    loaded: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.control("jobs", make_job("JOB-9999"))
    Seller.objects.update(synced_at=timezone.now() + dt.timedelta(seconds=60))
    sync.refresh_now(Seller.objects.get())
    assert "JOB-9999" in held()


def test_many_changes_come_page_by_page(loaded: Seller, amazon: Amazon, make_job: MakeJob) -> None:
    amazon.control("jobs", [make_job(f"NEW-{n:04}") for n in range(45)])
    sync.refresh_now(loaded)
    assert len(held()) == 48


def test_changes_wait_for_the_first_load(seller: Seller, amazon: Amazon) -> None:
    sync.refresh_now(seller)
    assert amazon.calls(LIST) == []
    assert task(seller).next_run_at < timezone.now() + dt.timedelta(seconds=5)
