"""No row is written from the web floor: what changes the database is a service."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

WEB = Path(__file__).parent.parent / "dispatch" / "web"
WRITES = frozenset(
    {"save", "create", "update", "delete", "get_or_create", "update_or_create", "bulk_create",
     "bulk_update"}
)  # fmt: skip
NO_ROWS = frozenset({"cache", "session"})
"""What has methods of these names and is no row: the cache, and the session with its own store."""


def writes_in(source: str) -> list[str]:
    """The calls in a module's source that write a row, as they are written there."""
    tree = ast.parse(source)
    services = set(_imported_services(tree))
    return [
        ast.unparse(call.func)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in WRITES
        and _last_name(call.func.value) not in services | NO_ROWS
    ]


def _imported_services(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dispatch.services"):
            yield from (name.asname or name.name for name in node.names)


def _last_name(value: ast.expr) -> str:
    """The name nearest to the method: ``session`` of ``request.session.save()``."""
    if isinstance(value, ast.Attribute):
        return value.attr
    return value.id if isinstance(value, ast.Name) else ""


@pytest.mark.parametrize("module", [str(one.relative_to(WEB)) for one in sorted(WEB.rglob("*.py"))])
def test_no_row_is_written_from_the_web_floor(module: str) -> None:
    assert writes_in((WEB / module).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "Person.objects.create(name='Bob')",
        "Person.objects.filter(pk=1).update(theme='dark')",
        "first = Person.objects.filter(pk=1)\nfirst.update(theme='dark')",
        "view, _ = SavedView.objects.update_or_create(name='Late')",
        "form.save()",
        "SavedView.objects.get(pk=1).delete()",
        "request.user.saved_views.all().delete()",
    ],
)
def test_it_would_be_found(source: str) -> None:
    assert len(writes_in(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "from dispatch.services import saved_views\nsaved_views.save(name='Late')",
        "request.session.create()",
        "session.save()",
        "request.session.pop('held', None)",
        "messages.success(request, 'Saved.')",
    ],
)
def test_a_service_and_a_session_are_no_rows(source: str) -> None:
    assert writes_in(source) == []
