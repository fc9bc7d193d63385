"""Where a listing ends."""

from __future__ import annotations

from dispatch.spapi.pages import STALE, Course


def jobs(*names):
    return [{"serviceJobId": name} for name in names]


def test_it_ends_without_a_token():
    assert not Course().goes_on(None, jobs("A"))
    assert not Course().goes_on("", jobs("A"))


def test_it_goes_on_with_a_new_token():
    course = Course()
    assert all(course.goes_on(str(number), jobs(number)) for number in range(100))


def test_it_ends_at_a_token_it_has_seen():
    course = Course()
    assert course.goes_on("A", jobs("1"))
    assert course.goes_on("B", jobs("2"))
    assert not course.goes_on("A", jobs("3"))


def test_it_ends_at_the_token_it_began_with():
    assert not Course("A").goes_on("A", jobs("1"))


def test_some_pages_without_anything_new_are_chance():
    course = Course()
    for number in range(20):
        stale = number % STALE != 0
        assert course.goes_on(str(number), [] if stale else jobs(number))


def test_many_pages_without_anything_new_are_the_end():
    course = Course()
    course.goes_on("first", jobs("A", "B"))
    # A job that changes between pages is still the same job.
    going = [
        course.goes_on(str(n), [{"serviceJobId": "A", "n": n}, *jobs("B")]) for n in range(STALE)
    ]
    assert going == [True] * (STALE - 1) + [False]


def test_entries_may_be_anything():
    course = Course()
    assert course.goes_on("A", [1, None, "x", {"slots": [{"n": 1}]}, {"serviceJobId": ["y"]}])
    assert course.goes_on("B", [{"slots": [{"n": 2}]}])
