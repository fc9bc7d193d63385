"""Three workers, one of them killed without a word every few seconds: what is left of the mirror?

    python bench/survival.py [--databases sqlite,scale] [--seconds 300] [--sellers 10] [--json]

Sellers with a first load and a life of their own in the sandbox; a worker drawn by lot gets SIGKILL
every one to four seconds and is started again. Afterwards the workers are left alone until every
lease is over; then each job of the sandbox must be in the mirror once and equal, no task stuck, and
no task run by two workers at the same moment (read from the workers' own logs). ``scale`` is
PostgreSQL with cache and queue on Redis.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import freshness
import stage

WORKERS = 3
CHANGES_PER_SECOND = 2.0
CALM = 150.0
"""Seconds to leave the workers alone: longer than the longest lease."""
_LINE = re.compile(
    r"^(\S+ \S+) INFO dispatch\.services\.mirror\.\w+ sync (\d+) \w+ .*?(begins|ends)"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--databases", default="sqlite,scale")
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--sellers", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=400)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", nargs=2, metavar=("STEP", "URL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        inside(*options.inside)
        return
    rows = [
        measure(kind, options.seconds, options.sellers, options.jobs)
        for kind in options.databases.split(",")
    ]
    stage.table(rows)
    if options.json:
        print(json.dumps({row["database"]: row for row in rows}))


def measure(kind: str, seconds: float, sellers: int, jobs: int) -> dict[str, Any]:
    sizes = ("--jobs", str(jobs), "--sellers", str(sellers), "--no-life")
    with (
        stage.database(kind) as env,
        stage.sandbox(*sizes) as amazon,
        tempfile.TemporaryDirectory() as folder,
    ):
        env = {**os.environ, **env, **stage.pointed_at(amazon)}
        freshness.settled(env, sellers)
        _ask_inside(env, "watch", amazon)
        crew = [Worker(env, Path(folder) / f"{number}.log") for number in range(WORKERS)]
        for worker in crew:
            worker.start()
        try:
            _kill_at_random(crew, amazon, seconds)
            time.sleep(CALM)
        finally:
            for worker in crew:
                worker.stop()
        found = _ask_inside(env, "compare", amazon)
        runs = [run for worker in crew for run in worker.runs()]
    return {
        "database": kind,
        "kills": sum(len(worker.deaths) for worker in crew),
        "runs": len(runs),
        "at_once": overlaps(runs),
        **found,
    }


def _ask_inside(env: dict[str, str], step: str, amazon: str) -> dict[str, Any]:
    """Have a process of the product's own take a step; what it prints."""
    answer: dict[str, Any] = json.loads(
        subprocess.run(
            [sys.executable, __file__, "--inside", step, amazon],
            cwd=stage.ROOT,
            env={**env, "PYTHONPATH": str(stage.ROOT)},
            check=True,
            capture_output=True,
        ).stdout
    )
    return answer


@dataclass
class Worker:
    """A worker's process, its log over all its lives, and when it was killed."""

    env: dict[str, str]
    log: Path
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=stage.ROOT,
                env={**self.env, "TZ": "UTC"},
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.deaths.append(time.time())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()

    def runs(self) -> list[tuple[int, float, float]]:
        """Task, beginning and end of every run; one that was cut ends with its worker."""
        open_: dict[int, float] = {}
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            told = _LINE.match(line)
            if told is None:
                continue
            at = dt.datetime.strptime(told[1] + "+0000", "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
            task = int(told[2])
            if told[3] == "begins":
                if task in open_:
                    found.append((task, open_[task], self._death_after(open_[task])))
                open_[task] = at
            elif task in open_:
                found.append((task, open_.pop(task), at))
        return found + [(task, at, self._death_after(at)) for task, at in open_.items()]

    def _death_after(self, moment: float) -> float:
        return min((death for death in self.deaths if death > moment), default=time.time())


def overlaps(runs: list[tuple[int, float, float]]) -> int:
    """How often a task began while another worker was at it."""
    count, busy_until = 0, {}
    for task, begin, end in sorted(runs, key=lambda run: run[1]):
        count += begin < busy_until.get(task, 0) - 0.002
        busy_until[task] = max(end, busy_until.get(task, 0))
    return count


def _kill_at_random(crew: list[Worker], amazon: str, seconds: float) -> None:
    chance = random.Random(11)
    jobs = [job["serviceJobId"] for job in stage.get(f"{amazon}/_sandbox/state")["jobs"]]
    end = time.monotonic() + seconds
    next_death = time.monotonic() + 5
    number = 0
    while time.monotonic() < end:
        time.sleep(chance.expovariate(CHANGES_PER_SECOND))
        number += 1
        change = {
            "serviceJobId": chance.choice(jobs),
            "scopeOfWork": {"title": f"Change-{number:05}"},
        }
        stage.post(f"{amazon}/_sandbox/jobs", change)
        if time.monotonic() > next_death:
            victim = chance.choice(crew)
            victim.kill()
            victim.start()
            next_death = time.monotonic() + chance.uniform(1, 4)


def inside(step: str, amazon: str) -> None:
    """A step that needs the product's models."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dispatch.settings")
    import django

    django.setup()
    print(json.dumps(watch() if step == "watch" else compare(amazon)))


def watch() -> dict[str, Any]:
    """Let every seller be looked at for the whole run, so that it is asked every ten seconds."""
    from django.utils import timezone

    from dispatch.models import Seller

    return {"watched": Seller.objects.update(watched_at=timezone.now() + dt.timedelta(hours=3))}


def compare(amazon: str) -> dict[str, Any]:
    """What differs between the sandbox and the mirror, and which tasks are stuck."""
    from collections import Counter

    from django.utils import timezone

    from dispatch.models import ServiceJob, SyncJob

    american = [
        {name: part for name, part in job.items() if name != "_sandbox"}
        for job in stage.get(f"{amazon}/_sandbox/state")["jobs"]
        if job["marketplaceId"] == freshness.US
    ]
    held = ServiceJob.objects.all()
    payloads = {job.service_job_id: job.payload for job in held.iterator()}
    counts = Counter(held.values_list("service_job_id", flat=True))
    now = timezone.now()
    stuck = SyncJob.objects.filter(next_run_at__lt=now - dt.timedelta(seconds=60))
    loading = SyncJob.objects.filter(kind="first_load", finished_at=None)
    return {
        "jobs": len(american),
        "missing": sum(job["serviceJobId"] not in payloads for job in american),
        "twice": sum(count > 1 for count in counts.values()),
        "different": sum(payloads.get(job["serviceJobId"], job) != job for job in american),
        "stuck": stuck.count() + loading.count(),
        "failing": SyncJob.objects.filter(attempts__gt=0).count(),
    }


if __name__ == "__main__":
    main()
