"""What the database does for a list: seeks into indexes, whatever is asked and however it sorts."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatch.models import Person, Seller, Technician
from dispatch.services.mirror import store
from dispatch.web.jobs.job_list import SORTS
from tests.conftest import NOW, MakeJob

pytestmark = [pytest.mark.django_db, pytest.mark.database]
BIG = ("dispatch_servicejob", "dispatch_jobreference", "dispatch_jobword")
FILTERS = (
    "", "view=all", "view=today", "view=week", "view=late", "view=unscheduled", "view=done",
    "view=all&status=HOLD", "view=all&skill=TV_MOUNTING", "view=all&store=OH-COL-04",
    "view=all&marketplace=ATVPDKIKX0DER", "view=all&technician={technician}",
    "view=all&scheduled_from=2026-11-20&scheduled_to=2026-11-28",
    "view=all&created_from=2026-11-20", "view=all&updated_from=2026-11-20",
    "view=all&order=112-4471932-5510622", "view=all&product_order=701-1",
    "view=all&tracking=1ZTV", "view=all&asin=B07BB1RGT5", "view=all&q=jordan",
    "view=all&q=jordan+dublin", "view=all&q=JOB-00", "view=all&q=(614)+555-0142",
    "view=open&q=jordan&skill=TV_MOUNTING",
)  # fmt: skip


@pytest.fixture
def desk(client: Client, bob: Person, seller: Seller, make_job: MakeJob) -> Client:
    """Bob's list of 300 jobs, so that there are pages to turn."""
    store.store(seller, [_job(make_job, number) for number in range(300)], fetched_at=NOW)
    client.force_login(bob)
    return client


def _job(make_job: MakeJob, number: int) -> Any:
    start = NOW + dt.timedelta(hours=number - 150)
    time = {"startTime": start.isoformat(), "durationInMinutes": 60}
    return make_job(
        f"JOB-{number:04}",
        serviceJobStatus=("NOT_SERVICED", "COMPLETED", "HOLD")[number % 3],
        appointments=[
            {
                "appointmentId": "A",
                "appointmentStatus": "ACTIVE",
                "appointmentTime": time,
                "assignedTechnicians": [{"technicianId": "TECH-TOM", "name": "Tom"}],
            }
        ],
    )


def plans(client: Client, url: str) -> list[tuple[str, str]]:
    """Each query about jobs that a page asks, with the database's plan for it."""
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    found = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # A small table is rightly read whole: would it be so with a large one too?
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        for query in asked.captured_queries:
            if any(f'FROM "{table}"' in query["sql"] or f"FROM {table} " in query["sql"]
                   for table in BIG):  # fmt: skip
                cursor.execute(f"{explain} {query['sql']}")
                lines = (str(line[-1]) for line in cursor.fetchall())
                found.append((query["sql"], "\n".join(lines)))
    return found


def scans(plan: str) -> list[str]:
    """Steps that read a whole table or a whole index."""
    if connection.vendor == "sqlite":
        return re.findall(r"^SCAN (?:dispatch_\w+|[tU]\d*)\b.*$", plan, re.MULTILINE)
    whole = re.findall(r"Seq Scan on dispatch_(?:servicejob|jobreference|jobword).*", plan)
    for step in re.split(r"->", plan):
        if "Index" in step and "Cond" not in step and any(name in step for name in BIG):
            whole.append(step)
    return whole


@pytest.mark.parametrize("query", FILTERS)
def test_no_filter_reads_a_whole_table_or_index(desk: Client, query: str) -> None:
    technician = Technician.objects.get(name="Tom").pk
    found = plans(desk, f"/jobs/?{query.format(technician=technician)}")
    assert found
    assert [(sql, scans(plan)) for sql, plan in found if scans(plan)] == []


@pytest.mark.parametrize("sort", [sign + name for name in SORTS for sign in ("", "-")])
@pytest.mark.parametrize("view", ["open", "all", "week"])
def test_no_sort_does(desk: Client, view: str, sort: str) -> None:
    response = desk.get(f"/jobs/?view={view}&sort={sort}")
    for url in {f"/jobs/?view={view}&sort={sort}", response.context["next_url"]} - {""}:
        found = plans(desk, url)
        assert [(sql, scans(plan)) for sql, plan in found if scans(plan)] == []


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("view", ["open", "all", "done"])
def test_a_page_is_read_in_the_order_of_its_index(desk: Client, view: str, sort: str) -> None:
    first = desk.get(f"/jobs/?view={view}&sort={sort}")
    for url in {f"/jobs/?view={view}&sort={sort}", first.context["next_url"]} - {""}:
        [(_, plan)] = [(sql, plan) for sql, plan in plans(desk, url) if _is_page(sql)]
        assert _reads_no_row(plan), plan
        parts = plan.split("CO-ROUTINE")[1:]
        assert not any("TEMP B-TREE" in part.split("SCAN")[0] for part in parts), plan


def _reads_no_row(plan: str) -> bool:
    """Whether indexes hold all that is asked. How PostgreSQL reads three hundred jobs tells
    nothing about a million: for it, no scan must do.
    """
    if connection.vendor != "sqlite":
        return not scans(plan)
    reads = [line for line in plan.splitlines() if "dispatch_" in line]
    return bool(reads) and all("COVERING INDEX" in line for line in reads)


def _is_page(sql: str) -> bool:
    return sql.startswith("SELECT * FROM") and "LIMIT 51" in sql


def test_quick_views_are_counted_without_reading_a_row(desk: Client) -> None:
    [(_, plan)] = [(sql, plan) for sql, plan in plans(desk, "/jobs/") if sql.count("COUNT(*)") > 5]
    assert _reads_no_row(plan), plan


def test_a_word_leads_to_its_jobs_in_order(desk: Client) -> None:
    [(_, plan)] = [
        (sql, plan) for sql, plan in plans(desk, "/jobs/?view=all&q=jordan") if _is_page(sql)
    ]
    assert "dispatch_jobword" in plan
    assert _reads_no_row(plan), plan


@pytest.mark.parametrize("asked", ["q=jordan+dublin", "skill=TV_MOUNTING&store=OH-COL-04"])
def test_nothing_is_looked_up_all_over_the_table(desk: Client, asked: str) -> None:
    """Conditions are, side by side, in indexes in the order of the list."""
    found = plans(desk, f"/jobs/?view=all&{asked}")
    [plan] = [plan for sql, plan in found if _is_page(sql)]
    assert "autoindex" not in plan and "_pkey" not in plan, plan
    assert "PRIMARY KEY" not in plan, plan


@pytest.mark.parametrize(
    ("asked", "column"), [("created", "created_key"), ("updated", "changed_at")]
)
def test_the_few_jobs_of_a_span_are_sorted_where_they_lie(
    desk: Client, asked: str, column: str
) -> None:
    """In the index of the span itself: neither in the table nor by going through another index.

    Of three hundred jobs PostgreSQL may read another; of a million it does not.
    """
    found = plans(desk, f"/jobs/?view=all&{asked}_from=2026-11-20")
    [plan] = [plan for sql, plan in found if _is_page(sql)]
    assert connection.vendor != "sqlite" or f"{column}>?" in plan, plan
    assert _reads_no_row(plan), plan
