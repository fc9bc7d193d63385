"""What the first load of the list and of a job's page costs a phone on a slow net: kilobytes as
sent, requests, and the milliseconds until the page is painted and until its scripts have run.
Chromium's cache is empty, and gunicorn runs as the Procfile starts it.

    python bench/pages.py [--rounds 5] [--latency 400] [--rate 50] [--json]

``--latency`` is a round trip in milliseconds, ``--rate`` kilobytes a second, both as Chromium's
network emulation takes them. What a page asks for within a second of being loaded counts, heads of
answers too. ``CHROMIUM`` may name a browser.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
from typing import Any

import freshness
import stage
from playwright.sync_api import Browser, Page, sync_playwright

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventStart"
"""Scripts of modules run before it."""
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=int, default=400)
    parser.add_argument("--rate", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.rounds, options.latency, options.rate)
    stage.table([{"page": name, **figures} for name, figures in found.items()])
    if options.json:
        print(json.dumps(found))


def measure(rounds: int, latency: int, rate: int) -> dict[str, Figures]:
    """Return the medians of ``kb``, ``requests``, ``first_paint_ms`` and ``ready_ms`` by page."""
    with (
        stage.database("sqlite") as env,
        stage.sandbox("--no-life", "--jobs", "300") as amazon,
    ):
        env = {**os.environ, **env, **stage.pointed_at(amazon)}
        (key,) = freshness.settled(env, 1)
        freshness.collect_static(env)
        with freshness.web(env) as (url, _), freshness.process(env, "manage.py", "worker"):
            page = freshness.Page(url, key)
            freshness.wait_until_loaded([page])
            found = re.search(r'class="row__link"[^>]* href="([^"]+)"', page.show())
            assert found, "the list shows no job"
            pages = {"list": f"{url}/jobs/", "job": f"{url}{found[1]}"}
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
                return {
                    name: _medians(
                        [_first_load(browser, at, key, latency, rate) for _ in range(rounds)]
                    )
                    for name, at in pages.items()
                }


def chromium() -> str | None:
    """Return where the browser is; None for playwright's own."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def _medians(rounds: list[Figures]) -> Figures:
    return {name: round(statistics.median(one[name] for one in rounds), 1) for name in rounds[0]}


def _first_load(browser: Browser, address: str, key: str, latency: int, rate: int) -> Figures:
    context = browser.new_context(**PHONE)
    context.add_cookies([{"name": "sessionid", "value": key, "url": address}])
    page = context.new_page()
    sent = _counted(page, latency, rate)
    page.goto(address, wait_until="load", timeout=120_000)
    page.wait_for_timeout(1000 + latency)
    paint, ready = page.evaluate(PAINT), page.evaluate(READY)
    context.close()
    kb = sum(sent) / 1000
    return {"kb": kb, "requests": len(sent), "first_paint_ms": paint, "ready_ms": ready}


def _counted(page: Page, latency: int, rate: int) -> list[float]:
    """Slow the page's net down; return a list that grows by the bytes of each answer."""
    net = page.context.new_cdp_session(page)
    sent: list[float] = []
    net.send("Network.enable")
    net.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    net.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": latency,
            "downloadThroughput": rate * 1000,
            "uploadThroughput": rate * 1000,
        },
    )
    return sent


if __name__ == "__main__":
    main()
