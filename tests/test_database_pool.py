"""PostgreSQL's connections are shared by a process's threads, and survive the server's restart."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, close_old_connections, connection
from django.db.backends.postgresql.base import DatabaseWrapper

from dispatch.models import Person
from tests.limits import PATIENCE

ROOT = Path(__file__).resolve().parent.parent
LOADED = """
import dispatch.wsgi
from django.db.backends.postgresql.base import DatabaseWrapper
print(len(DatabaseWrapper._connection_pools))
"""
ASKS = """
import django; django.setup()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT 42")
    print(cursor.fetchone()[0])
"""
SETTINGS = {
    "PATH": os.environ["PATH"],
    "SECRET_KEY": "s" * 40,
    "FIELD_KEYS": "dGVzdHMga2V5IG9mIGV4YWN0bHkgMzIgYnl0ZXMhISE=",
    "DISPATCH_ENV_FILE": "",
    "DJANGO_SETTINGS_MODULE": "dispatch.settings",
}


def run(script: str, database_url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**SETTINGS, "DATABASE_URL": database_url},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_loading_the_application_opens_no_pool() -> None:
    """Workers are forked from what has loaded it; a pool's threads would not come along."""
    done = run(LOADED, "postgres://nobody@127.0.0.1:1/nowhere")
    assert (done.stdout, done.returncode) == ("0\n", 0), done.stderr


# --- With a server ----------------------------------------------------------------------------

needs_server = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.database,
    pytest.mark.skipif(
        "postgresql" not in settings.DATABASES["default"]["ENGINE"], reason="not on PostgreSQL"
    ),
]


def on_server(test: Any) -> Any:
    for mark in needs_server:
        test = mark(test)
    return test


def url(port: int | None = None) -> str:
    """The test's own database, through another port where there is one."""
    given = connection.settings_dict
    host = "127.0.0.1" if port else given["HOST"]
    password = f":{given['PASSWORD']}" if given["PASSWORD"] else ""
    address = f"{given['USER']}{password}@{host}:{port or given['PORT'] or 5432}"
    return f"postgres://{address}/{given['NAME']}"


def cut_off_everybody() -> int:
    """What a restart of the server does to its clients; how many there were."""
    import psycopg

    with psycopg.connect(url(), autocommit=True) as admin:
        found = admin.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(found[0]) if found else 0


@on_server
def test_a_restart_of_the_server_is_not_noticed_by_who_comes_after() -> None:
    for _ in range(3):
        assert Person.objects.count() == 0
        close_old_connections()
        assert cut_off_everybody() >= 1
    assert Person.objects.count() == 0


@on_server
def test_a_restart_with_many_idle_connections_is_not_noticed_either() -> None:
    all_at_once = threading.Barrier(8, timeout=PATIENCE)

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            all_at_once.wait()
        close_old_connections()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    close_old_connections()
    assert cut_off_everybody() >= 8
    began = time.monotonic()
    assert Person.objects.count() == 0
    assert time.monotonic() - began < 2


@on_server
def test_who_is_in_the_middle_fails_once_and_then_goes_on() -> None:
    assert Person.objects.count() == 0
    cut_off_everybody()
    with pytest.raises(OperationalError):
        Person.objects.count()
    close_old_connections()
    assert Person.objects.count() == 0


@on_server
def test_more_threads_than_connections_take_turns() -> None:
    most = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    problems: list[Exception] = []
    seen: list[int] = []

    def ask() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid(), pg_sleep(0.02)")
                seen.append(cursor.fetchone()[0])
        except Exception as problem:
            problems.append(problem)
        finally:
            close_old_connections()

    threads = [threading.Thread(target=ask) for _ in range(most * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(seen) == most * 3
    assert len(set(seen)) <= most


@on_server
def test_a_process_that_asked_ends_quietly_and_at_once() -> None:
    started = time.monotonic()
    done = run(ASKS, url())
    assert (done.stdout, done.stderr, done.returncode) == ("42\n", "", 0)
    assert time.monotonic() - started < 10


class Gate:
    """A way to the server that can be shut and opened again."""

    def __init__(self) -> None:
        self.listener: socket.socket | None = None
        self.ends: list[socket.socket] = []
        self.port = 0

    def open(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._let_in, args=(self.listener,), daemon=True).start()

    def shut(self) -> None:
        for end in (self.listener, *self.ends):
            if end is not None:
                with _ignored():
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self.ends.clear()

    def _let_in(self, listener: socket.socket) -> None:
        server = (connection.settings_dict["HOST"], int(connection.settings_dict["PORT"] or 5432))
        with _ignored():
            while True:
                client, _ = listener.accept()
                upstream = socket.create_connection(server)
                self.ends += [client, upstream]
                for one, other in ((client, upstream), (upstream, client)):
                    threading.Thread(target=_carry, args=(one, other), daemon=True).start()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with _ignored():
        while part := one.recv(65536):
            other.sendall(part)


def _ignored() -> Any:
    import contextlib

    return contextlib.suppress(OSError)


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    made.open()
    yield made
    made.shut()


@on_server
def test_a_server_that_was_away_is_found_again_soon(gate: Gate) -> None:
    given = dict(connection.settings_dict)
    far = DatabaseWrapper({**given, "HOST": "127.0.0.1", "PORT": gate.port}, alias="far")

    def ask() -> int:
        try:
            with far.cursor() as cursor:
                cursor.execute("SELECT 42")
                return int(cursor.fetchone()[0])
        finally:
            far.close()

    try:
        assert ask() == 42
        gate.shut()
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(OperationalError):
                ask()
        assert time.monotonic() - started < 15
        gate.open()
        started = time.monotonic()
        assert ask() == 42
        assert time.monotonic() - started < 5
    finally:
        far.close_pool()
