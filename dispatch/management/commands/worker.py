"""The background process: keeps the mirror fresh and settles what a lost answer left open."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from dispatch.services import ledger, sync

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between looks at what is due."""
SETTLE_PAUSE = 5.0
"""Seconds between looks for writes that are not confirmed."""


class Command(BaseCommand):
    help = "Keep every seller's jobs up to date until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        self.stdout.write("worker: ready")
        settled_at = 0.0
        while not stop.is_set():
            close_old_connections()
            _attempt(sync.run_due)
            if time.monotonic() - settled_at > SETTLE_PAUSE:
                _attempt(ledger.settle_open)
                settled_at = time.monotonic()
            stop.wait(PAUSE)


def _attempt(work: Callable[[], object]) -> None:
    """The rows keep what is due: nothing that goes wrong once may end the process that retries."""
    try:
        work()
    except Exception:
        log.exception("%s failed; trying again", work.__name__)
