"""What the documents name is there: files, modules, names, commands, links, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests import documents
from tests.documents import DOCUMENTS, ROOT

EVERY = pytest.mark.parametrize(
    "document", DOCUMENTS, ids=[str(one.relative_to(ROOT)) for one in DOCUMENTS]
)
NAME = re.compile(r"[a-z]+_\w+|[A-Z]+_\w+|([A-Z][a-z]+){2,}|[A-Z]{4,}")
"""Names with more than one part, and constants: others of one part are words of English, too."""
OF_OTHERS = ("AXES_", "USERSESSIONS_")
"""How settings of libraries begin that we looked at and do without."""
NOT_OURS = {
    # PostgreSQL's, SQLite's and other tools' own words.
    "archive_mode", "archive_command", "archive_timeout", "autovacuum_vacuum_scale_factor",
    "failed_count", "fillfactor", "max_connections", "node_modules", "pg_basebackup", "pg_dump",
    "pg_restore", "pool_mode", "pg_stat_archiver", "pg_verifybackup", "synchronous_commit",
    # Django's, and libraries' own, which we do without: allauth's, django-axes', urllib3's.
    "PoolManager", "ProxyManager",
    "UserSessionsMiddleware", "create_from_request", "purge_and_list", "post_data",
    "SECRET_KEY_FALLBACKS",
    # Examples.
    "dispatch.dump", "locale/de/LC_MESSAGES/django.po",
}  # fmt: skip


@EVERY
def test_files_are_there(document: Path) -> None:
    names = set(documents.paths(document.read_text())) - NOT_OURS
    assert [name for name in sorted(names) if not is_there(name, document)] == []


def is_there(name: str, document: Path) -> bool:
    """Whether the file is there, and in it the test that may be named behind ``::``."""
    path, _, test = name.partition("::")
    if not documents.is_there(path, document):
        return False
    return not test or test in documents.functions(ROOT / path)


@EVERY
def test_modules_and_what_is_in_them_are_there(document: Path) -> None:
    names = set(documents.dotted_names(document.read_text())) - NOT_OURS
    assert [name for name in sorted(names) if not documents.resolves(name)] == []


@EVERY
def test_names_are_those_of_the_source(document: Path) -> None:
    """A class or function that was renamed is named anew here, too."""
    inline = documents.quoted(documents.without_fences(document.read_text()))
    names = [name for name in inline if NAME.fullmatch(name)]
    known = documents.words_of_the_source() | NOT_OURS
    assert [one for one in names if one not in known and not one.startswith(OF_OTHERS)] == []


@EVERY
def test_what_is_in_a_module_is_in_it(document: Path) -> None:
    """A short name such as ``ledger.KeyReused`` leads into one of the modules of that name."""
    missing = []
    for name in documents.quoted(documents.without_fences(document.read_text())):
        module, _, inside = name.partition(".")
        texts = documents.modules().get(module, ())
        if texts and inside.isidentifier() and inside not in documents.ENDINGS.split("|"):
            missing += [] if any(re.search(rf"\b{inside}\b", text) for text in texts) else [name]
    assert missing == []


@EVERY
def test_commands_and_their_options_are_there(document: Path) -> None:
    wrong = []
    for name, options in documents.commands(document.read_text()):
        if name not in get_commands():
            wrong.append(name)
            continue
        command = load_command_class(get_commands()[name], name)
        known = command.create_parser("manage.py", name)._option_string_actions
        wrong += [f"{name} {one}" for one in options if one.partition("=")[0] not in known]
    assert wrong == []


@EVERY
def test_links_lead_somewhere(document: Path) -> None:
    dead = []
    for file, heading in documents.links(document.read_text()):
        target = document.parent / file if file else document
        if not target.exists():
            dead.append(file)
        elif heading and heading not in documents.headings(target):
            dead.append(f"{file}#{heading}")
    assert dead == []


def test_settings_of_the_readme_are_read_somewhere() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in documents.quoted(row)]
    assert len(names) > 20
    assert set(names) <= documents.words_of_the_source() | {"HOST", "PORT"}


def test_every_benchmark_is_explained_to_contributors() -> None:
    folder = ROOT / "bench"
    programs = {one.name for one in folder.glob("*.py") if "__main__" in one.read_text()}
    assert len(programs) > 5
    told = set(documents.quoted((ROOT / "CONTRIBUTING.md").read_text()))
    assert {f"bench/{name}" for name in programs} - told == set()


def test_every_decision_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = {file for file, _ in documents.links((folder / "README.md").read_text())}
    assert {one.name for one in folder.glob("*.md")} - {"README.md"} <= listed
