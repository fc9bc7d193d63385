"""A browser at a desk or on a phone, logged in, that keeps an eye on console and network."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect
from pytest_django.live_server_helper import LiveServer

from dispatch.models import Person, Seller
from dispatch.services.mirror import sync
from tests import limits
from tests.conftest import Amazon, MakeJob, run_due

SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 2,
        "has_touch": True,
        "is_mobile": True,
    },
}
QUIET_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MILLISECONDS = 1000
REFUSED = re.compile(r"status of 422")
"""Chromium writes every such answer into the console, the one to a form with a mistake too."""
REPLACED = re.compile(r"^htmx:(afterRequest|sendAbort), ")
"""A newer request of the same form stopped an older one, as it should; htmx writes that, too."""


expect.set_options(timeout=limits.PATIENCE * MILLISECONDS)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """This machine's own Chromium."""
    named = os.environ.get("CHROMIUM", "")
    found = named or shutil.which("chromium") or shutil.which("/usr/bin/chromium")
    if not found:
        missing = "No Chromium was found; CHROMIUM may name one."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return {"executable_path": found, "args": QUIET_CHROMIUM}


@pytest.fixture
def screen() -> str:
    return "desk"


@pytest.fixture(autouse=True)
def empty_cache(transactional_db: None) -> None:
    """The cache outlives a test's tables, and with it what limits log-ins."""
    cache.clear()


@pytest.fixture(autouse=True)
def codes_may_come_late(settings: Any) -> None:
    """A code is typed as soon as it is read; a busy machine may send it in the next half minute."""
    settings.MFA_TOTP_TOLERANCE = 1


class Watch:
    """What a page must never do: complain in the console, or ask another origin."""

    def __init__(self, origin: str) -> None:
        self.origin = urlsplit(origin).netloc
        self.complaints: list[str] = []
        self.strays: list[str] = []
        self.expected = [REFUSED, REPLACED]
        self.deaf = False

    def expect(self, pattern: str) -> None:
        """Allow what a test provokes, such as a lost connection."""
        self.expected.append(re.compile(pattern))

    @contextlib.contextmanager
    def looking_away(self) -> Iterator[None]:
        """While a test does to the page what the page never does."""
        self.deaf = True
        yield
        self.deaf = False

    def heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not self.deaf:
            self.complaints.append(message.text)

    def broke(self, error: Any) -> None:
        self.complaints.append(f"uncaught: {error}")

    def asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob", "about") and address.netloc != self.origin:
            self.strays.append(request.url)

    def check(self) -> None:
        assert not self.strays, "a request to another origin"
        unexpected = [
            words
            for words in self.complaints
            if not any(pattern.search(words) for pattern in self.expected)
        ]
        assert not unexpected, "a complaint in the console"


OpenBrowser = Callable[..., Page]


@pytest.fixture
def watch(live_server: LiveServer) -> Iterator[Watch]:
    """Checked when the test is over."""
    kept = Watch(live_server.url)
    yield kept
    kept.check()


@pytest.fixture
def open_browser(browser: Browser, live_server: LiveServer, watch: Watch) -> Iterator[OpenBrowser]:
    """Opens a fresh browser: ``open_browser("phone", person=bob, java_script_enabled=False)``."""
    opened: list[BrowserContext] = []

    def open_one(screen: str, *, person: Person | None = None, **more: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, **{**SCREENS[screen], **more})
        opened.append(context)
        context.set_default_timeout(limits.PATIENCE * MILLISECONDS)
        context.on("console", watch.heard)
        context.on("weberror", lambda error: watch.broke(error.error))
        context.on("request", watch.asked)
        if person:
            log_in(context, person, live_server.url)
        return context.new_page()

    yield open_one
    for context in opened:
        context.close()


def log_in(context: BrowserContext, person: Person, url: str) -> None:
    """Give the browser a session; one test goes through the form itself."""
    client = Client()
    client.force_login(person, "allauth.account.auth_backends.AuthenticationBackend")
    value = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": value, "url": url, "httpOnly": True}])


@pytest.fixture
def page(open_browser: OpenBrowser, screen: str, bob: Person, seller: Seller) -> Page:
    """Bob the dispatcher, logged in."""
    return open_browser(screen, person=bob)


Load = Callable[..., None]


@pytest.fixture
def load(amazon: Amazon, seller: Seller, make_job: MakeJob) -> Load:
    """Puts jobs into Amazon's world and loads them here; without any, one that is pending."""

    def fill(*jobs: dict[str, Any], **scenario: Any) -> None:
        amazon.scenario(*(jobs or (make_job(),)), **scenario)
        sync.start(seller)
        while run_due():
            pass

    return fill
