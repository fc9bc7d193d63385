"""The made-up language, switched on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.languages import pseudo


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the made-up language's catalogue is."""
    folder = tmp_path_factory.mktemp("locale")
    pseudo.write(folder)
    return folder


@pytest.fixture
def in_pseudo(catalogue: Path, settings: Any) -> Iterator[None]:
    """Everybody reads the made-up language until the test is over."""
    settings.LOCALE_PATHS = [catalogue]
    settings.LANGUAGES = [(pseudo.LANGUAGE, "Made up")]
    settings.LANGUAGE_CODE = pseudo.LANGUAGE
    with translation.override(pseudo.LANGUAGE):
        yield
