"""Fixtures of tests of films."""

import pytest

from tests.jobs.film import runs


@pytest.fixture
def there(folder, monkeypatch):
    """The module's folder of films, as the working folder, with parts of a few frames."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(runs.job, "_PART", runs.FEW)
    return folder
