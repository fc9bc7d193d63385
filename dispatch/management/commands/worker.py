"""The background process: keeps the mirror fresh and settles what a lost answer left open."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections

from dispatch.services import ledger, sync

log = logging.getLogger(__name__)

PAUSE = 1.0
"""Seconds between looks at what is due."""


class Command(BaseCommand):
    help = "Keep every seller's jobs up to date until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        self.stdout.write("worker: ready")
        while not stop.is_set():
            _work_once()
            stop.wait(PAUSE)


def _work_once() -> None:
    close_old_connections()
    for work in (sync.run_due, ledger.settle_open):
        try:
            work()
        except DatabaseError:
            # The rows keep what is due; a database that is away for a while must not end us.
            log.exception("the database did not take part; trying again")
