"""Real processes on the test's own database: gunicorn that can be killed, and the worker."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import requests
from django.conf import settings
from django.db import connection

from tests.limits import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
_FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')


def environment() -> dict[str, str]:
    """The test's settings, database and sandbox, as another process needs them."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": _database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "QUEUE_URL": f"sqlite:///{settings.QUEUE[1]}",
        "TEST_CACHE_PREFIX": settings.CACHES["default"].get("KEY_PREFIX", ""),
        "PYTHONUNBUFFERED": "1",
    }


def _database_url() -> str:
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    return (
        f"postgres://{config['USER']}:{config['PASSWORD']}@{config['HOST'] or '127.0.0.1'}"
        f":{config['PORT'] or 5432}/{config['NAME']}"
    )


class Web:
    """A gunicorn of its own: the Procfile's kind, on a free port."""

    def __init__(self, folder: Path, name: str) -> None:
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it unless it runs; returns when it answers."""
        if self.process is not None:
            return
        command = [sys.executable, "-m", "gunicorn", "dispatch.wsgi", "--worker-class", "gthread"]
        command += ["--workers", "1", "--threads", "8", "--bind", "127.0.0.1:0"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._listens, "gunicorn's start")
        wait_until(self._answers, "gunicorn's first answer")

    def _listens(self) -> bool:
        found = re.search(r"Listening at: (http://\S+)", self.log.read_text())
        self.url = found[1] if found else ""
        return found is not None

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/healthz", timeout=PATIENCE).ok
        return False

    def kill(self) -> None:
        """As the power cut does it: every process of it, at once, without a word."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
            self.process = None


class Browser:
    """A person at the pages, without JavaScript."""

    def __init__(self, web: Web, email: str, password: str) -> None:
        self.web = web
        self.session = requests.Session()
        self.session.trust_env = False
        form = self.form("/account/login/")
        answer = self.post("/account/login/", {**form, "login": email, "password": password})
        assert answer.ok and "/account/login" not in answer.url, "the log-in was refused"

    def get(self, path: str) -> str:
        answer = self.session.get(self.web.url + path, timeout=PATIENCE)
        assert answer.ok, f"{path}: {answer.status_code}"
        return answer.text

    def form(self, path: str) -> dict[str, str]:
        """The hidden fields of the form on a page, its key among them."""
        hidden = dict(_FIELD.findall(self.get(path)))
        names = ("csrfmiddlewaretoken", "key", "appointment")
        return {name: hidden[name] for name in names if name in hidden}

    def post(self, path: str, form: dict[str, str]) -> requests.Response:
        return self.session.post(self.web.url + path, form, timeout=PATIENCE)


def run_worker(until: Callable[[], object]) -> None:
    """The worker's command until something is so; then it is asked to stop, and does."""
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: until() or worker.poll() is not None, "the worker's work")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
    finally:
        worker.kill()
        worker.wait(PATIENCE)


def run_script(text: str, *arguments: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", text, *arguments],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
