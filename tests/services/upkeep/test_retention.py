"""What must not be kept is gone in time, is not fetched again, and its going is on record."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from dispatch.models import Action, Activity, Erasure, JobWord, Person, Seller, ServiceJob, SyncJob
from dispatch.models.retention import KEEP_JOBS_FOR
from dispatch.selectors import sellers as sellers_read
from dispatch.selectors.access import job_query_for
from dispatch.selectors.search import search
from dispatch.services import sellers
from dispatch.services.mirror import one_job, sync
from dispatch.services.mirror import store as mirror
from dispatch.services.upkeep import retention
from tests.conftest import Amazon, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
DAY = dt.timedelta(days=1)
NOW = dt.datetime(2026, 11, 24, 15, 0, tzinfo=dt.UTC)


def visit(end: dt.datetime, status: str = "COMPLETED") -> dict[str, Any]:
    start = (end - dt.timedelta(hours=1)).isoformat()
    return {
        "appointmentId": "APPT-1",
        "appointmentStatus": status,
        "appointmentTime": {"startTime": start, "durationInMinutes": 60},
    }


def done(make_job: MakeJob, job_id: str, end: dt.datetime, **more: Any) -> dict[str, Any]:
    parts = {"serviceJobStatus": "COMPLETED", "appointments": [visit(end)], **more}
    return make_job(job_id, **parts)


def store(seller: Seller, *payloads: dict[str, Any], at: dt.datetime = NOW) -> list[str]:
    return mirror.store(seller, payloads, fetched_at=at)


def job(job_id: str = "JOB-0001") -> ServiceJob:
    return ServiceJob.objects.get(service_job_id=job_id)


def found(seller: Seller, text: str) -> int:
    return search(job_query_for(seller.owner), text).unordered().count()


# --- When a job is closed ---------------------------------------------------------------------


@pytest.mark.parametrize("status", ["PENDING_SCHEDULE", "NOT_SERVICED", "HOLD", ""])
def test_an_open_job_has_no_end(seller: Seller, make_job: MakeJob, status: str) -> None:
    store(seller, make_job(serviceJobStatus=status, appointments=[visit(NOW - 90 * DAY)]))
    assert job().closed_at is None


def test_a_completed_job_ended_with_its_visit(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW - 5 * DAY))
    assert job().closed_at == NOW - 5 * DAY


@pytest.mark.parametrize("status", ["CANCELLED", "NOT_FULFILLABLE", "PAYMENT_DECLINED"])
def test_a_job_called_off_ended_when_we_heard_of_it(
    seller: Seller, make_job: MakeJob, status: str
) -> None:
    store(seller, make_job(serviceJobStatus=status, appointments=[visit(NOW + 9 * DAY)]))
    assert job().closed_at == NOW
    store(seller, make_job(serviceJobStatus=status, storeId="ELSEWHERE"), at=NOW + DAY)
    assert job().store_id == "ELSEWHERE"
    assert job().closed_at == NOW, "later changes do not keep the buyer longer"


def test_a_job_opened_again_has_no_end(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job(serviceJobStatus="CANCELLED"))
    store(seller, make_job(serviceJobStatus="HOLD"), at=NOW + DAY)
    assert job().closed_at is None


def test_a_job_that_is_gone_from_amazon_is_closed(seller: Seller, make_job: MakeJob) -> None:
    store(seller, make_job())
    mirror.mark_gone(job(), at=NOW + DAY)
    assert job().closed_at == NOW + DAY


# --- Buyers -----------------------------------------------------------------------------------


def test_the_buyer_goes_thirty_days_after_the_job(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    store(seller, done(make_job, "JOB-0002", NOW + DAY), at=NOW + DAY)
    assert not retention.run(NOW + 30 * DAY - dt.timedelta(seconds=1))["buyers"]
    assert retention.run(NOW + 30 * DAY)["buyers"] == 1
    erased = job()
    assert (erased.buyer, erased.city, erased.erased_at) == ("", "", NOW + 30 * DAY)
    assert "buyer" not in erased.payload
    assert erased.payload["serviceLocation"]["address"].keys() <= {"stateOrRegion", "countryCode"}
    assert job("JOB-0002").buyer_data["name"] == "Jordan Example"


def test_nothing_leads_to_an_erased_buyer(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    for text in ("jordan", "sample street", "555 0142"):
        assert found(seller, text) == 1
    retention.run(NOW + 30 * DAY)
    for text in ("jordan", "sample street", "555 0142"):
        assert found(seller, text) == 0
    assert found(seller, "mounting") == 1, "the job itself is still found"
    assert found(seller, "JOB-0001") == 1


def test_what_stays_of_a_job_is_as_it_was(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    before = ServiceJob.objects.values().get()
    retention.run(NOW + 30 * DAY)
    after = ServiceJob.objects.values().get()
    changed = {name for name, value in after.items() if value != before[name]}
    assert changed == {"buyer", "payload", "city", "erased_at"}


def test_an_erased_buyer_does_not_come_back(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    retention.run(NOW + 30 * DAY)
    assert store(seller, done(make_job, "JOB-0001", NOW), at=NOW + 31 * DAY) == []
    changed = done(make_job, "JOB-0001", NOW, storeId="ELSEWHERE")
    assert store(seller, changed, at=NOW + 32 * DAY) == ["JOB-0001"]
    assert job().store_id == "ELSEWHERE"
    assert (job().buyer, job().city) == ("", "")
    assert found(seller, "jordan") == 0


def test_a_first_load_does_not_bring_buyers_of_long_ago(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW - 31 * DAY))
    assert (job().buyer, job().erased_at) == ("", NOW)
    assert found(seller, "jordan") == 0


def test_a_buyer_whose_job_is_opened_again_is_there_again(
    seller: Seller, make_job: MakeJob
) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    retention.run(NOW + 30 * DAY)
    store(seller, make_job(), at=NOW + 31 * DAY)
    assert job().buyer_data["name"] == "Jordan Example"
    assert job().erased_at is None


def test_no_byte_of_an_erased_buyer_is_left(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    words = set(JobWord.objects.values_list("word_hash", flat=True))
    retention.run(NOW + 30 * DAY)
    left = set(JobWord.objects.values_list("word_hash", flat=True))
    assert left < words
    assert len(words - left) >= len({"jordan", "example", "120", "sample", "street"})


def test_an_erasure_is_on_record(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW), done(make_job, "JOB-0002", NOW - DAY))
    retention.run(NOW + 40 * DAY)
    kept = Erasure.objects.get()
    assert (kept.kind, kept.at, kept.due_since) == ("buyers", NOW + 40 * DAY, NOW - DAY)
    assert kept.counts == {"jobs": 2}
    retention.run(NOW + 40 * DAY)
    assert Erasure.objects.count() == 1, "nothing done, nothing recorded"
    logged = Activity.objects.get(kind="erased")
    assert logged.detail == {"why": "buyers", "jobs": 2}


def test_many_batches_leave_nobody_out(
    seller: Seller, make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    store(seller, *(done(make_job, f"JOB-{number:04}", NOW) for number in range(10)))
    assert retention.due(NOW + 30 * DAY)["buyers"] == 10
    assert retention.run(NOW + 30 * DAY)["buyers"] == 10
    assert retention.due(NOW + 30 * DAY)["buyers"] == 0


# --- Jobs and sellers -------------------------------------------------------------------------


def test_a_job_goes_after_eighteen_months(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW), make_job("JOB-0002"))
    Action.objects.create(key=seller.pk, seller=seller, job=job(), kind="complete")
    later = NOW + KEEP_JOBS_FOR
    assert retention.run(later)["jobs"] == 1
    assert [one.service_job_id for one in ServiceJob.objects.all()] == ["JOB-0002"]
    assert not Action.objects.exists()
    record = Erasure.objects.get(kind="jobs")
    assert record.counts["jobs"] == 1
    assert record.counts["actions"] == 1


@pytest.fixture
def gone(seller: Seller, make_job: MakeJob) -> Seller:
    store(seller, make_job("JOB-0001"), make_job("JOB-0002"))
    Action.objects.create(key=seller.pk, seller=seller, job=job(), kind="complete")
    SyncJob.objects.create(seller=seller, kind="incremental")
    sellers.disconnect(seller=seller)
    return Seller.objects.get(pk=seller.pk)


def tables_with(seller: Seller) -> list[str]:
    """Tables that still have a row of the seller's."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            names = [c.name for c in connection.introspection.get_table_description(cursor, table)]
            if "seller_id" in names:
                cursor.execute(
                    f'SELECT COUNT(*) FROM "{table}" WHERE seller_id = %s',
                    [seller.pk if connection.vendor == "postgresql" else seller.pk.hex],
                )
                found += [table] if cursor.fetchone()[0] else []
    return sorted(found)


def test_a_disconnected_sellers_data_goes_after_thirty_days(gone: Seller) -> None:
    ended = gone.disconnected_at
    assert ended is not None
    assert not retention.run(ended + 29 * DAY)["sellers"]
    assert ServiceJob.objects.count() == 2
    assert retention.run(ended + 30 * DAY)["sellers"] == 1
    kept = ["dispatch_activity", "dispatch_erasure", "dispatch_membership"]
    assert tables_with(gone) == kept, "people, and the record of what was done"
    assert Seller.objects.get().erased_at == ended + 30 * DAY


def test_the_certificate_says_what_is_gone(gone: Seller) -> None:
    assert gone.disconnected_at is not None
    retention.run(gone.disconnected_at + 30 * DAY)
    (certificate,) = sellers_read.certificates(gone)
    assert certificate.seller_name == "Northlight US"
    assert certificate.due_since == gone.disconnected_at
    assert certificate.counts["jobs"] == 2
    assert certificate.counts["actions"] == 1
    assert certificate.counts["job words"] > 10


def test_the_owner_sees_when_and_what_was_erased(gone: Seller, client: Client) -> None:
    client.force_login(gone.owner)
    page = f"/sellers/{gone.pk}/"
    assert gone.disconnected_at is not None
    over = gone.disconnected_at + 30 * DAY
    assert f"{over.day} {over:%b %Y}" in client.get(page).content.decode()
    retention.run(over)
    shown = client.get(page).content.decode()
    assert "Certificate of erasure" in shown
    assert "Job words" in shown


def test_the_page_of_a_job_says_that_its_buyer_is_erased(
    seller: Seller, make_job: MakeJob, client: Client
) -> None:
    store(seller, done(make_job, "JOB-0001", NOW))
    client.force_login(seller.owner)
    assert "Jordan Example" in client.get("/jobs/JOB-0001/").content.decode()
    retention.run(NOW + 30 * DAY)
    shown = client.get("/jobs/JOB-0001/").content.decode()
    assert "Jordan Example" not in shown
    assert "The buyer was erased on 24 Dec 2026" in shown
    assert "getServiceJobs" in shown


def test_a_connected_seller_cannot_be_wiped(seller: Seller) -> None:
    with pytest.raises(ValueError, match="connected"):
        retention.wipe(seller, NOW)


def test_a_seller_that_is_connected_again_keeps_everything(gone: Seller, amazon: Amazon) -> None:
    gone.client_id = "amzn1.application-oa2-client.sandbox"
    gone.client_secret, gone.refresh_token = "sandbox-secret", "Atzr|sandbox"
    gone.state = Seller.State.NEW
    gone.save()
    assert sellers.check_connection(seller=gone).ok
    retention.run(timezone.now() + 60 * DAY)
    assert ServiceJob.objects.count() == 2


def test_another_seller_is_left_alone(gone: Seller, alice: Person, make_job: MakeJob) -> None:
    other = Seller.objects.create(owner=alice, name="B", marketplace_id="A1PA6795UKMFR9")
    store(other, make_job("OTHERS"))
    retention.run(timezone.now() + 60 * DAY)
    assert [one.service_job_id for one in ServiceJob.objects.all()] == ["OTHERS"]


# --- The command ------------------------------------------------------------------------------


def test_a_dry_run_says_and_does_nothing(seller: Seller, make_job: MakeJob) -> None:
    store(seller, done(make_job, "JOB-0001", NOW), at=NOW)
    ServiceJob.objects.update(closed_at=timezone.now() - 31 * DAY)
    out = StringIO()
    call_command("erase", "--dry-run", stdout=out)
    assert "Would erase: 1 buyers of closed jobs." in out.getvalue()
    assert job().buyer_data["name"] == "Jordan Example"
    call_command("erase", stdout=out)
    assert "Erased: 1 buyers of closed jobs." in out.getvalue()
    assert job().buyer == ""


def test_each_job_says_where_it_came_from(
    seller: Seller, amazon: Amazon, make_job: MakeJob
) -> None:
    amazon.scenario(make_job("JOB-0001"), make_job("JOB-0002"))
    one_job.find_job(seller, "JOB-0001")
    Seller.objects.update(synced_at=timezone.now())
    sync.refresh_now(Seller.objects.get())
    assert job("JOB-0001").origin == "getServiceJobByServiceJobId"
    assert job("JOB-0002").origin == "getServiceJobs"
    assert job("JOB-0001").fetched_at <= timezone.now()
