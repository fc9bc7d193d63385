"""How soon a cold start serves its first page, and how much memory web and worker then hold.

    python bench/start.py [--jobs 600] [--json]

The Procfile's web (two gunicorn processes of eight threads) and worker, on SQLite with a seller
whose jobs come from the sandbox. "Cold" is a new process: the system has the files at hand. Memory
is the proportional share of each process tree (PSS), after a hundred pages and a first load.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import freshness
import stage

PAGES = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure(options.jobs)
    stage.table([figures])
    if options.json:
        print(json.dumps(figures))


def measure(jobs: int) -> dict[str, Any]:
    """Seconds to the first page, milliseconds for the next, MB of web and worker."""
    with (
        stage.database("sqlite") as env,
        stage.sandbox("--no-life", "--jobs", str(jobs)) as amazon,
    ):
        env = {**os.environ, **env, **stage.pointed_at(amazon)}
        (key,) = freshness.settled(env, 1)
        with freshness.process(env, "manage.py", "worker") as worker:
            freshness.collect_static(env)
            began = time.monotonic()
            with freshness.web(env) as (url, server):
                page = freshness.Page(url, key)
                page.show()
                first = time.monotonic() - began
                freshness.wait_until_loaded([page])
                times = [_timed(page) for _ in range(PAGES)]
                return {
                    "first_page_s": round(first, 2),
                    "next_page_ms": round(sorted(times)[PAGES // 2] * 1000, 1),
                    "web_mb": round(_memory(server.pid)),
                    "worker_mb": round(_memory(worker.pid)),
                }


def _timed(page: freshness.Page) -> float:
    began = time.monotonic()
    page.show()
    return time.monotonic() - began


def _memory(pid: int) -> float:
    """MB that a process and its children hold, shared pages divided among their holders."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    (own,) = re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(own) / 1024 + sum(_memory(int(child)) for child in children)


if __name__ == "__main__":
    main()
