"""Pages of jobs: each is dated by when it was asked for, and read whatever its shape."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine

from dispatch.services.amazon.definition import MOST
from dispatch.services.mirror.listing import job_pages, jobs_of, total_of
from dispatch.spapi import ApiResponse
from tests.conftest import NOW

MINUTE = dt.timedelta(minutes=1)


def test_a_page_is_dated_when_it_is_asked_for_not_when_the_last_one_was() -> None:
    answers = iter(
        [
            ApiResponse({"jobs": [{"serviceJobId": "A"}]}, pagination={"nextPageToken": "2"}),
            ApiResponse({"jobs": [{"serviceJobId": "B"}]}),
        ]
    )
    asked: list[dict[str, Any]] = []

    def read(**filters: Any) -> ApiResponse:
        asked.append(filters)
        clock.shift(MINUTE)  # How long Amazon takes to answer.
        return next(answers)

    with time_machine.travel(NOW, tick=False) as clock:
        dated = []
        for asked_at, jobs in job_pages(read, storeIds=["S"]):
            dated.append((asked_at, [job["serviceJobId"] for job in jobs]))
            clock.shift(MINUTE)  # How long storing takes.
    assert dated == [(NOW, ["A"]), (NOW + 2 * MINUTE, ["B"])]
    assert [(one["storeIds"], one["pageToken"]) for one in asked] == [(["S"], None), (["S"], "2")]


@pytest.mark.parametrize("payload", [None, [], [1], {"jobs": None}, {"jobs": {"a": 1}}, "text"])
def test_a_page_of_another_shape_lists_nothing(payload: Any) -> None:
    assert jobs_of(ApiResponse(payload)) == []
    assert total_of(ApiResponse(payload)) == 0


@pytest.mark.parametrize(
    ("said", "total"), [(45, 45), (0, 0), (-1, 0), (MOST + 1, 0), ("45", 0), (None, 0)]
)
def test_a_total_is_a_whole_number_that_a_column_holds(said: Any, total: int) -> None:
    assert total_of(ApiResponse({"totalResultSize": said})) == total
