"""Where a listing ends, and how its pages follow one another."""

from __future__ import annotations

from dispatch.spapi import ApiResponse
from dispatch.spapi.pages import STALE, LoopGuard, pages


def jobs(*names):
    return [{"serviceJobId": name} for name in names]


def test_it_ends_without_a_token():
    assert not LoopGuard().goes_on(None, jobs("A"))
    assert not LoopGuard().goes_on("", jobs("A"))


def test_it_goes_on_with_a_new_token():
    guard = LoopGuard()
    assert all(guard.goes_on(str(number), jobs(number)) for number in range(100))


def test_it_ends_at_a_token_it_has_seen():
    guard = LoopGuard()
    assert guard.goes_on("A", jobs("1"))
    assert guard.goes_on("B", jobs("2"))
    assert not guard.goes_on("A", jobs("3"))


def test_it_ends_at_the_token_it_began_with():
    assert not LoopGuard("A").goes_on("A", jobs("1"))


def test_some_pages_without_anything_new_are_chance():
    guard = LoopGuard()
    for number in range(20):
        stale = number % STALE != 0
        assert guard.goes_on(str(number), [] if stale else jobs(number))


def test_many_pages_without_anything_new_are_the_end():
    guard = LoopGuard()
    guard.goes_on("first", jobs("A", "B"))
    # A job that changes between pages is still the same job.
    going = [
        guard.goes_on(str(n), [{"serviceJobId": "A", "n": n}, *jobs("B")]) for n in range(STALE)
    ]
    assert going == [True] * (STALE - 1) + [False]


def test_entries_may_be_anything():
    guard = LoopGuard()
    assert guard.goes_on("A", [1, None, "x", {"slots": [{"n": 1}]}, {"serviceJobId": ["y"]}])
    assert guard.goes_on("B", [{"slots": [{"n": 2}]}])


def book(*tokens):
    """A listing whose pages lead to these tokens, one after the other, and what it was asked."""
    asked = []

    def ask(token):
        asked.append(token)
        return ApiResponse(
            {"jobs": jobs(len(asked))}, pagination={"nextPageToken": tokens[len(asked) - 1]}
        )

    return ask, asked


def entries(page):
    return page("jobs")


def test_pages_follow_their_tokens():
    ask, asked = book("A", "B", None)
    assert [page("jobs") for page in pages(ask, entries)] == [jobs(1), jobs(2), jobs(3)]
    assert asked == [None, "A", "B"]


def test_pages_may_begin_in_the_middle():
    ask, asked = book("B", None)
    assert len(list(pages(ask, entries, "A"))) == 2
    assert asked == ["A", "B"]


def test_pages_that_go_round_end():
    ask, asked = book("A", "B", "A", "B")
    assert len(list(pages(ask, entries))) == 3
    assert asked == [None, "A", "B"]


def test_the_next_page_is_asked_for_when_the_last_one_is_used_up():
    ask, asked = book("A", None)
    listing = pages(ask, entries)
    assert asked == []
    next(listing)
    assert asked == [None]
