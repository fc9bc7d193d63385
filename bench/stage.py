"""What the benchmarks share: a sandbox of their own, databases of their own, the report."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/14")
CREDENTIALS = {
    "refresh_token": "Atzr|sandbox",
    "lwa_app_id": "amzn1.application-oa2-client.sandbox",
    "lwa_client_secret": "sandbox-secret",
}


def pointed_at(url: str) -> dict[str, str]:
    """The environment that points the client at a sandbox."""
    return {
        "DISPATCH_DEMO": "true",
        "SP_API_ENDPOINT": url,
        "SP_API_TOKEN_URL": f"{url}/auth/o2/token",
        "SP_API_CONSENT_URL": url,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def post(url: str, body: Any) -> None:
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=30).close()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


@contextlib.contextmanager
def sandbox(*options: str) -> Iterator[str]:
    """A sandbox process of this run; gives its address."""
    port = free_port()
    command = [sys.executable, "-m", "dispatch.sandbox", "--port", str(port), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(f"{url}/_sandbox/health")
            yield url
        finally:
            process.terminate()


def wait_for(url: str, seconds: float = 30, every: float = 0.1) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(every)
        else:
            return


@contextlib.contextmanager
def database(kind: str) -> Iterator[dict[str, str]]:
    """The environment of a migrated database that is gone afterwards.

    ``sqlite`` and ``postgres`` hold everything but the queue, which is a SQLite file; ``redis`` is
    SQLite with the cache, and so the rate plans, on Redis; ``scale`` is PostgreSQL with cache and
    queue on Redis, as on many machines.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        env = {
            "SECRET_KEY": "a secret of this benchmark and of nothing else",
            "FIELD_KEYS": "dGVzdHMga2V5IG9mIGV4YWN0bHkgMzIgYnl0ZXMhISE=",
            "DISPATCH_ENV_FILE": "",
            "SECURE_COOKIES": "false",
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
            "CACHE_URL": REDIS if kind in ("redis", "scale") else "",
            "QUEUE_URL": REDIS if kind == "scale" else f"sqlite:///{folder}/queue.sqlite3",
        }
        if kind in ("postgres", "scale"):
            env["DATABASE_URL"] = stack.enter_context(_postgres())
        if env["CACHE_URL"]:
            _flush(env["CACHE_URL"])
        run("migrate", env=env)
        run("createcachetable", env=env)
        yield env


def _flush(url: str) -> None:
    """Nothing of an earlier run: neither its tokens nor its rings."""
    import redis

    with redis.Redis.from_url(url) as server:
        server.flushdb()


_NUMBERS = itertools.count(1)


@contextlib.contextmanager
def _postgres() -> Iterator[str]:
    import psycopg

    name = f"dispatch_bench_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(POSTGRES, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield POSTGRES.rsplit("/", 1)[0] + f"/{name}"
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def run(*arguments: str, env: dict[str, str]) -> None:
    command = [sys.executable, "manage.py", *arguments, "--verbosity", "0"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, check=True)


def table(rows: list[dict[str, Any]]) -> None:
    """Print rows of the same keys as a table."""
    if not rows:
        return
    columns = list(rows[0])
    cells = [[_shown(row[column]) for column in columns] for row in rows]
    widths = [max(len(c), *(len(r[i]) for r in cells)) for i, c in enumerate(columns)]
    print("  ".join(c.ljust(w) for c, w in zip(columns, widths, strict=True)))
    for row in cells:
        print("  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)))


def _shown(value: Any) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else f"{value}"
