"""However often a form is sent, Amazon gets one write."""

from __future__ import annotations

import threading

import pytest
import requests
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from dispatch.models import Action, Person
from tests.conftest import Amazon
from tests.e2e import steps
from tests.e2e.conftest import Load, OpenBrowser, Watch

pytestmark = pytest.mark.e2e

ADDRESS = "/jobs/JOB-0001/add-appointment/"


def typed(page: Page) -> dict[str, str | float | bool]:
    """The form on its own page, filled in, as a browser would send it."""
    return {
        "csrfmiddlewaretoken": page.locator(".task [name=csrfmiddlewaretoken]").input_value(),
        "key": page.locator("input[name=key]").input_value(),
        "start": steps.local(steps.soon(2)),
    }


@steps.AT_BOTH
@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_double_click_adds_one_appointment(
    open_browser: OpenBrowser, screen: str, script: bool, load: Load, amazon: Amazon, bob: Person
) -> None:
    load()
    page = open_browser(screen, person=bob, java_script_enabled=script)
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    amazon.faults({"operation": steps.ADD, "kind": "latency", "seconds": 0.5, "times": 1})
    form.get_by_role("button", name="Add appointment", exact=True).dblclick()

    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    assert len(amazon.active("JOB-0001")) == 1
    assert len(amazon.calls(steps.ADD)) == 1
    assert Action.objects.count() == 1


def test_a_busy_button_says_so(page: Page, load: Load, amazon: Amazon) -> None:
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    amazon.faults({"operation": steps.ADD, "kind": "latency", "seconds": 1, "times": 1})
    posts: list[str] = []
    page.on("request", lambda asked: posts.append(asked.url) if asked.method == "POST" else None)
    button = form.get_by_role("button", name="Add appointment", exact=True)
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    expect(button).to_be_disabled()
    button.press("Enter")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    assert len(amazon.calls(steps.ADD)) == 1
    assert len(posts) == 1


def test_the_same_form_posted_twice_at_once_is_one_write(
    page: Page, load: Load, amazon: Amazon, live_server: LiveServer
) -> None:
    load()
    page.goto(ADDRESS)
    form = typed(page)
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    amazon.faults({"operation": steps.ADD, "kind": "latency", "seconds": 0.5, "times": 1})
    answers: list[str] = []

    def post() -> None:
        answers.append(requests.post(live_server.url + ADDRESS, form, cookies=cookies).url)

    both = [threading.Thread(target=post) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    # Both are told the same story: the first one's.
    assert len(answers) == 2
    assert len(set(answers)) == 1
    assert "?done=" in answers[0]
    assert len(amazon.active("JOB-0001")) == 1
    assert len(amazon.calls(steps.ADD)) == 1


def test_a_form_sent_again_from_history_is_the_same_write(
    page: Page, load: Load, amazon: Amazon
) -> None:
    load()
    page.goto(ADDRESS)
    form = typed(page)
    first, second = (page.request.post(ADDRESS, form=form) for _ in range(2))
    assert first.status == second.status == 200
    assert first.url == second.url
    assert len(amazon.calls(steps.ADD)) == 1

    other = page.request.post(ADDRESS, form={**form, "start": steps.local(steps.soon(3))})
    assert other.status == 422
    assert "You already sent this form with other values" in other.text()
    assert len(amazon.active("JOB-0001")) == 1


@steps.AT_BOTH
def test_without_a_connection_everything_is_kept_and_sent_once_later(
    page: Page, load: Load, amazon: Amazon, watch: Watch
) -> None:
    watch.expect("ERR_INTERNET_DISCONNECTED|^htmx:")
    load()
    steps.open_job(page)
    form = steps.start(page, "Add appointment")
    steps.pick(form, steps.soon(2))
    page.context.set_offline(True)
    steps.send(form, "Add appointment")

    toast = page.locator("#toasts .toast")
    expect(toast).to_be_visible()
    expect(toast).to_contain_text("No answer yet. What you typed is still here.")
    expect(page.locator("#dialog")).to_be_visible()
    expect(form.get_by_label("Start", exact=True)).to_have_value(steps.local(steps.soon(2)))
    expect(steps.slot(form, steps.soon(2))).to_be_checked()
    assert amazon.calls(steps.ADD) == []

    page.context.set_offline(False)
    steps.send(form, "Add appointment")
    expect(steps.notice(page)).to_contain_text("Appointment added: accepted.")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(toast).to_be_hidden()
    assert len(amazon.active("JOB-0001")) == 1
    assert len(amazon.calls(steps.ADD)) == 1
