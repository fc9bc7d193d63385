"""When the network or Amazon fails: what is sent again, and what never is."""

from __future__ import annotations

import socket
import ssl

import pytest
import urllib3

from dispatch.spapi import (
    LocalTokenCache,
    Policy,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiForbiddenException,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    SellingApiServerException,
    SellingApiTemporarilyUnavailableException,
    SellingApiUnauthorizedException,
    SellingApiUnprocessableException,
)
from dispatch.spapi.transport import FaultKind, PooledTransport, TransportFault, classify

REFUSED = {"errors": [{"code": "InvalidInput", "message": "cannot be cancelled"}]}
READS = [
    lambda s: s.get_service_jobs(),
    lambda s: s.get_service_job_by_service_job_id("J"),
    lambda s: s.get_range_slot_capacity("R", startDateTime="x", endDateTime="y"),
    lambda s: s.create_service_document_upload_destination(contentType="PNG", contentLength=1),
]
REPLACING = [
    lambda s: s.assign_appointment_resources("J", "A", resources=[]),
    lambda s: s.set_appointment_fulfillment_data("J", "A", appointmentResources=[]),
    lambda s: s.update_schedule("R", schedules=[]),
    lambda s: s.cancel_service_job_by_service_job_id("J", cancellationReasonCode="V1"),
    lambda s: s.complete_service_job_by_service_job_id("J"),
]
ONCE = [
    lambda s: s.add_appointment_for_service_job_by_service_job_id("J", appointmentTime={}),
    lambda s: s.reschedule_appointment_for_service_job_by_service_job_id("J", "A"),
    lambda s: s.create_reservation(resourceId="R", reservation={}),
    lambda s: s.update_reservation("9", resourceId="R", reservation={}),
    lambda s: s.cancel_reservation("9"),
]


@pytest.mark.parametrize("call", READS + REPLACING)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_harmless_call_is_repeated(call, status, amazon, services, say):
    amazon.say(say(status, b"busy"), say(status, b"busy"))
    amazon.default = say(200, {"payload": {"well": 1}})
    assert call(services).payload == {"well": 1}
    assert len(amazon.heard) == 3


@pytest.mark.parametrize("call", READS + REPLACING)
def test_a_harmless_call_is_repeated_when_the_connection_breaks(call, amazon, services, say):
    amazon.say(say(cut=0), say(200, {"payload": {}}, cut=5))
    amazon.default = say(200, {"payload": {"well": 1}})
    assert call(services).payload == {"well": 1}
    assert len(amazon.heard) == 3


@pytest.mark.parametrize("call", ONCE)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_other_writes_are_sent_once(call, status, amazon, services, say):
    amazon.say(say(status, REFUSED))
    with pytest.raises(SellingApiOutcomeUnknown) as caught:
        call(services)
    assert len(amazon.heard) == 1
    assert caught.value.code == status
    assert caught.value.cause == f"HTTP {status}"
    assert caught.value.request_id == "req-1"
    assert caught.value.amzn_code == "InvalidInput"


@pytest.mark.parametrize("call", ONCE)
@pytest.mark.parametrize("cut", [0, 3])
def test_a_write_whose_answer_is_lost_is_sent_once(call, cut, amazon, services, say):
    amazon.say(say(200, {"appointmentId": "new"}, cut=cut))
    with pytest.raises(SellingApiOutcomeUnknown) as caught:
        call(services)
    assert len(amazon.heard) == 1
    assert caught.value.code == 0
    assert "broke or timed out" in caught.value.cause


def test_a_503_on_a_write_is_still_a_503(amazon, services, say):
    amazon.say(say(503, REFUSED), say(500, REFUSED))
    with pytest.raises(SellingApiTemporarilyUnavailableException):
        ONCE[0](services)
    with pytest.raises(SellingApiServerException):
        ONCE[0](services)


@pytest.mark.parametrize("call", ONCE + REPLACING + READS)
def test_a_429_is_always_repeated(call, amazon, services, say, time):
    amazon.say(say(429, REFUSED), say(429, REFUSED))
    amazon.default = say(200, {"payload": {}})
    call(services)
    assert len(amazon.heard) == 3
    assert len(time.naps) == 2


def test_a_429_waits_at_least_for_the_next_rate_token(amazon, services, say, time):
    amazon.say(say(429, REFUSED))
    REPLACING[0](services)
    assert time.naps[0] >= 1.0


def test_it_waits_as_long_as_the_server_asks(amazon, services, say, time):
    amazon.say(say(503, b"", {"Retry-After": "7"}))
    READS[0](services)
    assert 7 <= time.naps[0] <= 9


def test_it_gives_up_in_time(amazon, services, say, time):
    amazon.default = say(429, REFUSED)
    with pytest.raises(SellingApiRequestThrottledException):
        READS[0](services)
    assert len(amazon.heard) == 5
    assert sum(time.naps) < 20


def test_no_attempt_begins_after_the_deadline(amazon, connect, say, time):
    amazon.default = say(503, b"", {"Retry-After": "8"})
    with pytest.raises(SellingApiTemporarilyUnavailableException):
        READS[0](connect(policy=Policy(deadline=15)))
    assert len(amazon.heard) == 2


@pytest.mark.parametrize("call", REPLACING)
def test_a_refusal_after_a_lost_answer_proves_nothing(call, amazon, services, say):
    """The first one may have worked, and that be the reason for the refusal."""
    amazon.say(say(cut=0), say(422, REFUSED))
    with pytest.raises(SellingApiOutcomeUnknown) as caught:
        call(services)
    assert not isinstance(caught.value, SellingApiUnprocessableException)
    assert caught.value.code == 422
    assert caught.value.message == "cannot be cancelled"
    assert len(amazon.heard) == 2


@pytest.mark.parametrize("call", REPLACING)
def test_a_write_that_never_gets_an_answer_is_unknown(call, amazon, services, say):
    amazon.default = say(cut=0)
    with pytest.raises(SellingApiOutcomeUnknown):
        call(services)
    assert len(amazon.heard) == 5


def test_a_read_that_never_gets_an_answer_is_only_that(amazon, services, say):
    amazon.default = say(cut=0)
    with pytest.raises(SellingApiConnectionException) as caught:
        READS[0](services)
    assert caught.value.code == 0
    assert not isinstance(caught.value, SellingApiOutcomeUnknown)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 415, 422])
def test_a_refusal_is_final(status, amazon, connect, say):
    services = connect(restricted_data_token="Atz.sprdt|x")
    amazon.default = say(status, REFUSED)
    for call in (READS[0], REPLACING[0], ONCE[0]):
        with pytest.raises(SellingApiException) as caught:
            call(services)
        assert not isinstance(caught.value, SellingApiOutcomeUnknown)
    assert len(amazon.heard) == 3


def test_a_read_time_out_on_a_write_is_unknown(amazon, connect, say):
    amazon.default = say(200, {"appointmentId": "x"}, stall=5)
    services = connect(timeout=(5, 0.5))
    with pytest.raises(SellingApiOutcomeUnknown):
        ONCE[0](services)
    assert len(amazon.heard) == 1


def test_a_read_time_out_on_a_read_is_tried_again(amazon, connect, say):
    amazon.say(say(200, {}, stall=5))
    services = connect(timeout=(5, 0.5))
    assert READS[0](services).payload == {"payload": {}}["payload"]
    assert len(amazon.heard) == 2


@pytest.fixture
def closed_port():
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        yield placeholder.getsockname()[1]


@pytest.mark.parametrize("call", [READS[0], REPLACING[0], ONCE[0]])
def test_what_was_never_sent_is_tried_again_and_never_unknown(
    call, connect, closed_port, monkeypatch, time
):
    monkeypatch.setenv("SP_API_ENDPOINT", f"http://127.0.0.1:{closed_port}")
    with pytest.raises(SellingApiConnectionException) as caught:
        call(connect(restricted_data_token="Atz.sprdt|x"))
    assert caught.value.code == 0
    assert len(time.naps) == 4


def test_a_host_that_does_not_exist_was_never_asked(connect, monkeypatch):
    monkeypatch.setenv("SP_API_ENDPOINT", "http://nowhere.invalid")
    with pytest.raises(SellingApiConnectionException):
        ONCE[0](connect(restricted_data_token="Atz.sprdt|x"))


def test_a_write_goes_through_once_the_connection_can_be_made(connect, amazon):
    attempts = []

    def flaky(request):
        attempts.append(request)
        if len(attempts) < 3:
            raise TransportFault(FaultKind.NOT_SENT)
        return PooledTransport()(request)

    ONCE[0](connect(transport=flaky, restricted_data_token="Atz.sprdt|x"))
    assert (len(attempts), len(amazon.heard)) == (3, 1)


def test_an_untrusted_certificate_is_not_tried_again():
    error = urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("no"))
    assert classify(error) is FaultKind.BAD_CERTIFICATE
    assert classify(urllib3.exceptions.SSLError(ssl.SSLEOFError())) is FaultKind.LOST


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (urllib3.exceptions.NewConnectionError(None, "refused"), FaultKind.NOT_SENT),  # type: ignore[arg-type]
        (urllib3.exceptions.ConnectTimeoutError(), FaultKind.NOT_SENT),
        (urllib3.exceptions.ProxyError("no", OSError()), FaultKind.NOT_SENT),
        (urllib3.exceptions.ReadTimeoutError(None, "", ""), FaultKind.LOST),  # type: ignore[arg-type]
        (urllib3.exceptions.ProtocolError(), FaultKind.LOST),
        (urllib3.exceptions.DecodeError(), FaultKind.LOST),
        (BrokenPipeError(), FaultKind.LOST),
    ],
)
def test_only_a_failed_connect_counts_as_never_sent(error, kind):
    assert classify(error) is kind


class TestTokens:
    """401 and 403: when a new access token is asked for."""

    def test_a_token_that_ran_out_is_renewed_once(self, amazon, services, say):
        services.get_service_jobs()
        amazon.say(say(403, {"errors": [{"code": "Unauthorized", "message": "expired"}]}))
        services.get_service_jobs()
        tokens = [heard.headers["x-amz-access-token"] for heard in amazon.heard]
        assert tokens == ["Atza|token-1", "Atza|token-1", "Atza|token-2"]

    def test_a_write_refused_for_its_token_is_sent_again(self, amazon, services, say):
        services.get_service_jobs()
        amazon.say(say(401, REFUSED))
        ONCE[0](services)
        assert len(amazon.heard) == 3

    def test_a_missing_role_costs_one_token_only(self, amazon, services, say):
        services.get_service_jobs()
        amazon.default = say(403, {"errors": [{"code": "Unauthorized", "message": "denied"}]})
        with pytest.raises(SellingApiForbiddenException):
            services.get_service_jobs()
        assert len(amazon.token_requests) == 2
        assert len(amazon.heard) == 3

    def test_a_new_token_is_not_blamed_for_a_403(self, amazon, services, say):
        amazon.default = say(403, {"errors": [{"code": "Unauthorized", "message": "denied"}]})
        with pytest.raises(SellingApiForbiddenException):
            services.get_service_jobs()
        assert len(amazon.token_requests) == len(amazon.heard) == 1

    def test_somebody_elses_job_is_not_the_tokens_fault(self, amazon, services, say):
        services.get_service_jobs()
        amazon.default = say(403, {"errors": [{"code": "UnauthorizedAction", "message": "no"}]})
        with pytest.raises(SellingApiForbiddenException):
            services.get_service_jobs()
        assert len(amazon.token_requests) == 1

    def test_a_401_is_tried_once_with_a_new_token(self, amazon, services, say):
        amazon.default = say(401, REFUSED)
        with pytest.raises(SellingApiUnauthorizedException):
            services.get_service_jobs()
        assert len(amazon.token_requests) == len(amazon.heard) == 2

    def test_a_restricted_data_token_is_never_renewed(self, amazon, connect, say):
        amazon.default = say(401, REFUSED)
        with pytest.raises(SellingApiUnauthorizedException):
            connect(restricted_data_token="Atz.sprdt|x").get_service_jobs()
        assert amazon.token_requests == []
        assert amazon.heard[0].headers["x-amz-access-token"] == "Atz.sprdt|x"

    def test_another_clients_new_token_is_used(self, amazon, connect, say, time):
        cache = LocalTokenCache(clock=time.clock)
        one, two = connect(token_cache=cache), connect(token_cache=cache)
        one.get_service_jobs()
        amazon.say(say(401, REFUSED))
        two.get_service_jobs()
        one.get_service_jobs()
        assert amazon.heard[-1].headers["x-amz-access-token"] == "Atza|token-2"
        assert len(amazon.token_requests) == 2

    def test_a_grant_revoked_after_a_lost_write_leaves_it_unknown(self, amazon, services, say):
        services.get_service_jobs()
        amazon.say(say(cut=0), say(401, REFUSED))
        amazon.token_script.append(say(400, {"error": "invalid_grant", "error_description": "x"}))
        with pytest.raises(SellingApiOutcomeUnknown, match="invalid_grant"):
            REPLACING[0](services)
