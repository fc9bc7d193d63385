"""The background process: fetches changes, sends and settles writes, erases, raises alarms."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone
from django.utils.translation import gettext

from dispatch.services.audit import alarms
from dispatch.services.mirror import queue, tasks
from dispatch.services.upkeep import retention
from dispatch.services.writes import settling, waiting

log = logging.getLogger(__name__)

TICK = 0.5
"""Seconds between looks at what is due."""
SETTLE_PAUSE = 5.0
"""Seconds between looks for writes that are not confirmed."""
ALARM_PAUSE = 60.0
"""Seconds between looks for what is unusual."""
ERASE_PAUSE = 3600.0
"""Seconds between looks for what must not be kept any longer."""
HEALTH_PAUSE = 10.0


class Command(BaseCommand):
    help = gettext("Keep every seller's jobs up to date until stopped; any number may run.")

    def handle(self, *args: Any, **options: Any) -> None:
        tasks.stopping.clear()
        staffs = [
            queue.changes().staff(settings.WORKER_THREADS),
            queue.long_work().staff(max(1, settings.WORKER_THREADS // 4)),
            waiting.bell().staff(max(1, settings.WORKER_THREADS // 2)),
        ]
        for staff in staffs:
            staff.start()
        # After the consumers, which would take the signals for themselves.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: tasks.stopping.set())
        rounds = [
            threading.Thread(target=_every, args=(TICK, queue.tick)),
            threading.Thread(target=_every, args=(TICK, waiting.tick)),
            threading.Thread(target=_every, args=(SETTLE_PAUSE, settling.settle_open)),
            threading.Thread(target=_every, args=(ALARM_PAUSE, _look_for_the_unusual)),
            threading.Thread(target=_every, args=(ERASE_PAUSE, _erase_what_is_over)),
        ]
        for one in rounds:
            one.start()
        self.stdout.write("worker: ready")
        self.stdout.flush()
        while not tasks.stopping.wait(HEALTH_PAUSE):
            for staff in staffs:
                staff.check_worker_health()
        for staff in staffs:
            staff.stop()
        for staff in staffs:
            staff.stop(graceful=True)
        for one in rounds:
            one.join()


def _look_for_the_unusual() -> None:
    alarms.look(timezone.now())


def _erase_what_is_over() -> None:
    retention.run(timezone.now())


def _every(pause: float, work: Callable[[], object]) -> None:
    """Do the work again and again until this process is to end.

    The rows keep what is due: nothing that goes wrong once may end the process that retries.
    """
    while not tasks.stopping.wait(pause):
        close_old_connections()
        try:
            work()
        except Exception:
            log.exception("%s failed; trying again", work.__name__)
        finally:
            close_old_connections()
