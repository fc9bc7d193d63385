"""The made-up language itself, and the collecting of messages behind it."""

from __future__ import annotations

import datetime as dt
import runpy
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template import Template
from django.template.context import Context
from django.test import Client
from django.utils import translation

from dispatch.selectors.listing.counting import Count
from dispatch.web.shell import clock, dates
from tests.languages import pseudo


def test_letters_carry_accents_and_placeholders_stay() -> None:
    said = pseudo.accent("%(count)d jobs of <b>{name}</b>&nbsp;late")
    assert said == "%(count)d ĵóƀś óƒ <b>{name}</b>&nbsp;ĺáťé"


def test_an_unmarked_word_is_found_in_text_and_in_labels() -> None:
    page = (
        '<p title="Ĥíńť">Ĵóƀś <b>late</b></p><a aria-label="Close it">×</a><script>let a</script>'
    )
    assert sorted(pseudo.unmarked_in_page(page)) == ["Close it", "late"]


def test_data_may_be_plain() -> None:
    assert pseudo.unmarked("Ĵóƀ JOB-0001 óƒ Northlight", ["Northlight", "JOB-0001"]) == []
    assert pseudo.unmarked("Ĵóƀ JOB-0001 óƒ Southlight", ["JOB-0001"]) == ["Southlight"]


def test_every_kind_of_mark_is_collected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dispatch").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "dispatch/one.py").write_text(
        "# Translators: a job's clock\n"
        "a = gettext_lazy('late')\n"
        "b = ngettext('%(n)d job', '%(n)d jobs', 2)\n"
        "c = pgettext_lazy('format', 'j M')\n"
    )
    (tmp_path / "templates/one.html").write_text(
        "<p>\n  {% translate 'Today' %}\n    {{ x|default:_('nobody') }}</p>\n"
        "  {% include 'x' with title=_('Not here') only %}\n"
        "{% blocktranslate trimmed count n=n %}\n  {{ n }} change\n{% plural %}\n"
        "  {{ n }} changes\n{% endblocktranslate %}"
    )
    script = runpy.run_path(str(settings.BASE_DIR / "script/translate"))
    monkeypatch.setitem(script["messages"].__globals__, "ROOT", tmp_path)
    found = {one.id: one for one in script["messages"]() if one.id}
    assert set(found) == {
        "late", ("%(n)d job", "%(n)d jobs"), "j M", "Today", "nobody", "Not here",
        ("%(n)s change", "%(n)s changes"),
    }  # fmt: skip
    assert found["j M"].context == "format"
    assert found["late"].auto_comments == ["Translators: a job's clock"]


def test_a_language_is_made_translated_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """What ``script/translate de`` writes is what Django reads, and running it again keeps it."""
    script = runpy.run_path(str(settings.BASE_DIR / "script/translate"))
    monkeypatch.setitem(script["update"].__globals__, "LOCALE", tmp_path)
    marked = script["Catalog"]()
    marked.add("A late job")
    marked.add(("%(count)s job", "%(count)s jobs"))
    path = script["update"]("de", marked)
    assert script["untranslated"](path) == 2
    words = '"A late job"\nmsgstr "{}"'
    path.write_text(path.read_text().replace(words.format(""), words.format("Verspätet")))
    assert script["update"]("de", marked) == path
    assert script["untranslated"](path) == 1
    settings.LOCALE_PATHS, settings.LANGUAGES = [tmp_path], [("de", "Deutsch")]
    with translation.override("de"):
        assert Template('{% translate "A late job" %}').render(Context()) == "Verspätet"


def test_a_browser_gets_a_language_that_there_is(client: Client) -> None:
    answer = client.get("/account/login/", headers={"accept-language": "de, en;q=0.5"})
    assert answer["Content-Language"] == "en-gb"
    assert "Accept-Language" in answer["Vary"]
    assert '<html lang="en-gb"' in answer.content.decode()


def test_another_language_changes_every_shape_of_a_date(in_pseudo: None) -> None:
    day, noon = dt.date(2026, 11, 26), dt.datetime(2026, 11, 26, 12, 5, tzinfo=dt.UTC)
    zone = zoneinfo.ZoneInfo("UTC")
    shown = {
        dates.day(day): "[26 Ńóṽ 2026]",
        dates.short_day(day): "[26 Ńóṽ]",
        dates.weekday(day): "[Ťĥúŕśďáý 26 Ńóṽéḿƀéŕ]",
        dates.moment(noon): "[26 Ńóṽ 2026, 12:05 UTC]",
        dates.short_moment(noon): "[26 Ńóṽ, 12:05 UTC]",
        dates.exact_moment(noon): "[26 Ńóṽ 2026, 12:05:00 UTC]",
        clock.day_name(day, dt.date(2026, 11, 1)): "[Ťĥú 26 Ńóṽ]",
        clock.day_name(day, dt.date(2025, 11, 1)): "[Ťĥú 26 Ńóṽ 2026]",
        clock.clock_time(noon): "[12:05]",
        clock.short_window(noon, noon + dt.timedelta(hours=1), zone): "Ťĥú [12:05]–[13:05]",
    }
    assert list(shown) == list(shown.values())


def test_another_language_changes_the_signs_in_numbers(settings: Any) -> None:
    settings.LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
    with translation.override("de"):
        assert str(Count(12_345, more=True)) == "12.345+"
    with translation.override("en-gb"):
        assert str(Count(12_345, more=True)) == "12,345+"
