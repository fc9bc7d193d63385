"""How soon an open page shows what changed at Amazon: 50 sellers, each with a page open.

    python bench/freshness.py [--databases sqlite,scale] [--sellers 50] [--seconds 180] [--json]

Web (two gunicorn processes), one worker and the sandbox with its rate plans run as they do in
production, all on this machine. Every page is a client that does what `static/js/live.js` does: it
asks every 5 s with ``If-None-Match``; once told that something changed, it fetches the list, as
"show" would. Changes are made at random moments to random jobs. Measured from the change to the
list that holds it. ``scale`` is PostgreSQL with cache and queue on Redis.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import stage

US = "ATVPDKIKX0DER"
LOOK = 5.0
"""Seconds between an open page's questions: those of `static/js/live.js` on a desk."""
CHANGES_PER_SECOND = 2.0
JOBS = 40
DRAIN = 30.0
"""Seconds to wait after the last change; one that no page shows by then counts as lost."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,scale")
    parser.add_argument("--sellers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--settle", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.settle:
        settle(options.settle)
        return
    rows = [
        measure(kind, options.sellers, options.seconds) for kind in options.databases.split(",")
    ]
    stage.table(rows)
    if options.json:
        worst = {name: max(row[name] for row in rows) for name in FIGURES}
        print(json.dumps({**worst, "by_database": {row["database"]: row for row in rows}}))


FIGURES = ("p50_s", "p95_s", "refused", "worker_cpu")


def measure(kind: str, sellers: int, seconds: float) -> dict[str, Any]:
    """One run; ``worker_cpu`` is in cores, ``refused`` the 429s of the sandbox."""
    with (
        stage.database(kind) as env,
        stage.sandbox("--no-life", "--jobs", str(JOBS), "--sellers", str(sellers)) as amazon,
    ):
        env = {**os.environ, **env, **stage.pointed_at(amazon)}
        cookies = settled(env, sellers)
        collect_static(env)
        with web(env) as (url, _), process(env, "manage.py", "worker") as worker:
            pages = [Page(url, cookie) for cookie in cookies]
            wait_until_loaded(pages)
            busy, began = _cpu(worker.pid), time.monotonic()
            changes = _watch_while_it_changes(amazon, pages, seconds)
            cpu = (_cpu(worker.pid) - busy) / (time.monotonic() - began)
        statuses = [call["status"] for call in stage.get(f"{amazon}/_sandbox/state")["calls"]]
    delays = sorted(seen - made for made, seen in changes if seen)
    return {
        "database": kind,
        "changes": len(changes),
        "lost": sum(seen is None for _, seen in changes),
        "p50_s": round(statistics.median(delays), 2),
        "p95_s": round(delays[int(len(delays) * 0.95)], 2),
        "max_s": round(delays[-1], 2),
        "refused": statuses.count(429),
        "worker_cpu": round(cpu, 3),
    }


def settle(count: int) -> None:
    """Make the sellers, a dispatcher for each and their sessions; prints the session keys."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatch.settings")
    import django

    django.setup()
    from django.test import Client

    from dispatch.models import Membership, Person, Seller
    from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET, US
    from dispatch.services.mirror import sync

    keys = []
    for number in range(1, count + 1):
        person = Person.objects.create_user(f"bench{number}@dispatch.example", name="Bench")
        seller = Seller.objects.create(
            owner=person,
            name=f"Seller {number}",
            marketplace_id=US,
            client_id=APPLICATION,
            client_secret=APPLICATION_SECRET,
            refresh_token="Atzr|sandbox" if number == 1 else f"Atzr|sandbox-{number}",
            state=Seller.State.CONNECTED,
            time_zone="America/Chicago",
        )
        Membership.objects.create(person=person, seller=seller, role=Membership.Role.DISPATCHER)
        sync.start(seller)
        client = Client()
        client.force_login(person)
        keys.append(client.cookies["sessionid"].value)
    print(json.dumps(keys))


def settled(env: dict[str, str], sellers: int) -> list[str]:
    command = [sys.executable, __file__, "--settle", str(sellers)]
    env = {**env, "PYTHONPATH": str(stage.ROOT)}
    out = subprocess.run(command, cwd=stage.ROOT, env=env, check=True, capture_output=True).stdout
    keys: list[str] = json.loads(out)
    return keys


def collect_static(env: dict[str, str]) -> None:
    stage.run("collectstatic", "--noinput", env=env)


@contextlib.contextmanager
def web(env: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The web process as the Procfile starts it; gives its address once it answers."""
    port = stage.free_port()
    options = ["--worker-class", "gthread", "--workers", "2", "--threads", "8"]
    quiet = ["--log-level", "warning", "--bind", f"127.0.0.1:{port}"]
    with process(env, "-m", "gunicorn", "dispatch.wsgi", *options, *quiet) as server:
        url = f"http://127.0.0.1:{port}"
        stage.wait_for(f"{url}/account/login/", every=0.02)
        yield url, server


@contextlib.contextmanager
def process(env: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, *arguments]
    with subprocess.Popen(
        command, cwd=stage.ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


@dataclass
class Page:
    """A dispatcher's list, left open."""

    web: str
    session: str
    live: str = ""
    etag: str = ""

    def __post_init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.cookies.set("sessionid", self.session)

    def show(self) -> str:
        """Load the list; returns its HTML."""
        html = self.http.get(f"{self.web}/jobs/?view=all", timeout=30).text
        live = re.search(r'data-live="([^"]*)"', html)
        etag = re.search(r'data-etag="([^"]*)"', html)
        assert live and etag, "the list does not say where to ask"
        self.live = live.group(1).replace("&amp;", "&")
        self.etag = etag.group(1).replace("&quot;", '"')
        return html

    def changed(self) -> bool:
        """Ask, as an open page does."""
        answer = self.http.get(
            f"{self.web}{self.live}", headers={"If-None-Match": self.etag}, timeout=30
        )
        if answer.status_code == 304:
            return False
        self.etag = answer.headers["ETag"]
        return "show" in answer.text


def wait_until_loaded(pages: list[Page]) -> None:
    """Until the first loads are over and every page is at its pace."""
    for page in pages:
        while "Loading the jobs" in (html := page.show()) or ">0 jobs<" in html:
            time.sleep(0.5)
    time.sleep(5)


def _watch_while_it_changes(
    amazon: str, pages: list[Page], seconds: float
) -> list[tuple[float, float | None]]:
    """Pairs of when a change was made and when the page showed it, in seconds of one clock."""
    made: dict[str, float] = {}
    seen: dict[str, float] = {}
    over = threading.Event()
    watchers = [threading.Thread(target=_keep_open, args=(page, seen, over)) for page in pages]
    for watcher in watchers:
        watcher.start()
    jobs = stage.get(f"{amazon}/_sandbox/state")["jobs"]
    # Each job changes once: a second change would hide the first from the page.
    ids = [job["serviceJobId"] for job in jobs if job["marketplaceId"] == US]
    chance = random.Random(7)
    chance.shuffle(ids)
    end = time.monotonic() + seconds
    for number, job_id in enumerate(ids):
        time.sleep(chance.expovariate(CHANGES_PER_SECOND))
        if time.monotonic() > end:
            break
        mark = f"Change-{number:05}"
        stage.post(
            f"{amazon}/_sandbox/jobs", {"serviceJobId": job_id, "scopeOfWork": {"title": mark}}
        )
        made[mark] = time.monotonic()
    time.sleep(DRAIN)
    over.set()
    for watcher in watchers:
        watcher.join()
    return [(moment, seen.get(mark)) for mark, moment in made.items()]


def _keep_open(page: Page, seen: dict[str, float], over: threading.Event) -> None:
    page.show()
    over.wait(random.uniform(0, LOOK))
    while not over.wait(LOOK):
        if page.changed():
            html = page.show()
            now = time.monotonic()
            for mark in re.findall(r"Change-\d{5}", html):
                seen.setdefault(mark, now)


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
