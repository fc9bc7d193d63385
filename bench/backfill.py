"""The first load of a seller's jobs: from a sandbox process over HTTP through the client into the
mirror, by the same task that a worker runs.

    python bench/backfill.py [--jobs 20000] [--planned 10000] [--databases sqlite,postgres] [--json]

First with Amazon's rate plan on (getServiceJobs: burst 40, then 10 requests a second, 20 jobs
each): ``plan_share`` is the requests made over those that the plan lets through in the time,
the whole burst included, although background work leaves half of it to people. Then with the plan
off on both sides: jobs a second, where the time goes, and the floor in the same run, plain inserts
of the very same rows and nothing else (``executemany``; ``COPY``): in one transaction, and in
transactions of one page's jobs, as progress is kept.

Sandbox, database and load share this machine's cores: where there are two, the load has hardly
one and a half. ``per core`` is jobs for each second of processor time that the loading process
used itself, which other work on the machine disturbs least. ``sandbox jobs/s`` is what a bare
client reads of the same list, its ceiling.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import os
import subprocess
import sys
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import stage

PAGE = 20
BURST, RATE = 40, 10.0
SELLER = "Atzr|sandbox-2"
"""The sandbox's first further seller, which has exactly as many jobs as are asked for."""
PARTS = ("database", "http", "json + pydantic", "sealing", "hashing")
TABLES = ("servicejob", "appointment", "associateditem", "jobreference", "jobword")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--planned", type=int, default=10_000)
    parser.add_argument("--databases", default="sqlite,postgres")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drive", choices=["planned", "free"])
    options = parser.parse_args()
    if options.drive:
        print(json.dumps(drive(planned=options.drive == "planned")))
        return
    databases = options.databases.split(",")
    planned = measure(databases[0], options.planned, planned=True) if options.planned else {}
    if planned:
        stage.table([planned])
    rows = [measure(kind, options.jobs, planned=False) for kind in databases]
    stage.table(rows)
    if options.json:
        print(json.dumps(figures(planned, rows)))


def figures(planned: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"plan_share": planned.get("plan_share")}
    for name in ("jobs/s", "per core", "outside", "of floor", "of floor by pages"):
        key = name.replace("jobs/s", "jobs_per_s").replace("outside", "outside_share")
        key = key.replace(" ", "_")
        found[key] = {row["on"]: row[name] for row in rows}
    return found


def measure(kind: str, jobs: int, *, planned: bool) -> dict[str, Any]:
    """One load into a new database, by a process of its own."""
    limits = [] if planned else ["--no-rate-limits"]
    world = ["--jobs", str(jobs), "--sellers", "2", "--no-life", *limits]
    with stage.database(kind) as env, stage.sandbox(*world) as url:
        ceiling = {} if planned else {"sandbox jobs/s": bare_rate(url)}
        command = [sys.executable, __file__, "--drive", "planned" if planned else "free"]
        env = {**os.environ, **env, **stage.pointed_at(url)}
        env |= {"PYTHONPATH": str(stage.ROOT), "DJANGO_SETTINGS_MODULE": "dispatch.settings"}
        told = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(told.stdout.splitlines()[-1])
    if found["jobs"] != jobs:
        sys.exit(f"{found['jobs']} jobs arrived on {kind}, not {jobs}")
    return {"on": kind, **found, **ceiling}


def bare_rate(url: str) -> float:
    """Jobs a second that a client reads who does nothing with them."""
    import urllib3

    pool = urllib3.PoolManager()
    form = {
        "grant_type": "refresh_token",
        "refresh_token": SELLER,
        "client_id": stage.CREDENTIALS["lwa_app_id"],
        "client_secret": stage.CREDENTIALS["lwa_client_secret"],
    }
    token_url = f"{url}/auth/o2/token"
    answer = pool.request("POST", token_url, fields=form, encode_multipart=False)
    headers = {"x-amz-access-token": json.loads(answer.data)["access_token"]}
    asked = "marketplaceIds=ATVPDKIKX0DER&createdAfter=2020-01-01T00:00:00Z&pageSize=20"
    address, count, token, started = f"{url}/service/v1/serviceJobs?{asked}", 0, "", 0.0
    while True:
        page = json.loads(pool.request("GET", address + token, headers=headers).data)["payload"]
        # The first page is looked for, the others are only cut off.
        count, started = (count + len(page["jobs"]), started) if started else (0, time.monotonic())
        if "nextPageToken" not in page:
            return count / (time.monotonic() - started)
        token = "&pageToken=" + urllib.parse.quote(page["nextPageToken"])


# --- In the process that loads ------------------------------------------------------------------


def drive(*, planned: bool) -> dict[str, Any]:
    import django

    django.setup()
    logging.getLogger("dispatch").setLevel(logging.WARNING)
    from dispatch.models import ServiceJob, SyncJob
    from dispatch.services.amazon import client
    from dispatch.services.mirror import sync

    if not planned:
        client.shared_throttle = lambda: None
    task_id = prepare(sync, SyncJob)
    watch = Watch()
    watch.put_on()
    started, cpu = time.monotonic(), time.process_time()
    load(sync, SyncJob, task_id)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    watch.take_off()
    jobs = ServiceJob.objects.count()
    if planned:
        return {"jobs": jobs, "seconds": seconds, "plan_share": plan_share(jobs, seconds)}
    return {
        "jobs": jobs,
        "seconds": seconds,
        "jobs/s": jobs / seconds,
        "per core": jobs / cpu,
        "outside": 1 - watch.spent["database"] / seconds,
        **{name: watch.spent[name] / seconds for name in PARTS},
        "rest": 1 - sum(watch.spent[name] for name in PARTS) / seconds,
        **floors(jobs / seconds),
    }


def plan_share(jobs: int, seconds: float) -> float:
    return -(-jobs // PAGE) / (BURST + RATE * seconds)


def prepare(sync: Any, tasks: Any) -> int:
    """A seller that has just been connected; gives the task that loads its jobs."""
    from dispatch.models import Person, Seller

    owner = Person.objects.create_user("owner@dispatch.example", "unused-in-a-benchmark", name="O")
    seller = Seller.objects.create(
        owner=owner,
        name="Benchmark",
        marketplace_id="ATVPDKIKX0DER",
        client_id=stage.CREDENTIALS["lwa_app_id"],
        client_secret=stage.CREDENTIALS["lwa_client_secret"],
        refresh_token=SELLER,
        state=Seller.State.CONNECTED,
        time_zone="America/Chicago",
    )
    sync.start(seller)
    task: int = tasks.objects.get(seller=seller, kind=tasks.Kind.FIRST_LOAD).pk
    return task


def load(sync: Any, tasks: Any, task_id: int) -> None:
    """Run the task until it is over; it may be put off for want of a rate token."""
    from django.utils import timezone

    from dispatch.services.mirror.tasks import claim

    while True:
        task = sync.run(claim(task_id))
        if task.last_error:
            sys.exit(task.last_error)
        if tasks.objects.get(pk=task_id).finished_at:
            return
        time.sleep(max(0.0, (task.next_run_at - timezone.now()).total_seconds()))


class Watch:
    """Adds up the time spent in each part, without that of the parts inside it."""

    def __init__(self) -> None:
        self.spent: Counter[str] = Counter()
        self._inside: list[float] = []
        self._undo: list[Callable[[], object]] = []

    def put_on(self) -> None:
        from django.db import connection

        from dispatch.models.keyring import Keyring
        from dispatch.services.mirror import rows
        from dispatch.services.mirror.definitions import ServiceJob
        from dispatch.spapi.transport import PooledTransport

        for owner, name, part in (
            (connection, "_commit", "database"),
            (rows, "_copy", "database"),
            (PooledTransport, "__call__", "http"),
            (json, "loads", "json + pydantic"),
            (json, "dumps", "json + pydantic"),
            (ServiceJob, "model_validate", "json + pydantic"),
            (Keyring, "seal", "sealing"),
            (Keyring, "hashes_of", "hashing"),
            (Keyring, "digest", "hashing"),
        ):
            was = getattr(owner, name)
            setattr(owner, name, self.timed(part, was))
            self._undo.append(functools.partial(setattr, owner, name, was))
        wrapper = self.timed("database", lambda execute, *rest: execute(*rest))
        connection.execute_wrappers.append(wrapper)
        self._undo.append(connection.execute_wrappers.pop)

    def take_off(self) -> None:
        for undo in self._undo:
            undo()

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(work)
        def watched(*args: Any, **kwargs: Any) -> Any:
            self._inside.append(0.0)
            started = time.perf_counter()
            try:
                return work(*args, **kwargs)
            finally:
                seconds = time.perf_counter() - started
                self.spent[part] += seconds - self._inside.pop()
                if self._inside:
                    self._inside[-1] += seconds

        return watched


# --- The floor ----------------------------------------------------------------------------------


def floors(rate: float) -> dict[str, float]:
    """What the load reaches of plain inserts of the same rows, in one go and page by page."""
    rows = {name: read(f"dispatch_{name}") for name in TABLES}
    jobs = [row[0] for row in rows["servicejob"][1]]
    at_once = len(jobs) / insert([rows])
    by_pages = len(jobs) / insert(list(pages(rows, jobs)))
    return {
        "floor jobs/s": at_once,
        "of floor": rate / at_once,
        "of floor by pages": rate / by_pages,
    }


Table = tuple[list[str], list[tuple[Any, ...]]]


def read(table: str) -> Table:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
        return [column[0] for column in cursor.description], cursor.fetchall()


def pages(rows: dict[str, Table], jobs: list[int]) -> Iterator[dict[str, Table]]:
    """The rows of every twenty jobs together."""
    place = {job: number // PAGE for number, job in enumerate(jobs)}
    found: list[dict[str, Table]] = [{} for _ in range(-(-len(jobs) // PAGE))]
    for name, (columns, listed) in rows.items():
        key = columns.index("id" if name == "servicejob" else "job_id")
        for row in listed:
            found[place[row[key]]].setdefault(name, (columns, []))[1].append(row)
    yield from found


def insert(portions: list[dict[str, Table]]) -> float:
    """Seconds that it takes to fill the emptied tables, one transaction for each portion."""
    from django.db import connection, transaction

    on_server = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for name in reversed(TABLES):
            # Emptied by DELETE, PostgreSQL would take the tables for small and plan badly.
            empty = "TRUNCATE TABLE {} CASCADE" if on_server else "DELETE FROM {}"
            cursor.execute(empty.format(f"dispatch_{name}"))
    started = time.monotonic()
    for portion in portions:
        with transaction.atomic(), connection.cursor() as cursor:
            for name, (columns, rows) in portion.items():
                (copy if on_server else execute_many)(cursor, f"dispatch_{name}", columns, rows)
    return time.monotonic() - started


def execute_many(cursor: Any, table: str, columns: list[str], rows: list[Any]) -> None:
    places = ", ".join(["%s"] * len(columns))
    cursor.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def copy(cursor: Any, table: str, columns: list[str], rows: list[Any]) -> None:
    listed = ", ".join(f'"{column}"' for column in columns)
    with cursor.copy(f"COPY {table} ({listed}) FROM STDIN") as copying:
        for row in rows:
            copying.write_row(row)


if __name__ == "__main__":
    main()
