"""The client's own manners: making it, sharing it, closing it, watching it."""

from __future__ import annotations

import inspect
import threading
from types import SimpleNamespace

import pytest

from dispatch.spapi import (
    SHARED_THROTTLE,
    AccessToken,
    AccessTokenClient,
    CallRecord,
    Marketplaces,
    MissingCredentials,
    Reply,
    SellingApiException,
    SellingApiOutcomeUnknown,
    Services,
)
from dispatch.spapi.transport import PooledTransport, shared_transport


def test_the_constructor_is_as_agreed():
    parameters = inspect.signature(Services).parameters
    agreed = {
        "marketplace": Marketplaces.US,
        "refresh_token": None,
        "account": "default",
        "credentials": None,
        "restricted_data_token": None,
        "proxies": None,
        "verify": True,
        "timeout": None,
        "version": None,
        "credential_providers": None,
        "auth_token_client_class": AccessTokenClient,
        "throttle": SHARED_THROTTLE,
    }
    assert list(parameters)[: len(agreed)] == list(agreed)
    assert {name: parameters[name].default for name in agreed} == agreed
    kinds = {parameter.kind for name, parameter in parameters.items() if name != "marketplace"}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_only_version_1_exists(connect):
    connect(version="v1")
    with pytest.raises(ValueError, match="v2"):
        connect(version="v2")


def test_the_environment_is_read_when_the_client_is_made(connect, amazon, monkeypatch):
    services = connect()
    monkeypatch.setenv("SP_API_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("SP_API_TOKEN_URL", "http://127.0.0.1:1/token")
    services.get_service_jobs()
    assert len(amazon.heard) == len(amazon.token_requests) == 1


def test_without_override_it_speaks_to_the_marketplace(credentials, monkeypatch):
    monkeypatch.delenv("SP_API_ENDPOINT", raising=False)
    monkeypatch.delenv("SP_API_TOKEN_URL", raising=False)
    asked = []

    def carry(request):
        asked.append(request.url.partition("?")[0])
        return Reply(200, {}, b'{"access_token": "Atza|x"}')

    services = Services(
        Marketplaces.DE,
        credentials=credentials,
        throttle=None,
        transport=carry,
        token_cache=NoCache(),
    )
    services.get_service_jobs()
    assert asked == [
        "https://api.amazon.com/auth/o2/token",
        "https://sellingpartnerapi-eu.amazon.com/service/v1/serviceJobs",
    ]


class NoCache:
    def get(self, key):
        return None

    def put(self, key, token, expires_at):
        pass

    def forget(self, key):
        pass

    def lock(self, key):
        return threading.Lock()


def test_any_object_with_three_attributes_is_a_marketplace(connect, amazon):
    place = SimpleNamespace(endpoint="https://x", marketplace_id="MINE", region="r")
    services = connect(marketplace=place)
    services.get_service_jobs()
    assert amazon.heard[0].query["marketplaceIds"] == "MINE"
    assert services.region == "r"


def test_credentials_come_from_the_environment(connect, amazon, monkeypatch):
    for name in ("SP_API_REFRESH_TOKEN_shop", "LWA_APP_ID", "LWA_CLIENT_SECRET"):
        monkeypatch.setenv(name, f"value of {name}")
    connect(credentials=None, account="shop").get_service_jobs()
    form = amazon.token_requests[0].form
    assert form["refresh_token"] == "value of SP_API_REFRESH_TOKEN_shop"


def test_missing_credentials_stop_it_at_once(connect):
    with pytest.raises(MissingCredentials, match="LWA_APP_ID"):
        connect(credentials=None)


def test_another_token_client_may_be_brought(connect, amazon, credentials):
    made = []

    class Mine:
        def __init__(self, refresh_token=None, credentials=None, proxies=None, verify=True):
            made.append((refresh_token, credentials.lwa_app_id, verify))

        def get_auth(self):
            return AccessToken("Atza|mine", 9e9)

    connect(auth_token_client_class=Mine).get_service_jobs()
    assert made == [(credentials["refresh_token"], credentials["lwa_app_id"], True)]
    assert amazon.heard[0].headers["x-amz-access-token"] == "Atza|mine"


def test_it_is_a_context_manager_and_forgets_its_secrets(connect, amazon):
    with connect() as services:
        services.get_service_jobs()
    with pytest.raises(RuntimeError, match="closed"):
        services.get_service_jobs()
    services.close()
    assert len(amazon.heard) == 1


def test_clients_share_connections(connect, amazon):
    for _ in range(3):
        connect(restricted_data_token="Atz.sprdt|x").get_service_jobs()
    assert shared_transport() is shared_transport({}, True)
    assert shared_transport() is not shared_transport(None, False)
    assert shared_transport()._routes[amazon.url].pool.num_connections == 1


def test_threads_share_a_client(services, amazon):
    services.get_service_jobs()
    failures = []

    def work():
        try:
            for _ in range(5):
                services.get_service_jobs()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(amazon.heard) == 41
    assert len(amazon.token_requests) == 1


def test_a_plain_http_proxy_is_asked_for_the_whole_address(amazon):
    proxied = PooledTransport({"http": amazon.url.replace("//", "//user:word@")})
    from dispatch.spapi import Request

    proxied(Request("GET", "http://sp-api.example", "/service/v1/x?a=b", {}, None, (1, 1)))
    heard = amazon.heard[0]
    assert heard.target == "http://sp-api.example/service/v1/x?a=b"
    assert heard.headers["proxy-authorization"].startswith("Basic ")
    proxied.close()


def test_proxies_of_the_environment_are_read_once_per_host(amazon, monkeypatch):
    monkeypatch.setenv("http_proxy", amazon.url)
    monkeypatch.delenv("no_proxy", raising=False)
    from dispatch.spapi import Request

    transport = PooledTransport()
    request = Request("GET", "http://sp-api.example", "/x", {}, None, (1, 1))
    transport(request)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    transport(request)
    assert len(amazon.heard) == 2
    transport.close()


class TestObserver:
    def test_it_hears_of_every_call_once(self, connect, amazon, say, time):
        records = []
        amazon.say(say(503, b""), say(200, {"payload": {}}))
        connect(observer=records.append).get_service_jobs()
        (record,) = records
        assert (record.operation, record.status, record.request_id) == (
            "getServiceJobs",
            200,
            "req-1",
        )
        assert record.attempts == 2
        assert record.wait == pytest.approx(sum(time.naps))
        assert record.duration == pytest.approx(sum(time.naps), abs=1e-4)
        assert record.error == ""

    def test_it_hears_of_failures(self, connect, amazon, say):
        records = []
        amazon.say(say(422, b"[]"), say(cut=0))
        services = connect(observer=records.append)
        with pytest.raises(SellingApiException):
            services.complete_service_job_by_service_job_id("J")
        with pytest.raises(SellingApiOutcomeUnknown):
            services.add_appointment_for_service_job_by_service_job_id("J")
        assert [(record.status, record.error) for record in records] == [
            (422, "SellingApiUnprocessableException"),
            (0, "SellingApiOutcomeUnknown"),
        ]

    def test_it_hears_of_refused_log_ins(self, connect, amazon, say):
        records: list[CallRecord] = []
        amazon.token_script.append(say(400, {"error": "invalid_grant"}))
        with pytest.raises(Exception, match="invalid_grant"):
            connect(observer=records.append).get_service_jobs()
        assert [(record.attempts, record.error) for record in records] == [
            (0, "AuthorizationError")
        ]

    def test_its_own_failure_breaks_no_call(self, connect, amazon, caplog):
        def broken(record):
            raise LookupError("no")

        connect(observer=broken).get_service_jobs()
        assert "observer of getServiceJobs failed" in caplog.text


class TestPages:
    def test_it_follows_the_token_with_the_same_filters(self, amazon, services, say):
        amazon.say(
            say(200, {"payload": {"jobs": [{"n": 1}, {"n": 2}], "nextPageToken": "B"}}),
            say(200, {"payload": {"jobs": [], "nextPageToken": "C"}}),
            say(200, {"payload": {"jobs": [{"n": 3}]}}),
        )
        jobs = services.iterate_service_jobs(createdAfter="2030-01-01T00:00:00Z", pageSize=2)
        assert [job["n"] for job in jobs] == [1, 2, 3]
        assert [heard.query.get("pageToken") for heard in amazon.heard] == [None, "B", "C"]
        assert {heard.query["createdAfter"] for heard in amazon.heard} == {"2030-01-01T00:00:00Z"}

    def test_it_stops_at_a_token_it_has_seen(self, amazon, services, say):
        amazon.default = say(200, {"payload": {"jobs": [{"n": 1}], "nextPageToken": "SAME"}})
        assert len(list(services.iterate_service_jobs())) == 2
        assert len(amazon.heard) == 2

    def test_it_stops_at_a_ring_of_tokens(self, amazon, services, say):
        def ring(heard):
            after = {None: "A", "A": "B", "B": "A"}[heard.query.get("pageToken")]
            return say(200, {"payload": {"jobs": [1], "nextPageToken": after}})

        amazon.default = ring
        assert len(list(services.iterate_service_jobs())) == 3

    def test_it_stops_where_it_was_told_to_begin(self, amazon, services, say):
        amazon.default = say(200, {"payload": {"jobs": [1], "nextPageToken": "SAME"}})
        assert len(list(services.iterate_service_jobs(pageToken="SAME"))) == 1

    def test_it_asks_only_for_what_is_taken(self, amazon, services, say):
        amazon.default = say(200, {"payload": {"jobs": [1, 2], "nextPageToken": "X"}})
        next(services.iterate_service_jobs())
        assert len(amazon.heard) == 1

    @pytest.mark.parametrize("payload", [{}, {"jobs": None}, {"jobs": []}])
    def test_a_page_without_jobs_is_empty(self, payload, amazon, services, say):
        amazon.default = say(200, {"payload": payload})
        assert list(services.iterate_service_jobs()) == []
