"""A page left open asks cheaply, and is told what changed."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from dispatch.models import Action, Person, Seller, ServiceJob, SyncJob
from dispatch.services.mirror import pace, revisions, store
from tests.conftest import MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def job(seller: Seller, make_job: MakeJob) -> ServiceJob:
    store.store(seller, [make_job()], fetched_at=timezone.now() - 10 * SECOND)
    return ServiceJob.objects.get()


@pytest.fixture
def desk(client: Client, bob: Person) -> Client:
    client.force_login(bob)
    return client


def question(desk: Client, page: str) -> tuple[str, str]:
    """The address and the tag with which an open page asks."""
    html = desk.get(page).content.decode()
    found = re.search(r'data-live="([^"]+)" data-etag="([^"]+)"', html)
    assert found
    return found[1].replace("&amp;", "&"), found[2].replace("&quot;", '"')


@pytest.mark.parametrize("page", ["/jobs/", "/jobs/JOB-0001/"])
def test_nothing_changed_is_304_and_nothing_else(desk: Client, job: ServiceJob, page: str) -> None:
    url, etag = question(desk, page)
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_304_reads_the_sellers_once(desk: Client, job: ServiceJob) -> None:
    url, etag = question(desk, "/jobs/")
    desk.get(url, headers={"If-None-Match": etag})
    with CaptureQueriesContext(
        connection,
    ) as asked:
        desk.get(url, headers={"If-None-Match": etag})
    tables = [q["sql"] for q in asked.captured_queries if "django_session" not in q["sql"]]
    reads = [sql for sql in tables if '"dispatch_person"."password"' not in sql]
    assert len(reads) == 1, reads


def test_a_change_is_counted_and_offered_not_moved(
    desk: Client, seller: Seller, job: ServiceJob, make_job: MakeJob
) -> None:
    url, etag = question(desk, "/jobs/")
    changed = [make_job(serviceJobStatus="HOLD"), make_job("JOB-0002")]
    store.store(seller, changed, fetched_at=timezone.now())
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer["ETag"] != etag
    assert "2 changes — show" in answer.content.decode()


@pytest.mark.parametrize("page", ["/jobs/", "/jobs/JOB-0001/"])
def test_a_page_made_while_amazon_answers_is_told(
    desk: Client, seller: Seller, job: ServiceJob, make_job: MakeJob, page: str
) -> None:
    asked_at = timezone.now()
    url, etag = question(desk, page)
    store.store(seller, [make_job(serviceJobStatus="HOLD")], fetched_at=asked_at)
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert "show" in answer.content.decode()


def test_a_list_made_while_a_change_is_committed_is_told(
    desk: Client, seller: Seller, job: ServiceJob
) -> None:
    dated = timezone.now()
    url, etag = question(desk, "/jobs/")
    ServiceJob.objects.update(changed_at=dated)
    revisions.bump(seller)
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert "1 change — show" in answer.content.decode()


def test_a_job_that_changes_while_its_page_is_made_is_told(
    desk: Client, seller: Seller, job: ServiceJob, make_job: MakeJob, monkeypatch: Any
) -> None:
    def meanwhile(job: ServiceJob) -> list[Action]:
        store.store(seller, [make_job(serviceJobStatus="HOLD")], fetched_at=timezone.now())
        return []

    with monkeypatch.context() as patched:
        patched.setattr("dispatch.selectors.jobs.history", meanwhile)
        url, etag = question(desk, "/jobs/JOB-0001/")
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert "This job has changed — show" in answer.content.decode()


def test_only_changes_of_this_list_are_counted(
    desk: Client, seller: Seller, job: ServiceJob, make_job: MakeJob
) -> None:
    url, etag = question(desk, "/jobs/?status=CANCELLED")
    store.store(seller, [make_job("JOB-0002")], fetched_at=timezone.now())
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content.strip()) == (200, b"")


def test_the_job_page_says_that_its_job_changed(
    desk: Client, seller: Seller, job: ServiceJob, make_job: MakeJob
) -> None:
    url, etag = question(desk, "/jobs/JOB-0001/")
    store.store(seller, [make_job(serviceJobStatus="HOLD")], fetched_at=timezone.now())
    answer = desk.get(url, headers={"If-None-Match": etag})
    assert "This job has changed — show" in answer.content.decode()


def test_an_unchanged_job_leaves_the_revision(
    seller: Seller, job: ServiceJob, make_job: MakeJob
) -> None:
    before = Seller.objects.get().revision
    store.store(seller, [make_job()], fetched_at=timezone.now())
    assert Seller.objects.get().revision == before


@pytest.mark.parametrize(
    "since", ["", "nonsense", "2026-13-45T99:99", "2026-11-24", "\0", "9" * 99]
)
def test_a_nonsense_moment_is_the_beginning_of_time(
    desk: Client, job: ServiceJob, since: str
) -> None:
    answer = desk.get("/jobs/changes/", {"since": since, "view": "all"})
    assert "1 change — show" in answer.content.decode()


def test_a_stranger_is_told_nothing(client: Client, charlie: Person, job: ServiceJob) -> None:
    client.force_login(charlie)
    assert client.get("/jobs/JOB-0001/changes/").status_code == 404
    assert client.get("/jobs/changes/").content.strip() == b""


def test_an_open_page_brings_the_next_look_forward(
    desk: Client, seller: Seller, job: ServiceJob
) -> None:
    task = SyncJob.objects.create(
        seller=seller, kind="incremental", next_run_at=timezone.now() + 600 * SECOND
    )
    desk.get("/jobs/changes/")
    task.refresh_from_db()
    assert task.next_run_at <= timezone.now()
    seller.refresh_from_db()
    assert pace.until_look(seller, timezone.now()) <= pace.WATCHED_PACE


def test_a_page_that_is_closed_lets_the_pace_go(seller: Seller) -> None:
    Seller.objects.update(watched_at=timezone.now() - pace.WATCHED_FOR - SECOND)
    wait = pace.until_look(seller, timezone.now())
    assert pace.WATCHED_PACE < wait <= pace.QUIET_PACE


def test_watching_is_written_down_now_and_then_only(seller: Seller) -> None:
    revisions.watch([seller])
    seller.refresh_from_db()
    with CaptureQueriesContext(connection) as asked:
        revisions.watch([seller])
    assert not asked.captured_queries


def test_a_failing_sync_is_not_hurried(seller: Seller) -> None:
    later = timezone.now() + 600 * SECOND
    task = SyncJob.objects.create(seller=seller, kind="incremental", next_run_at=later, attempts=3)
    revisions.watch([seller])
    task.refresh_from_db()
    assert task.next_run_at == later
