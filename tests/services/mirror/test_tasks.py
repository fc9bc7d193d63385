"""Who runs what: a task is claimed once, and given up when it takes too long."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from dispatch.models import Seller, SyncJob
from dispatch.services.mirror import sync, tasks
from tests.conftest import Amazon, MakeJob, run_due
from tests.services.mirror.world import (
    INCREMENTAL,
    LIST,
    due,
    task,
    world,
)

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_a_task_is_claimed_once(loaded: Seller) -> None:
    mine = tasks.claim(task(loaded).pk)
    assert mine is not None
    assert tasks.claim(mine.pk) is None
    assert sync.refresh_now(loaded) is None


def test_a_dead_workers_lease_runs_out(loaded: Seller) -> None:
    tasks.claim(task(loaded).pk)
    due(loaded)
    assert run_due() == 0
    SyncJob.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert run_due() == 1
    assert task(loaded).lease_until is None


def test_a_claimed_task_that_is_gone_is_nobodys(loaded: Seller) -> None:
    assert tasks.claim(4711) is None


def test_a_task_not_due_is_not_run(loaded: Seller) -> None:
    assert run_due() == 0


def test_a_seller_deleted_meanwhile_is_no_trouble(loaded: Seller, amazon: Amazon) -> None:
    claimed = tasks.claim(task(loaded).pk)
    assert claimed is not None
    SyncJob.objects.filter(pk=claimed.pk).delete()
    sync.run(claimed)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_run_the_same_task(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    world(amazon, make_job, 3)
    sync.start(seller)
    SyncJob.objects.filter(kind=INCREMENTAL).delete()
    amazon.faults({"operation": LIST, "kind": "latency", "seconds": 0.2})
    ran: list[int] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        ran.append(run_due())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(ran) == [0, 0, 0, 1]
    assert len(amazon.calls(LIST)) == 1


def test_a_task_another_worker_has_just_finished_is_not_run_again(
    loaded: Seller, amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(loaded)
    claim, overtaken = tasks.claim, []

    def late(task_id: int, **how: Any) -> SyncJob | None:
        if not overtaken:
            overtaken.append(task_id)
            assert run_due() == 1
        return claim(task_id, **how)

    monkeypatch.setattr(tasks, "claim", late)
    assert run_due() == 0


def test_a_worker_that_was_too_slow_leaves_the_task_to_who_took_over(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job())
    sync.start(seller)
    pk = SyncJob.objects.get(kind="first_load").pk
    slow = tasks.claim(pk)
    assert slow is not None
    taken_over = timezone.now() + dt.timedelta(minutes=1)
    SyncJob.objects.filter(pk=pk).update(lease_until=taken_over)
    sync.run(slow)
    task = SyncJob.objects.get(pk=pk)
    assert task.lease_until == taken_over
    assert task.finished_at is None
