"""Workers that die in the middle: the rows are taken up again, and every job is there once."""

from __future__ import annotations

import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import timezone

from dispatch.models import Seller, ServiceJob, SyncJob
from dispatch.services.mirror import sync
from tests.conftest import Amazon, MakeJob
from tests.fire.processes import ROOT, environment
from tests.limits import PATIENCE, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
LIST = "getServiceJobs"


class Crew:
    """Workers of the product's own command."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "workers.log"
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=ROOT,
                env=environment(),
                stdout=log,
                stderr=log,
            )
        self.processes.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait(PATIENCE)


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    made = Crew(tmp_path)
    yield made
    for worker in made.processes:
        made.kill(worker)


@pytest.fixture
def jobs(amazon: Amazon, make_job: MakeJob) -> list[str]:
    """Eight pages of jobs, each of which Amazon takes its time for: two are noted at a time."""
    created = timezone.now() - dt.timedelta(days=1)
    made = [
        make_job(f"JOB-{n:04}", createTime=(created + dt.timedelta(minutes=n)).isoformat())
        for n in range(160)
    ]
    amazon.scenario(*made)
    amazon.faults({"operation": LIST, "kind": "latency", "seconds": 0.6, "times": None})
    return [job["serviceJobId"] for job in made]


def held() -> list[str]:
    return sorted(ServiceJob.objects.values_list("service_job_id", flat=True))


def first_load() -> SyncJob:
    return SyncJob.objects.get(kind=SyncJob.Kind.FIRST_LOAD)


def let_leases_run_out() -> None:
    """As two minutes do."""
    SyncJob.objects.exclude(lease_until=None).update(
        lease_until=timezone.now() - dt.timedelta(seconds=1)
    )


def test_a_first_load_survives_its_workers(
    seller: Seller, amazon: Amazon, jobs: list[str], crew: Crew
) -> None:
    sync.start(seller)
    for pages in (2, 4, 6):
        worker = crew.start()
        wait_until(lambda pages=pages: first_load().done >= 20 * pages, f"page {pages}")
        crew.kill(worker)
        assert first_load().finished_at is None, "it was killed in the middle"
        let_leases_run_out()
    crew.start()
    wait_until(lambda: first_load().finished_at, "the end of the first load")
    assert held() == jobs
    assert first_load().done == 160
    # What was cut off is read again, and no other page: it did not begin anew.
    assert len(amazon.calls(LIST)) <= 8 + 3 * 2 + 2


def test_two_workers_share_the_work_and_never_a_task(
    seller: Seller, amazon: Amazon, jobs: list[str], crew: Crew
) -> None:
    sync.start(seller)
    SyncJob.objects.exclude(kind=SyncJob.Kind.FIRST_LOAD).delete()
    crew.start()
    crew.start()
    wait_until(lambda: first_load().finished_at, "the end of the first load")
    assert held() == jobs
    assert len(amazon.calls(LIST)) == 8


def test_a_worker_that_is_told_to_stop_ends_at_the_next_page(
    seller: Seller, amazon: Amazon, jobs: list[str], crew: Crew
) -> None:
    sync.start(seller)
    worker = crew.start()
    wait_until(lambda: first_load().done >= 20, "the first page")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    stopped = first_load()
    assert (stopped.finished_at, stopped.lease_until) == (None, None), "free for the next"
    assert stopped.done < 160
    crew.start()
    wait_until(lambda: first_load().finished_at, "the rest")
    assert held() == jobs
    assert len(amazon.calls(LIST)) <= 8 + 2
