"""The folders of the front end are found in a checkout and in an installed wheel."""

from pathlib import Path

import pytest

from monitoring import resources
from monitoring.resources import NAMES, resource_dir


@pytest.mark.parametrize("name", NAMES)
def test_a_checkout_has_them_beside_the_package(name: str) -> None:
    assert resource_dir(name) == resources.PACKAGE.parent / name


def test_a_wheel_has_them_inside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    packaged = tmp_path / "monitoring" / "_web" / "static"
    packaged.mkdir(parents=True)
    (tmp_path / "static").mkdir()  # another distribution's
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "monitoring")

    assert resource_dir("static") == packaged


def test_a_missing_folder_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "monitoring")

    with pytest.raises(FileNotFoundError, match=r"resource_dir\('static'\): no such folder"):
        resource_dir("static")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of templates, partials, static"):
        resource_dir("../etc")
