"""Six processes drive one seller up to Amazon's rate plans: how much of a plan is used, what is
refused, and whether a second seller slows the first.

    python bench/throttle.py [--seconds 40] [--stores sqlite,postgres,redis] [--json]

``share`` is the calls that reached the sandbox in the time, over burst + rate × seconds.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import subprocess
import sys
import time
from typing import Any

import stage

PLANS = {
    "1/2": ("assignAppointmentResources", 1, 2),
    "5/20": ("getAppointmmentSlotsByJobId", 5, 20),
    "10/40": ("getServiceJobs", 10, 40),
}
PROCESSES = 6
JOB = "BENCH-JOB-1"
VISIT = "BENCH-JOB-1_visit"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--stores", default="sqlite,postgres,redis")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--drive", nargs=2, metavar=("OPERATION", "TOKEN"))
    options = parser.parse_args()
    if options.drive:
        drive(*options.drive)
        return
    rows = []
    for store in options.stores.split(","):
        with stage.database(store) as env, stage.sandbox("--no-life", "--jobs", "0") as url:
            rows += [measure(store, env, url, plan, options.seconds) for plan in PLANS]
            rows.append(measure(store, env, url, "5/20", options.seconds, sellers=2))
    stage.table(rows)
    if options.json:
        figures: dict[str, Any] = {}
        for row in rows:
            name = row["plan"] if row["sellers"] == 1 else f"{row['plan']} two sellers"
            kept = {"refused": row["refused"], "share": row["share"]}
            figures.setdefault(row["store"], {})[name] = kept
        print(json.dumps(figures))


def measure(
    store: str, env: dict[str, str], url: str, plan: str, seconds: float, sellers: int = 1
) -> dict[str, Any]:
    operation, rate, burst = PLANS[plan]
    stage.post(f"{url}/_sandbox/scenario", world())
    tokens = ["Atzr|sandbox", "Atzr|sandbox-de"][:sellers]
    children = [
        subprocess.Popen(
            [sys.executable, __file__, "--drive", operation, token],
            env={**os.environ, **env, **stage.pointed_at(url)},
            cwd=stage.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for token in tokens
        for _ in range(PROCESSES)
    ]
    for child in children:
        child.stdout.readline()  # It has set itself up.
    until = time.time() + seconds + 3
    for child in children:
        child.stdin.write(f"{until}\n")
        child.stdin.flush()
    failed = sum(child.wait() != 0 for child in children)
    calls = [c for c in stage.get(f"{url}/_sandbox/state")["calls"] if c["operation"] == operation]
    moments = sorted(dt.datetime.fromisoformat(call["at"]).timestamp() for call in calls)
    served = sum(moment <= moments[0] + seconds for moment in moments)
    allowed = (burst + rate * seconds) * sellers
    return {
        "store": store,
        "plan": plan,
        "sellers": sellers,
        "calls": served,
        "allowed": allowed,
        "share": served / allowed,
        "refused": sum(call["status"] == 429 for call in calls),
        "failed": failed,
    }


def world() -> dict[str, Any]:
    start = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
    visit = {
        "appointmentId": VISIT,
        "appointmentStatus": "ACTIVE",
        "appointmentTime": {
            "startTime": (start + dt.timedelta(days=2)).isoformat(),
            "durationInMinutes": 60,
        },
    }
    job = {"serviceJobId": JOB, "serviceJobStatus": "NOT_SERVICED", "appointments": [visit]}
    return {"now": None, "jobs": [job], "resources": [{"resourceId": "R1", "name": "Bench"}]}


def drive(operation: str, token: str) -> None:
    """One process: calls as fast as the shared plan lets it, until the moment it is told."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dispatch.settings"
    sys.path.insert(0, str(stage.ROOT))
    import django

    django.setup()
    from django.conf import settings

    from dispatch.services.amazon.throttle import DatabaseThrottle, RedisThrottle
    from dispatch.spapi import (
        Marketplaces,
        SellingApiForbiddenException,
        SellingApiUnprocessableException,
        Services,
        ThrottledLocally,
    )

    throttle: Any = DatabaseThrottle(person_waits=30)
    if settings.CACHES["default"]["BACKEND"].endswith("RedisCache"):
        throttle = RedisThrottle(settings.CACHES["default"]["LOCATION"], person_waits=30)
    place = Marketplaces.DE if token.endswith("-de") else Marketplaces.US
    services = Services(
        place, credentials={**stage.CREDENTIALS, "refresh_token": token}, throttle=throttle
    )
    since = dt.datetime.now(dt.UTC)
    calls = {
        "assignAppointmentResources": lambda: services.assign_appointment_resources(
            JOB, VISIT, resources=[{"resourceId": "R1"}]
        ),
        "getAppointmmentSlotsByJobId": lambda: services.get_appointmment_slots_by_job_id(
            JOB, startTime=since, endTime=since + dt.timedelta(hours=12)
        ),
        "getServiceJobs": lambda: services.get_service_jobs(createdAfter=since),
    }
    print("ready", flush=True)
    until = float(sys.stdin.readline())
    while time.time() < until:
        try:
            calls[operation]()
        except (SellingApiForbiddenException, SellingApiUnprocessableException):
            pass  # The other seller does not know the job; the call counts all the same.
        except ThrottledLocally:
            return


if __name__ == "__main__":
    main()
