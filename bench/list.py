"""Server time of the jobs list at ten thousand and at a million jobs of one seller: every quick
view, filter, kind of search, sort and page; Django's admin for the same filter beside it; and
requests per second of the product's own server.

    python bench/list.py [--databases sqlite postgres] [--sizes 10000 1000000] [--sellers 1]
                         [--json]
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import datetime as dt
import http.client
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from subprocess import PIPE
from typing import Any

import stage

TURNS, REPEATS = 6, 20
"""Each size is asked so often in its turn: what else the machine does meanwhile falls on all."""
ROUNDS = 5
"""Each side of a comparison takes so many turns."""
CLIENTS, SECONDS = 8, 10.0
Figures = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgres"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 1_000_000])
    parser.add_argument("--sellers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.sellers)
        return
    found: dict[str, dict[str, Figures]] = {}
    for kind in options.databases:
        found[kind] = in_turns(kind, options.sizes, options.sellers)
        report(kind, found[kind])
    if options.json:
        print(json.dumps(found))


def in_turns(kind: str, sizes: list[int], sellers: int) -> dict[str, Figures]:
    """The figures of each size, each in a database that is made for it and gone afterwards."""
    with contextlib.ExitStack() as stack:
        asked = {str(size): stack.enter_context(filled(kind, size, sellers)) for size in sizes}
        names = next(iter(asked.values()))("names")
        times: dict[str, dict[str, list[float]]] = {size: {} for size in asked}
        for name in names:
            for _ in range(TURNS):
                for size, ask_it in asked.items():
                    times[size].setdefault(name, []).extend(ask_it(name))
        return {size: figures(times[size], ask_it) for size, ask_it in asked.items()}


def figures(times: dict[str, list[float]], ask_it: Callable[[str], Any]) -> Figures:
    return {
        "rows": ask_it("rows"),
        "p50_ms": {name: statistics.median(values) for name, values in times.items()},
        "p95_ms": {name: p95(values) for name, values in times.items()},
        **ask_it("admin"),
        "requests_per_s": ask_it("requests"),
    }


@contextlib.contextmanager
def filled(kind: str, size: int, sellers: int) -> Iterator[Callable[[str], Any]]:
    """A process with a database of so many jobs; it is asked for figures by their names."""
    with stage.database(kind) as env:
        env |= {
            "DJANGO_SETTINGS_MODULE": "list_settings",
            "PYTHONPATH": os.pathsep.join([str(stage.ROOT), str(stage.ROOT / "bench")]),
        }
        command = [sys.executable, __file__, "--serve", str(size), "--sellers", str(sellers)]
        with subprocess.Popen(
            command, env={**os.environ, **env}, stdin=PIPE, stdout=PIPE, text=True
        ) as process:

            def ask_it(name: str) -> Any:
                assert process.stdin
                assert process.stdout
                process.stdin.write(f"{name}\n")
                process.stdin.flush()
                return json.loads(process.stdout.readline())

            # Filled one after the other.
            ask_it("names")
            yield ask_it
            process.stdin.close()  # type: ignore[union-attr]


def serve(size: int, count: int) -> None:
    """Fill this process's database and answer what is asked on standard input."""
    import django

    django.setup()
    import list_data
    from django.utils import timezone

    import dispatch.wsgi  # noqa: F401 - the process as gunicorn has it

    started = time.perf_counter()
    bob, tom, sellers = list_data.cast(count)
    world = list_data.World(sellers, size, timezone.now())
    list_data.fill(world)
    print(f"{size:,} jobs in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    known = addresses(world)
    pages = {name: Asked(bob, urls) for name, urls in known.items()}
    pages |= {f"technician: {name}": Asked(tom, [url]) for name, url in OWN.items()}
    pages |= {f"just changed: {name}": Asked(bob, known[name], bumped=True) for name in CHANGED}
    pages["unchanged, 304"] = Unchanged(bob, ["/jobs/changes/"])
    answers: dict[str, Callable[[], Any]] = {
        "names": lambda: list(pages),
        "rows": lambda: {name: one.rows() for name, one in pages.items()},
        "admin": lambda: against_admin(bob),
        "requests": lambda: requests_per_s(bob),
    }
    for line in sys.stdin:
        name = line.strip()
        answer = answers[name]() if name in answers else pages[name].times()
        print(json.dumps(answer), flush=True)


class Asked:
    """Addresses that are asked in turn by somebody who is logged in.

    Counts are remembered until something changes; ``bumped`` lets something change before each.
    """

    def __init__(self, person: Any, urls: list[str], *, bumped: bool = False) -> None:
        self.person, self.urls, self.bumped = person, urls, bumped
        self._next = itertools.cycle(urls)
        self._warm = False

    def times(self) -> list[float]:
        """Milliseconds of server time."""
        # Anew for each turn: who is asked nothing for a quarter of an hour is logged out.
        self.client = client_of(self.person)
        if not self._warm:
            self._warm = True
            for url in self.urls:
                self.taken(url)
        return [self.taken(next(self._next)) for _ in range(REPEATS)]

    def taken(self, url: str) -> float:
        if self.bumped:
            from django.db.models import F

            from dispatch.models import Seller

            Seller.objects.update(revision=F("revision") + 1)
        return taken(self.client, url)

    def rows(self) -> float:
        """How many jobs such a page shows: one of fifty takes longer than one of ten."""
        client = client_of(self.person)
        shown = [client.get(url).content.count(b" data-row>") for url in self.urls]
        return statistics.mean(shown)


class Unchanged(Asked):
    """An open page that asks whether anything has changed, and nothing has."""

    def taken(self, url: str) -> float:
        etag = self.client.get(url)["ETag"]
        return taken(self.client, url, HTTP_IF_NONE_MATCH=etag)


CHANGED = (
    "view open", "view all", "filter technician", "filter skill and store", "search name",
    "search two common words",
)  # fmt: skip
OWN = {"open": "/jobs/", "all": "/jobs/?view=all", "today": "/jobs/?view=today"}


def addresses(world: Any) -> dict[str, list[str]]:
    """For each figure the addresses that are asked in turn: other values, other pages."""
    from dispatch.models import ServiceJob
    from dispatch.selectors.quick_views import QUICK_VIEWS
    from dispatch.web.jobs.job_list import SORTS

    some = [job for pk in range(1, world.size, max(1, world.size // 17))
            if (job := ServiceJob.objects.defer("payload").filter(pk=pk).first())]  # fmt: skip
    found = {f"view {view.slug}": [f"/jobs/?view={view.slug}"] for view in QUICK_VIEWS}
    found |= {f"filter {name}": urls for name, urls in filters(world, some).items()}
    found |= {f"search {name}": urls for name, urls in searches(world, some).items()}
    for name in SORTS:
        found[f"sort {name}"] = [
            f"/jobs/?view={view}&sort={sign}{name}"
            for view in ("all", "open")
            for sign in ("", "-")
        ]
    found |= {f"page {name}": urls for name, urls in pages(some).items()}
    since = (world_now(world) - dt.timedelta(hours=3)).isoformat().replace("+", "%2B")
    found["changes, counted"] = [
        f"/jobs/changes/?view={view}&since={since}" for view in ("all", "open", "today")
    ]
    return found


def world_now(world: Any) -> dt.datetime:
    return dt.datetime.fromtimestamp(world.now, dt.UTC)


def filters(world: Any, some: list[Any]) -> dict[str, list[str]]:
    from dispatch.models import JobReference, JobStatus, Seller, Technician

    def asked(name: str, values: Any, view: str = "all") -> list[str]:
        return [f"/jobs/?view={view}&{name}={value}" for value in values]

    def days(name: str) -> list[str]:
        today = world_now(world).date()
        spans = ((-1, 0), (-7, 0), (-30, 0), (-100, -40), (0, 7), (-500, -493), (-90, 0))
        return [
            f"/jobs/?view=all&{name}_from={today + dt.timedelta(days=first)}"
            f"&{name}_to={today + dt.timedelta(days=last)}"
            for first, last in spans
        ]

    references = {
        kind: [r.value for job in some for r in JobReference.objects.filter(job=job, kind=kind)[:1]]
        for kind in ("order", "tracking", "asin", "skill")
    }
    technicians = [one.pk for one in Technician.objects.all()[:10]]
    year = world_now(world).date() - dt.timedelta(days=365)
    return {
        "status": asked("status", JobStatus.values),
        "seller": asked("seller", [seller.pk for seller in Seller.objects.all()[:3]]),
        "technician": asked("technician", technicians),
        "skill": asked("skill", references["skill"]),
        "store": asked("store", [job.store_id for job in some]),
        "marketplace": asked("marketplace", ["ATVPDKIKX0DER"]),
        "scheduled": days("scheduled"),
        "created": days("created"),
        "created, a year": asked("created_from", [year]),
        "updated": days("updated"),
        "order": asked("order", [job.service_order_id for job in some]),
        "product order": asked("product_order", references["order"]),
        "tracking": asked("tracking", references["tracking"]),
        "asin": asked("asin", references["asin"]),
        "two technicians": asked("technician", ["&technician=".join(map(str, technicians[:2]))]),
        "skill of open": asked("skill", references["skill"], "open"),
        "store of today": asked("store", [job.store_id for job in some], "today"),
        "technician of open": asked("technician", technicians, "open"),
        "skill and store": asked(
            "skill",
            [f"{v}&store={j.store_id}" for v, j in zip(references["skill"], some, strict=True)],
        ),
    }


def searches(world: Any, some: list[Any]) -> dict[str, list[str]]:
    def asked(words: Any, view: str = "all") -> list[str]:
        return [f"/jobs/?view={view}&q={word}" for word in words]

    names = [*world.last.all[:4], *world.last.all[500:510]]
    first = [*world.first.all[:4], *world.first.all[300:305]]
    cities = [*world.cities.all[:4], *world.cities.all[100:110]]
    ids = [job.service_job_id for job in some]
    return {
        "name": asked(names),
        "phone": asked(
            f"{area} 555 {last:04}"
            for area, last in zip(range(200, 800, 40), range(15), strict=True)
        ),
        "last digits": asked(f"{number:04}" for number in range(0, 9999, 700)),
        "city": asked(cities),
        "name and city": asked(f"{n}+{c}" for n, c in itertools.product(first, cities[::3])),
        "first and last name": asked(f"{f}+{n}" for f, n in itertools.product(first, names[::3])),
        "common word": asked(("mounting", "installation", "street")),
        "two common words": asked(("tv+mounting", "small+assembly", "street+express")),
        "city of open": asked(cities, "open"),
        "id": asked(ids),
        "beginning of an id": asked(
            [text[:8] for text in ids] + [text[:3].upper() for text in ids]
        ),
        "beginning of an order": asked(job.service_order_id[:7] for job in some),
        "nothing": asked(["zzz", "nobody+nowhere"]),
    }


def pages(some: list[Any]) -> dict[str, list[str]]:
    def cursor(*parts: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")

    def after(job: Any, view: str) -> str:
        place = cursor("after", "scheduled_key", job.scheduled_key, job.pk)
        return f"/jobs/?view={view}&page={place}"

    end = cursor("before", "scheduled_key", 2**40, 2**60)
    by_city = [cursor("after", "city", job.city, job.pk) for job in some]
    by_status = [cursor("after", "status", "COMPLETED", job.pk) for job in some]
    return {
        "in the middle": [after(job, view) for job in some for view in ("all", "done")],
        "in the middle, by city": [f"/jobs/?view=all&sort=place&page={one}" for one in by_city],
        "in the middle, by status": [
            f"/jobs/?view=all&sort=status&page={one}" for one in by_status
        ],
        "last": [f"/jobs/?view={view}&page={end}" for view in ("all", "open", "done")],
    }


def client_of(person: Any) -> Any:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    client.force_login(person)
    return client


def taken(client: Any, url: str, **headers: str) -> float:
    started = time.perf_counter()
    answer = client.get(url, **headers)
    shown = answer.content
    found = (time.perf_counter() - started) * 1000
    if answer.status_code not in (200, 304) or b"These filters cannot be read" in shown:
        raise AssertionError(f"{url}: {answer.status_code} {answer.content[:500]!r}")
    return found


def against_admin(person: Any) -> dict[str, float]:
    """The open jobs by their time, here and in Django's admin, in turns."""
    client = client_of(person)
    admin = "/admin/dispatch/servicejob/?status__in=PENDING_SCHEDULE,NOT_SERVICED,HOLD"
    ours, theirs = [], []
    for _ in range(ROUNDS + 1):
        ours += [taken(client, "/jobs/?view=open") for _ in range(4)]
        theirs += [taken(client, admin) for _ in range(4)]
    admin_ms, our_ms = statistics.median(theirs[4:]), statistics.median(ours[4:])
    return {"admin_ms": admin_ms, "admin_ratio": admin_ms / our_ms}


def requests_per_s(person: Any) -> float:
    """Of gunicorn as the Procfile starts it, asked by clients that keep their connections."""
    cookie = client_of(person).cookies["sessionid"].value
    port = stage.free_port()
    command = [
        sys.executable, "-m", "gunicorn", "dispatch.wsgi", "--worker-class", "gthread",
        "--workers", "2", "--threads", "8", "--bind", f"127.0.0.1:{port}", "--log-level", "error",
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=stage.ROOT, env=os.environ.copy()) as server:
        try:
            stage.wait_for(f"http://127.0.0.1:{port}/account/login/")
            ask(port, cookie, 2.0)
            return ask(port, cookie, SECONDS) / SECONDS
        finally:
            server.terminate()


def ask(port: int, cookie: str, seconds: float) -> int:
    """How many pages were answered."""
    end, done = time.monotonic() + seconds, [0] * CLIENTS

    def one(number: int) -> None:
        here = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while time.monotonic() < end:
            here.request("GET", "/jobs/", headers={"Cookie": f"sessionid={cookie}"})
            answer = here.getresponse()
            if answer.status != 200 or b"job-list" not in answer.read():
                raise AssertionError(answer.status)
            done[number] += 1

    threads = [threading.Thread(target=one, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


def report(kind: str, found: dict[str, Figures]) -> None:
    sizes = list(found)
    print(f"\n{kind}: milliseconds of server time")
    stage.table(list(rows_of(found, sizes)))
    for size in sizes:
        figures = found[size]
        admin, rate = figures["admin_ms"], figures["requests_per_s"]
        print(f"{int(size):,} jobs: Django's admin takes {admin:.0f} ms, "
              f"{figures['admin_ratio']:.1f} × ours; {rate:.0f} requests/s")  # fmt: skip


def rows_of(found: dict[str, Figures], sizes: list[str]) -> Iterator[dict[str, Any]]:
    for name in found[sizes[0]]["p95_ms"]:
        row: dict[str, Any] = {"view": name}
        for size in sizes:
            row |= {f"rows {int(size):,}": round(found[size]["rows"].get(name, 0)),
                    f"p50 {int(size):,}": found[size]["p50_ms"][name],
                    f"p95 {int(size):,}": found[size]["p95_ms"][name]}  # fmt: skip
        if len(sizes) > 1:
            row["ratio"] = found[sizes[-1]]["p95_ms"][name] / found[sizes[0]]["p95_ms"][name]
        yield row


if __name__ == "__main__":
    main()
