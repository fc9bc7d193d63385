"""Calls per second through one connection on loopback, in turn in one run: bare urllib3, a bare
requests.Session, python-amazon-sp-api, ours without and with the default throttle; and the memory
of a thousand sellers' clients at once.

    python bench/client.py [--rounds 40] [--calls 50] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from types import SimpleNamespace

import stage

PATH = "/service/v1/serviceJobs/JOB-1"
ANSWER = json.dumps({"payload": {"serviceJobId": "JOB-1", "serviceJobStatus": "HOLD"}}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    port = stage.free_port()
    with subprocess.Popen([sys.executable, __file__, "--serve", str(port)]) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            os.environ.update(stage.pointed_at(url))
            sys.path.insert(0, str(stage.ROOT))
            stage.wait_for(url + PATH)
            rates = compare(sides(url), options.rounds, options.calls)
        finally:
            server.terminate()
    report(rates, memory(), as_json=options.json)


def sides(url: str) -> dict[str, Callable[[], object]]:
    import requests
    import urllib3

    from dispatch.spapi import LocalThrottle, Services

    headers = {"x-amz-access-token": "Atza|bench", "user-agent": "bench"}
    pool = urllib3.PoolManager()
    session = requests.Session()
    bare = Services(credentials=stage.CREDENTIALS, throttle=None)
    # The plan would stop a benchmark after its burst: the default throttle with a plan of its own.
    limited = Services(credentials=stage.CREDENTIALS, throttle=_Wide(LocalThrottle()))
    return {
        "urllib3": lambda: json.loads(pool.request("GET", url + PATH, headers=headers).data),
        "requests": lambda: session.get(url + PATH, headers=headers).json(),
        "python-amazon-sp-api": published(url),
        "ours": lambda: bare.get_service_job_by_service_job_id("JOB-1").payload,
        "ours, throttled": lambda: limited.get_service_job_by_service_job_id("JOB-1").payload,
    }


class _Wide:
    """The default throttle, its arithmetic and locks, with room for every call."""

    def __init__(self, inner: object) -> None:
        self._inner = inner

    def acquire(self, key: str, rate: float, burst: int, **options: object) -> float:
        return self._inner.acquire(key, 1e6, 1_000_000, **options)

    def adjust(self, key: str, rate: float) -> None:
        """Amazon's rate is not the benchmark's."""


def published(url: str) -> Callable[[], object]:
    """python-amazon-sp-api, pointed at the same server and spared its token exchange."""
    from sp_api.api import Services
    from sp_api.auth import AccessTokenClient

    AccessTokenClient.get_auth = lambda self: SimpleNamespace(access_token="Atza|bench")
    place = SimpleNamespace(endpoint=url, marketplace_id="ATVPDKIKX0DER", region="us-east-1")
    client = Services(marketplace=place, credentials=stage.CREDENTIALS)
    return lambda: client.get_service_job_by_service_job_id("JOB-1").payload


def compare(calls: dict[str, Callable[[], object]], rounds: int, count: int) -> dict[str, float]:
    """Calls per second by name: the median over rounds in which the sides take turns."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        for _ in range(20):
            call()
    for _ in range(rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            for _ in range(count):
                call()
            found[name].append(count / (time.perf_counter() - started))
    return {name: statistics.median(values) for name, values in found.items()}


def memory() -> dict[str, float]:
    """Megabytes that a thousand sellers' clients take, and the threads they start."""
    from dispatch.spapi import Services

    before = threading.active_count()
    tracemalloc.start()
    clients = [
        Services(credentials={**stage.CREDENTIALS, "refresh_token": f"Atzr|{number}"})
        for number in range(1000)
    ]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "clients": len(clients),
        "megabytes": taken / 2**20,
        "threads": threading.active_count() - before,
    }


def report(rates: dict[str, float], kept: dict[str, float], *, as_json: bool) -> None:
    theirs, floor = rates["python-amazon-sp-api"], rates["urllib3"]
    stage.table(
        [
            {
                "client": name,
                "calls/s": rate,
                "× python-amazon-sp-api": rate / theirs,
                "× urllib3": rate / floor,
            }
            for name, rate in rates.items()
        ]
    )
    print(f"{kept['clients']} clients at once: {kept['megabytes']:.1f} MB, "
          f"{kept['threads']} threads")  # fmt: skip
    if as_json:
        print(json.dumps({**rates, "memory_mb": kept["megabytes"]}))


def serve(port: int) -> None:
    """A server that costs next to nothing: fixed bytes for every request."""
    import asyncio

    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-amzn-RequestId: bench\r\n"
        b"Content-Length: " + str(len(ANSWER)).encode() + b"\r\n\r\n"
    )
    token = json.dumps({"access_token": "Atza|bench", "expires_in": 3600}).encode()
    token_head = head.replace(str(len(ANSWER)).encode(), str(len(token)).encode())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                request = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            if b"/auth/o2/token" in request:
                length = int(request.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(token_head + token)
            else:
                writer.write(head + ANSWER)

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
