"""The queue only rings; the rows decide. On SQLite's file, on Redis and on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from django.db import connection
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.mirror import queue, sync, tasks
from tests.conftest import REDIS, Amazon, MakeJob, PutQueue

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
TABLES = ("kv", "schedule", "task", "counter")


def reached(kind: str) -> bool:
    try:
        if kind == "redis":
            redis.Redis.from_url(REDIS).ping()
        elif kind == "postgres":
            psycopg.connect(POSTGRES, connect_timeout=3).close()
    except (redis.RedisError, psycopg.Error):
        return False
    return True


@pytest.fixture(params=["sqlite", "redis", "postgres"])
def bells(request: pytest.FixtureRequest, tmp_path: Path, put_queue: PutQueue) -> str:
    """Empty queues of the kind, with names of their own."""
    kind: str = request.param
    if not reached(kind):
        assert "CI" not in os.environ, f"{kind} is not there"
        pytest.skip(f"{kind} is not there")
    places = {"sqlite": str(tmp_path / "queue.sqlite3"), "redis": REDIS, "postgres": POSTGRES}
    put_queue(kind, places[kind])
    return kind


def waiting(bell: queue.Bell) -> list[int]:
    """The rows that are rung for."""
    return [task.args[0] for task in bell.huey.pending()]


def task(seller: Seller, kind: str = "incremental", **more: Any) -> SyncJob:
    return SyncJob.objects.create(seller=seller, kind=kind, **more)


def test_what_is_due_is_rung_for_once(seller: Seller, bells: str) -> None:
    due = task(seller)
    task(seller, "first_load", next_run_at=timezone.now() + dt.timedelta(minutes=1))
    assert queue.tick() == 1
    assert queue.tick() == 0, "it has been rung for"
    assert waiting(queue.changes()) == [due.pk]
    assert waiting(queue.long_work()) == []


def test_long_work_waits_elsewhere(seller: Seller, bells: str) -> None:
    quick, load = task(seller), task(seller, "first_load")
    night = task(seller, "sweep")
    assert queue.tick() == 3
    assert waiting(queue.changes()) == [quick.pk]
    assert sorted(waiting(queue.long_work())) == [load.pk, night.pk]


def test_a_ring_that_nobody_hears_is_rung_again(seller: Seller, bells: str) -> None:
    due = task(seller)
    queue.tick()
    queue.changes().huey.flush()
    SyncJob.objects.update(rung_at=timezone.now() - queue.RING_AGAIN)
    assert queue.tick() == 1
    assert waiting(queue.changes()) == [due.pk]


def test_nothing_is_rung_for_that_somebody_is_at(seller: Seller, bells: str) -> None:
    tasks.claim(task(seller).pk)
    assert queue.tick() == 0


def test_a_full_queue_takes_no_more_and_forgets_nothing(
    seller: Seller, bells: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "ROOM", 1)
    other = Seller.objects.create(
        owner=seller.owner, name="Other", marketplace_id=seller.marketplace_id
    )
    first = task(seller, next_run_at=timezone.now() - dt.timedelta(minutes=2))
    second = task(other, next_run_at=timezone.now() - dt.timedelta(minutes=1))
    assert queue.tick() == 1
    assert waiting(queue.changes()) == [first.pk], "the longest waiting first"
    queue.changes().huey.flush()
    assert queue.tick() == 1
    assert waiting(queue.changes()) == [second.pk]


def test_many_processes_may_tick(seller: Seller, bells: str) -> None:
    for number in range(20):
        other = Seller.objects.create(
            owner=seller.owner, name=str(number), marketplace_id=seller.marketplace_id
        )
        task(other)
    rung: list[int] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        rung.append(queue.tick())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(rung) == 20
    assert len(waiting(queue.changes())) == len(set(waiting(queue.changes()))) == 20


def test_an_answer_does_the_task_and_a_second_ring_does_nothing(
    seller: Seller, amazon: Amazon, make_job: MakeJob, bells: str
) -> None:
    amazon.scenario(make_job())
    Seller.objects.update(synced_at=timezone.now())
    due = task(seller)
    queue.answer(due.pk)
    due.refresh_from_db()
    assert due.last_success_at is not None
    queue.answer(due.pk)
    assert len(amazon.calls("getServiceJobs")) == 1


def test_a_ring_for_a_row_that_is_gone_is_no_trouble(db: None, bells: str) -> None:
    queue.ring(4711)
    queue.answer(4711)


def test_workers_do_what_is_rung_for(
    seller: Seller, amazon: Amazon, make_job: MakeJob, bells: str
) -> None:
    amazon.scenario(make_job("JOB-0001"), make_job("JOB-0002"))
    sync.start(seller)
    staffs = [queue.changes().staff(2), queue.long_work().staff(1)]
    for staff in staffs:
        for _, thread in staff.worker_threads:
            thread.start()
        staff.scheduler.start()
    try:
        deadline = time.monotonic() + 15
        while ServiceJob.objects.count() < 2 and time.monotonic() < deadline:
            queue.tick()
            time.sleep(0.1)
    finally:
        for staff in staffs:
            staff.stop(graceful=True)
    assert ServiceJob.objects.count() == 2


def test_the_file_of_the_queue_is_its_owners(settings: Any, tmp_path: Path) -> None:
    path = tmp_path / "below" / "queue.sqlite3"
    settings.QUEUE = ("sqlite", str(path))
    queue.Bell("dispatch-test", queue.answer).answer(1)
    for one in path.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600, one


def test_a_message_that_somebody_else_wrote_is_not_opened(
    seller: Seller, settings: Any, tmp_path: Path
) -> None:
    settings.QUEUE = ("sqlite", str(tmp_path / "queue.sqlite3"))
    settings.SECRET_KEY = "another installation's secret, long enough"
    queue.Bell("dispatch-test", queue.answer).answer(task(seller).pk)
    settings.SECRET_KEY = "this installation's secret, long enough too"
    with pytest.raises(ValueError, match="mismatch"):
        queue.Bell("dispatch-test", queue.answer).huey.dequeue()
