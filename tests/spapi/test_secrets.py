"""Secrets, tokens and buyers never show: not in a repr, a text, a traceback or a log."""

from __future__ import annotations

import copy
import gc
import logging
import pickle
import traceback

import pytest

from dispatch.spapi import (
    AuthorizationError,
    LocalThrottle,
    Reply,
    Request,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiOutcomeUnknown,
    ThrottledLocally,
)
from dispatch.spapi.exceptions import exception_for_status
from dispatch.spapi.transport import PooledTransport, TransportFault

SECRETS = ("Atzr|refresh-secret", "client-secret", "Atza|", "Ada Lovelace", "12 Elm Street")
BUYER = {"payload": {"buyer": {"name": "Ada Lovelace", "addressLine1": "12 Elm Street"}}}


def assert_clean(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


def everything_about(error: BaseException) -> str:
    """Text, repr, and a traceback with the local variables of every frame of ours."""
    tale = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in tale.stack if "dispatch/spapi" in frame.filename]
    tale.stack = traceback.StackSummary.from_list(frames)
    assert frames
    return "".join([str(error), repr(error), repr(error.args), *tale.format(chain=True)])


FAILURES = {
    "refused": {"status": 422, "content": {"errors": [{"code": "X", "message": "no"}]}},
    "errors in 200": {"content": {**BUYER, "errors": [{"code": "X", "message": "no"}]}},
    "unreadable": {"content": b'"Ada Lovelace, 12 Elm Street"'},
    "html": {"status": 400, "content": b"<html>Ada Lovelace</html>"},
    "cut": {"cut": 0},
    "cut in the body": {"content": BUYER, "cut": 20},
    "unavailable": {"status": 503, "content": b"Ada Lovelace"},
}
CALLS = [
    lambda s: s.get_service_job_by_service_job_id("J"),
    lambda s: s.add_appointment_for_service_job_by_service_job_id("J", appointmentTime={}),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=list(FAILURES))
def test_a_failed_call_shows_nothing(failure, call, amazon, services, say, caplog):
    caplog.set_level(logging.DEBUG)
    amazon.default = say(**failure)
    with pytest.raises(SellingApiException) as caught:
        call(services)
    assert_clean(everything_about(caught.value))
    assert_clean(caplog.text)


@pytest.mark.parametrize("failure", FAILURES.values(), ids=list(FAILURES))
def test_nothing_of_the_library_hangs_on_an_exception(failure, amazon, services, say):
    amazon.default = say(**failure)
    with pytest.raises(SellingApiException) as caught:
        services.get_service_jobs()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_a_connection_that_cannot_be_made_shows_nothing(connect, monkeypatch):
    monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(SellingApiConnectionException) as caught:
        connect().get_service_jobs(trackingIds=["42-of-a-buyer"])
    assert_clean(everything_about(caught.value))
    assert "42-of-a-buyer" not in f"{caught.value!s} {caught.value!r}"
    assert "127.0.0.1" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("status", [400, 503])
def test_a_refused_log_in_shows_nothing(status, amazon, connect, say, caplog):
    caplog.set_level(logging.DEBUG)
    echo = "bad Atzr|refresh-secret and client-secret"
    answer = say(status, {"error": "invalid_grant", "error_description": echo})
    amazon.token_script += [answer] * 5
    with pytest.raises(AuthorizationError) as caught:
        connect().get_service_jobs()
    assert_clean(everything_about(caught.value))
    assert_clean(caplog.text)
    assert caught.value.error_description == "bad … and …"


def test_a_renewal_that_fails_shows_nothing(amazon, services, say):
    services.get_service_jobs()
    amazon.say(say(401, []))
    amazon.token_script.append(say(400, {"error": "invalid_grant"}))
    with pytest.raises(AuthorizationError) as caught:
        services.get_service_jobs()
    assert_clean(everything_about(caught.value))


def test_reprs_show_nothing(amazon, services, say):
    amazon.default = say(200, BUYER)
    response = services.get_service_job_by_service_job_id("J")
    line = services._line
    assert line is not None
    shown = [services, line, line.tokens, line.tokens.get_auth(), response]
    for thing in shown:
        assert_clean(f"{thing!r} {thing}")
    assert response.buyer["name"] == "Ada Lovelace"
    request = Request(
        "GET", "https://x", "/Ada Lovelace", {"t": "Atza|x"}, b"client-secret", (1, 1)
    )
    assert_clean(repr(request))
    assert_clean(repr(Reply(200, {}, b"Ada Lovelace")))


def test_a_header_that_cannot_be_sent_is_refused_unseen(connect):
    with pytest.raises(ValueError, match="restricted_data_token") as caught:
        connect(restricted_data_token="Atza|bad\r\nx: y")
    assert_clean(str(caught.value))


def test_the_fault_of_the_transport_has_no_past(amazon, say):
    amazon.default = say(cut=0)
    request = Request("GET", amazon.url, "/x", {"x-amz-access-token": "Atza|x"}, None, (1, 1))
    with pytest.raises(TransportFault) as caught:
        PooledTransport()(request)
    assert caught.value.__context__ is None
    assert_clean(everything_about(caught.value))


def test_buckets_and_tokens_are_kept_under_digests(amazon, connect, time):
    throttle = LocalThrottle(clock=time.clock, sleep=time.sleep)
    connect(throttle=throttle).get_service_jobs()
    assert_clean(repr(list(throttle._buckets)))


def test_a_closed_client_holds_no_secret(connect):
    services = connect()
    services.close()
    gc.collect()
    assert_clean(repr(vars(services)))


class TestTexts:
    """What an exception says is enough to act on."""

    def test_it_names_operation_status_code_message_and_request(self, amazon, services, say):
        amazon.default = say(422, {"errors": [{"code": "InvalidInput", "message": "Job gone"}]})
        with pytest.raises(SellingApiException) as caught:
            services.complete_service_job_by_service_job_id("J")
        expected = (
            "completeServiceJobByServiceJobId: HTTP 422: InvalidInput Job gone (request req-1)"
        )
        assert str(caught.value) == expected

    def test_long_messages_are_cut_in_texts_only(self):
        error = SellingApiException([{"message": "x" * 1000}])
        assert len(str(error)) < 400
        assert len(error.message) == 1000

    def test_no_answer_is_said_so(self):
        assert str(SellingApiException(operation="getServiceJobs")) == "getServiceJobs: no answer"

    def test_the_older_way_to_make_one_works(self):
        error = exception_for_status(404)([{"code": "C", "message": "m"}], {"a": "b"})
        assert (error.code, error.amzn_code, error.message) == (404, "C", "m")
        assert error.headers == {"a": "b"}

    @pytest.mark.parametrize("again", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))])  # noqa: S301
    def test_they_survive_the_queue(self, again, amazon, services, say):
        amazon.default = say(503, {"errors": [{"code": "C", "message": "m"}]})
        with pytest.raises(SellingApiOutcomeUnknown) as caught:
            services.create_reservation()
        twin = again(caught.value)
        assert type(twin) is type(caught.value)
        assert (twin.code, twin.cause, twin.error, str(twin)) == (
            503,
            "HTTP 503",
            [{"code": "C", "message": "m"}],
            str(caught.value),
        )
        assert again(ThrottledLocally(2.5, operation="x")).retry_after == 2.5
