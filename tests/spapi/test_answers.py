"""Answers of every kind, over a real connection."""

from __future__ import annotations

import pytest

from dispatch.spapi import (
    ApiResponse,
    SellingApiBadRequestException,
    SellingApiConnectionException,
    SellingApiException,
    SellingApiForbiddenException,
    SellingApiGatewayTimeoutException,
    SellingApiNotFoundException,
    SellingApiOutcomeUnknown,
    SellingApiRequestThrottledException,
    SellingApiServerException,
    SellingApiStateConflictException,
    SellingApiTemporarilyUnavailableException,
    SellingApiTooLargeException,
    SellingApiUnauthorizedException,
    SellingApiUnprocessableException,
    SellingApiUnreadableException,
    SellingApiUnsupportedFormatException,
)

ERRORS = [{"code": "InvalidInput", "message": "No", "details": ""}]
SLOT = {"startTime": "2030-01-01T10:00:00Z"}

STATUSES = {
    400: SellingApiBadRequestException,
    401: SellingApiUnauthorizedException,
    403: SellingApiForbiddenException,
    404: SellingApiNotFoundException,
    409: SellingApiStateConflictException,
    413: SellingApiTooLargeException,
    415: SellingApiUnsupportedFormatException,
    422: SellingApiUnprocessableException,
    429: SellingApiRequestThrottledException,
    500: SellingApiServerException,
    503: SellingApiTemporarilyUnavailableException,
    504: SellingApiGatewayTimeoutException,
}


def add(services) -> ApiResponse:
    return services.add_appointment_for_service_job_by_service_job_id("J", appointmentTime=SLOT)


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
@pytest.mark.parametrize("shape", ["object", "array"])
def test_it_raises_the_class_of_the_status(status, kind, shape, amazon, services, say):
    amazon.default = say(status, {"errors": ERRORS} if shape == "object" else ERRORS)
    with pytest.raises(kind) as caught:
        services.get_service_job_by_service_job_id("J")
    raised = caught.value
    assert type(raised) is kind
    assert (raised.code, raised.amzn_code, raised.message) == (status, "InvalidInput", "No")
    assert raised.error == ERRORS
    assert raised.headers["X-AMZN-REQUESTID"] == "req-1"
    assert raised.operation == "getServiceJobByServiceJobId"


@pytest.mark.parametrize("status", [402, 418, 501])
def test_other_statuses_raise_the_common_class(status, amazon, services, say):
    amazon.default = say(status, {"errors": ERRORS})
    with pytest.raises(SellingApiException) as caught:
        services.get_service_job_by_service_job_id("J")
    assert type(caught.value) is SellingApiException
    assert caught.value.code == status


@pytest.mark.parametrize(
    "content", [b"", b"<html>Bad gateway</html>", b'"no"', b"7", b"null", {}, {"errors": "broken"}]
)
def test_a_refusal_needs_no_readable_body(content, amazon, services, say):
    amazon.default = say(400, content)
    with pytest.raises(SellingApiBadRequestException) as caught:
        services.get_service_jobs()
    assert caught.value.code == 400
    assert caught.value.message
    assert "html" not in str(caught.value)


def test_it_reads_the_gateways_own_shape(amazon, services, say):
    amazon.default = say(403, {"message": "Forbidden", "code": "AccessDenied"})
    with pytest.raises(SellingApiForbiddenException) as caught:
        services.get_service_jobs()
    assert (caught.value.message, caught.value.amzn_code) == ("Forbidden", "AccessDenied")


@pytest.mark.parametrize(
    ("content", "payload"),
    [
        ({"errors": ERRORS}, None),
        (ERRORS, None),
        ({"payload": {"reservation": {"reservationId": "9"}}, "errors": ERRORS}, "kept"),
        ({"payload": {"reservation": {"reservationId": "9"}, "errors": ERRORS}}, "kept"),
    ],
)
def test_errors_in_a_200_are_raised_with_what_came_along(content, payload, amazon, services, say):
    amazon.default = say(200, content)
    with pytest.raises(SellingApiException) as caught:
        services.create_reservation(resourceId="R", reservation={})
    raised = caught.value
    assert not isinstance(raised, SellingApiOutcomeUnknown)
    assert raised.code == 200
    assert raised.error == ERRORS
    if payload:
        assert raised.payload["reservation"] == {"reservationId": "9"}
    else:
        assert raised.payload is None


def test_an_error_in_one_record_of_a_schedule_is_raised(amazon, services, say):
    records = [{"availability": {}}, {"availability": {}, "errors": ERRORS}]
    amazon.default = say(200, {"payload": records})
    with pytest.raises(SellingApiException) as caught:
        services.update_schedule("R", schedules=[])
    assert caught.value.error == ERRORS
    assert caught.value.payload == records


@pytest.mark.parametrize("empty", [[], None, {}, ""])
def test_empty_errors_are_none(empty, amazon, services, say):
    amazon.default = say(200, {"payload": {"jobs": []}, "errors": empty})
    assert services.get_service_jobs().payload == {"jobs": []}


UNREADABLE = [
    b"",
    b"  ",
    b"<html>maintenance</html>",
    b'"text"',
    b"7",
    b"null",
    b"true",
    b"[]",
    b"[1, 2",
    b"\xff\xfe\x00",
    b'{"payload": "text"}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_read_that_nobody_can_read_fails(content, amazon, services, say):
    amazon.default = say(200, content)
    with pytest.raises(SellingApiUnreadableException) as caught:
        services.get_service_job_by_service_job_id("J")
    assert caught.value.code == 200
    assert len(amazon.heard) == 1


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_write_that_nobody_can_read_is_an_unknown_outcome(content, amazon, services, say):
    amazon.default = say(200, content)
    with pytest.raises(SellingApiOutcomeUnknown) as caught:
        add(services)
    assert caught.value.code == 200
    assert caught.value.request_id == "req-1"
    assert caught.value.cause == "the answer cannot be read"
    assert len(amazon.heard) == 1


def test_a_204_is_the_success_of_what_answers_nothing(amazon, services, say):
    amazon.default = say(204, headers={"x-amzn-RateLimit-Limit": "5.0"})
    answer = services.set_appointment_fulfillment_data("J", "A", appointmentResources=[])
    assert answer.payload == {}
    assert answer.rate_limit == 5.0
    assert services.cancel_reservation("9").request_id == "req-1"


def test_a_204_is_no_answer_where_one_is_due(amazon, services, say):
    amazon.default = say(204)
    with pytest.raises(SellingApiUnreadableException):
        services.get_service_jobs()
    with pytest.raises(SellingApiOutcomeUnknown):
        add(services)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("content", [b"", {"payload": {"jobs": []}}])
def test_it_follows_no_redirect(status, content, amazon, services, say):
    amazon.default = say(status, content, headers={"Location": amazon.url + "/elsewhere"})
    with pytest.raises(SellingApiException) as caught:
        services.get_service_jobs()
    assert type(caught.value) is SellingApiException
    assert caught.value.code == status
    assert [heard.path for heard in amazon.heard] == ["/service/v1/serviceJobs"]


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr("dispatch.spapi.transport.LARGEST_ANSWER", 1000)


def test_it_stops_reading_a_huge_body(small_limit, amazon, services, say):
    amazon.default = say(200, {"payload": {"jobs": ["x" * 1000]}})
    with pytest.raises(SellingApiUnreadableException, match="too large"):
        services.get_service_jobs()
    with pytest.raises(SellingApiOutcomeUnknown, match="too large"):
        add(services)
    assert len(amazon.heard) == 2


def test_it_takes_a_body_up_to_the_limit(small_limit, amazon, services, say):
    amazon.default = say(200, {"a": "x" * 991})
    assert len(amazon.default.bytes) == 1000
    assert services.get_service_jobs().a == "x" * 991


def test_it_unpacks_gzip_but_never_beyond_the_limit(small_limit, amazon, services, say):
    import gzip

    packed = {"Content-Encoding": "gzip"}
    amazon.say(say(200, gzip.compress(b'{"payload": {"a": 1}}'), packed))
    assert services.get_service_jobs().a == 1
    amazon.say(say(200, gzip.compress(b" " * 50_000_000), packed))
    with pytest.raises(SellingApiUnreadableException, match="too large"):
        services.get_service_jobs()


def test_a_broken_gzip_is_no_answer(amazon, services, say):
    amazon.default = say(200, b"not gzip", {"Content-Encoding": "gzip"})
    with pytest.raises(SellingApiConnectionException):
        services.get_service_jobs()


class TestApiResponse:
    def test_keys_are_read_by_call_and_by_name(self):
        response = ApiResponse({"jobs": [1], "totalResultSize": 1})
        assert response("jobs") == response.jobs == [1]
        assert response() == {"jobs": [1], "totalResultSize": 1}
        assert response("nothing") is response.nothing is None

    def test_a_list_has_no_keys(self):
        assert ApiResponse([{"a": 1}])("a") is None

    def test_underscored_names_are_no_keys(self):
        assert not hasattr(ApiResponse({"_x": 1}), "_x")

    @pytest.mark.parametrize(
        "content",
        [
            {"payload": {"nextPageToken": "T"}},
            {"nextPageToken": "T", "capacities": []},
            {"payload": {}, "pagination": {"nextPageToken": "T"}},
            {"payload": {"pagination": {"nextPageToken": "T"}}},
        ],
    )
    def test_the_next_token_is_found_wherever_it_stands(self, content, amazon, services, say):
        amazon.default = say(200, content)
        assert services.get_service_jobs().next_token == "T"

    @pytest.mark.parametrize("content", [{"payload": {}}, {"payload": {"nextPageToken": ""}}])
    def test_no_token_is_none(self, content, amazon, services, say):
        amazon.default = say(200, content)
        assert services.get_service_jobs().next_token is None

    def test_pagination_holds_tokens_and_total(self, amazon, services, say):
        page = {"nextPageToken": "N", "previousPageToken": "P", "totalResultSize": 41, "jobs": []}
        amazon.default = say(200, {"payload": page})
        del page["jobs"]
        assert services.get_service_jobs().pagination == page

    def test_warnings_come_from_every_place(self, amazon, services, say):
        one, two, three = ({"code": code} for code in ("A", "B", "C"))
        records = [{"warnings": [two]}, {}, {"warnings": [three]}]
        amazon.default = say(200, {"warnings": [one], "payload": records})
        response = services.update_schedule("R", schedules=[])
        assert response.warnings == [one, two, three]
        assert response.payload[2]["warnings"] == [three]

    @pytest.mark.parametrize("odd", ["text", 7, [1, "x"], {"code": "A"}])
    def test_odd_warnings_break_nothing(self, odd, amazon, services, say):
        amazon.default = say(200, {"payload": {"warnings": odd}})
        assert services.update_schedule("R", schedules=[]).warnings == []

    @pytest.mark.parametrize(
        ("header", "rate"),
        [("5.0", 5.0), ("0.5", 0.5), ("", None), ("nan", None), ("inf", None), ("-1", None)],
    )
    def test_the_rate_is_a_number_or_none(self, header, rate, amazon, services, say):
        amazon.default = say(200, {}, {"x-amzn-RateLimit-Limit": header})
        assert services.get_service_jobs().rate_limit == rate

    def test_a_null_payload_is_an_empty_one(self, amazon, services, say):
        amazon.default = say(200, {"payload": None})
        assert services.get_service_jobs().payload == {}

    def test_unknown_fields_come_through(self, amazon, services, say):
        amazon.default = say(200, {"payload": {"new": {"in": "2027"}}})
        assert services.get_service_job_by_service_job_id("J").new == {"in": "2027"}

    def test_headers_do_not_mind_case(self, amazon, services, say):
        amazon.default = say(200, {}, {"X-Custom": "yes"})
        headers = services.get_service_jobs().headers
        assert headers["x-custom"] == headers["X-CUSTOM"] == "yes"
