"""How many rows a second the log of activity takes, beside a plain insert of the same row as the
floor, and how fast a long log is verified and in how much memory.

    python bench/activity.py [--rounds 5] [--rows 200000] [--stores sqlite,postgres] [--json]

Every row is a transaction of its own, as a log-in's is. ``ratio`` is appends over plain inserts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import stage

AT_ONCE = 300
PROCESSES = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--stores", default="sqlite,postgres")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drive", choices=["alone", "append", "plain", "long"])
    parser.add_argument("--start", type=int, default=0)
    options = parser.parse_args()
    if options.drive:
        drive(options)
        return
    rows = [measure(store, options) for store in options.stores.split(",")]
    stage.table(rows)
    if options.json:
        print(json.dumps({row.pop("store"): row for row in rows}))


def measure(store: str, options: argparse.Namespace) -> dict[str, Any]:
    with stage.database(store) as env:
        alone = ask(env, "alone", "--rounds", str(options.rounds))
        many = {kind: together(env, kind) for kind in ("plain", "append")}
        long = ask(env, "long", "--rows", str(options.rows))
    return {
        "store": store,
        "append/s": alone["append"],
        "plain/s": alone["plain"],
        "ratio": alone["append"] / alone["plain"],
        f"append/s x{PROCESSES}": many["append"],
        f"plain/s x{PROCESSES}": many["plain"],
        "ratio together": many["append"] / many["plain"],
        "verified rows": options.rows,
        "verify/s": long["verify"],
        "MiB while verifying": long["grown"],
    }


def ask(env: dict[str, str], kind: str, *more: str) -> dict[str, float]:
    with start(env, kind, *more) as child:
        out, _ = child.communicate()
    answer: dict[str, float] = json.loads(out)
    return answer


def start(env: dict[str, str], kind: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--drive", kind, *more]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(command, env={**os.environ, **env}, cwd=stage.ROOT, text=True, **pipes)


def together(env: dict[str, str], kind: str) -> float:
    """Rows a second that several processes add at the same time."""
    first = 10**9 if kind == "plain" else 0
    children = [start(env, kind, "--start", str(first * (n + 1))) for n in range(PROCESSES)]
    for child in children:
        child.stdout.readline()  # It has set itself up.
    begun = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    failed = sum(child.wait() != 0 for child in children)
    if failed:
        raise SystemExit(f"{failed} of {PROCESSES} processes failed to add their rows.")
    return PROCESSES * AT_ONCE / (time.perf_counter() - begun)


def drive(options: argparse.Namespace) -> None:
    sys.path.insert(0, str(stage.ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "dispatch.settings"
    import django

    django.setup()
    {"alone": alone, "long": long}.get(options.drive, one_of_many)(options)


def alone(options: argparse.Namespace) -> None:
    append, plain = ways(10**15)
    append(), plain()
    speeds: dict[str, list[float]] = {"append": [], "plain": []}
    for _ in range(options.rounds):
        for name, add in (("append", append), ("plain", plain)):
            begun = time.perf_counter()
            for _ in range(AT_ONCE):
                add()
            speeds[name].append(AT_ONCE / (time.perf_counter() - begun))
    empty_of_plain()
    print(json.dumps({name: statistics.median(found) for name, found in speeds.items()}))


def one_of_many(options: argparse.Namespace) -> None:
    append, plain = ways(options.start)
    add = plain if options.drive == "plain" else append
    add()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(AT_ONCE):
        add()
    if options.drive == "plain":
        empty_of_plain()


def ways(first: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """A row through the chain, and the same row without one."""
    from itertools import count

    from django.utils import timezone

    from dispatch.models import Activity
    from dispatch.services.audit.activity import Kind, record

    numbers = count(first)

    def plain() -> None:
        Activity.objects.create(
            number=next(numbers),
            at=timezone.now(),
            kind="exported",
            detail={"what": "jobs", "rows": 5},
            hash="0" * 64,
        )

    return lambda: record(Kind.EXPORTED, what="jobs", rows=5), plain


def empty_of_plain() -> None:
    from dispatch.models import Activity

    Activity.objects.filter(hash="0" * 64).delete()


def long(options: argparse.Namespace) -> None:
    """Lengthen the chain in bulk, then verify it."""
    from django.db import transaction
    from django.utils import timezone

    from dispatch.models import Activity, ActivityHead
    from dispatch.models.activity import COLUMNS, row_hash
    from dispatch.services.audit import evidence

    with transaction.atomic():
        head = ActivityHead.locked()
        key, batch = head.key, []
        for _ in range(options.rows):
            head.number += 1
            row = Activity(
                number=head.number,
                at=timezone.now(),
                kind="write",
                person_id=7,
                person_email="bob@dispatch.example",
                subject="JOB-0001",
                detail={"state": "accepted", "status": 200, "write": "cancel"},
            )
            values = tuple(getattr(row, name) for name in COLUMNS)
            row.hash = head.hash = row_hash(key, head.hash, values)
            batch.append(row)
            if len(batch) == 2000 or head.number == options.rows:
                Activity.objects.bulk_create(batch)
                batch = []
        Activity.objects.bulk_create(batch)
        head.save_sealed()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    proof = evidence.verify()
    seconds = time.perf_counter() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"verify": proof.rows / seconds, "grown": grown}))


if __name__ == "__main__":
    main()
