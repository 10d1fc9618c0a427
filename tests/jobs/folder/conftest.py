"""The folder of photos, made once for each file of tests."""

import pytest

from tests.jobs.folder.photos import write_pictures, write_tiny_network


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    write_pictures(folder)
    write_tiny_network(folder / "network.npz")
    return folder


@pytest.fixture
def there(folder, monkeypatch):
    """The folder, as the working folder."""
    monkeypatch.chdir(folder)
    return folder
