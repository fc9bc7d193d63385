"""Cursors: what is packed comes back, and nothing else is taken for one."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from dispatch.selectors.listing.cursors import moment, pack, unpack


def test_a_cursor_comes_back_as_it_was() -> None:
    at = dt.datetime(2026, 11, 24, 10, 0, tzinfo=dt.timezone(dt.timedelta(hours=-5)))
    side, (column, value), number = unpack(pack("before", "city", at, number=7))
    assert (side, column, moment(value), number) == ("before", "city", at, 7)
    assert moment(value).tzinfo is dt.UTC


@pytest.mark.parametrize(
    "parts",
    [
        ["between", 1], ["after"], ["after", 0], ["after", -1], ["after", 2**63], ["after", True],
        ["after", "1"], ["after", 1.5], [], {}, 7, None, "text", [[], 1],
    ],
    ids=repr,
)  # fmt: skip
def test_of_another_shape_there_is_none(parts: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpack(base64.urlsafe_b64encode(json.dumps(parts).encode()).decode())


@pytest.mark.parametrize("text", ["", "x", "%%%", "ä", "W1td", "[" * 9, "\0"])
def test_of_nonsense_there_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        unpack(text)


@pytest.mark.parametrize(
    "value", [None, 7, "", "today", "2026-11-24T10:00:00", "0001-01-01T00:00:00+14:00"]
)
def test_a_moment_has_a_zone_and_fits(value: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        moment(value)
