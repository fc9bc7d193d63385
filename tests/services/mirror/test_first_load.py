"""The first load: everything once, going on where it stopped."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from dispatch.models import Seller, SyncJob
from dispatch.services.mirror import first_load, sync, tasks
from tests.conftest import Amazon, MakeJob, run_due
from tests.services.mirror.world import (
    FIRST,
    LIST,
    after_one_page,
    held,
    task,
    world,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_first_load_brings_every_page_and_says_how_far_it_is(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    ids = world(amazon, make_job, 45)
    sync.start(seller)
    assert run_due() == 2
    assert held() == ids
    loaded = task(seller, FIRST)
    assert (loaded.done, loaded.total, loaded.page_token) == (45, 45, "")
    assert loaded.finished_at is not None
    seller.refresh_from_db()
    assert seller.synced_at is not None


def test_a_seller_without_jobs_is_loaded_too(seller: Seller, amazon: Amazon) -> None:
    sync.start(seller)
    run_due()
    assert task(seller, FIRST).finished_at is not None


def test_jobs_from_before_the_chosen_day_stay_away(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 3)
    Seller.objects.update(sync_since=timezone.now())
    sync.start(Seller.objects.get())
    sync.run(task(seller, FIRST))
    assert held() == []


def test_an_interrupted_first_load_goes_on_where_it_stopped(
    seller: Seller, amazon: Amazon, make_job: MakeJob, impatient: None
) -> None:
    ids = world(amazon, make_job, 45)
    amazon.faults(*after_one_page(kind="status", status=500))
    sync.start(seller)
    sync.run(task(seller, FIRST))
    stopped = task(seller, FIRST)
    assert (stopped.done, stopped.total, stopped.finished_at) == (20, 45, None)
    assert stopped.page_token
    assert "fault of its own" in stopped.last_error
    sync.run(stopped)
    assert held() == ids
    assert task(seller, FIRST).done == 45
    assert [call["status"] for call in amazon.calls(LIST)] == [200, 500, 200, 200]


def test_a_page_token_that_is_no_longer_taken_starts_over(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    ids = world(amazon, make_job, 25)
    sync.start(seller)
    SyncJob.objects.filter(kind=FIRST).update(page_token="long ago", done=20, total=25)
    sync.run(task(seller, FIRST))
    assert held() == ids
    assert (task(seller, FIRST).done, task(seller, FIRST).last_error) == (25, "")


def test_starting_again_loads_from_scratch(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 2)
    sync.start(seller)
    run_due()
    sync.start(seller)
    assert (task(seller, FIRST).done, task(seller, FIRST).finished_at) == (0, None)
    assert SyncJob.objects.count() == len(SyncJob.Kind)
    run_due()
    assert task(seller, FIRST).done == 2


def test_a_finished_first_load_is_not_due_again(seller: Seller, amazon: Amazon) -> None:
    sync.start(seller)
    run_due()
    assert task(seller, FIRST).next_run_at > timezone.now() + dt.timedelta(days=365)


def test_a_process_that_ends_leaves_a_first_load_where_it_is(
    seller: Seller, amazon: Amazon, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_load, "PAGES_AT_ONCE", 1)
    ids = world(amazon, make_job, 45)
    sync.start(seller)
    tasks.stopping.set()
    try:
        claimed = tasks.claim(task(seller, FIRST).pk)
        assert claimed is not None
        sync.run(claimed)
    finally:
        tasks.stopping.clear()
    stopped = task(seller, FIRST)
    assert (stopped.done, stopped.lease_until, stopped.finished_at) == (20, None, None)
    assert stopped.next_run_at <= timezone.now()
    sync.run(stopped)
    assert held() == ids
    assert len(amazon.calls(LIST)) == 3
