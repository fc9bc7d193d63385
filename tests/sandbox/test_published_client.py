"""The client everybody uses, python-amazon-sp-api, works against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from sp_api.api import Services
from sp_api.auth import AccessTokenClient
from sp_api.auth.access_token_client import cache
from sp_api.base import SellingApiException

from dispatch.sandbox.realm import APPLICATION, APPLICATION_SECRET, US


@pytest.fixture
def client(api: Any) -> Iterator[Services]:
    class LocalTokens(AccessTokenClient):
        scheme = "http://"
        host = urlsplit(api.url).netloc

    cache.clear()
    with Services(
        marketplace=SimpleNamespace(endpoint=api.url, marketplace_id=US, region="us-east-1"),
        credentials={
            "refresh_token": "Atzr|sandbox",
            "lwa_app_id": APPLICATION,
            "lwa_client_secret": APPLICATION_SECRET,
        },
        auth_token_client_class=LocalTokens,
    ) as services:
        # It takes everything behind "https://" for the host.
        services.endpoint = _WithHost(api.url)
        yield services
    cache.clear()


class _WithHost(str):
    """An endpoint whose host is found behind eight characters, http or https."""

    def __getitem__(self, part: Any) -> str:
        return urlsplit(str(self)).netloc if part == slice(8, None) else super().__getitem__(part)


@pytest.fixture
def job(api: Any) -> str:
    api.load(
        jobs=[
            {
                "serviceJobId": "job-1",
                "serviceJobStatus": "NOT_SERVICED",
                "createTime": "2026-01-01T00:00:00Z",
                "marketplaceId": US,
            }
        ]
    )
    return "job-1"


def test_it_lists_jobs(client: Services, job: str) -> None:
    found = client.get_service_jobs(createdAfter="2020-01-01T00:00:00Z", marketplaceIds=US)
    assert [one["serviceJobId"] for one in found.payload["jobs"]] == [job]


def test_it_reads_one(client: Services, job: str) -> None:
    assert client.get_service_job_by_service_job_id(job).payload["serviceJobId"] == job


def test_it_reads_slots(client: Services, job: str) -> None:
    found = client.get_appointmment_slots_by_job_id(job, marketplaceIds=US)
    assert found.payload["appointmentSlots"]


def test_it_completes_a_job(client: Services, job: str, api: Any) -> None:
    client.complete_service_job_by_service_job_id(job)
    assert api.job(job)["serviceJobStatus"] == "COMPLETED"


def test_it_is_told_of_an_unknown_job(client: Services, job: str) -> None:
    # It has no class for 422, so only the text is left of the status.
    with pytest.raises(SellingApiException, match="Job not found for jobId nobody"):
        client.complete_service_job_by_service_job_id("nobody")


def test_its_cancellation_is_refused_as_it_puts_the_code_into_the_body(
    client: Services, job: str
) -> None:
    with pytest.raises(SellingApiException) as caught:
        client.cancel_service_job_by_service_job_id(job, cancellationReasonCode="V1")
    assert caught.value.code == 400
