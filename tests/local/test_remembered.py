"""The choices that a data folder keeps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tinypics.local.emulator import EmulatorError
from tinypics.local.remembered import Remembered

if TYPE_CHECKING:
    from pathlib import Path


def test_they_are_read_back_and_only_their_owner_can(tmp_path: Path) -> None:
    written = Remembered({"Renditions": "800x"}, console_port=4567)
    written.write(tmp_path)
    assert Remembered.read(tmp_path) == written
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_new_folders_have_choices_of_their_own(tmp_path: Path) -> None:
    one, other = Remembered.read(tmp_path), Remembered.read(tmp_path)
    assert (one.token, one.api_id) != (other.token, other.api_id)
    assert len(one.token) >= 32


@pytest.mark.parametrize(
    "changed",
    [
        {"token": "short"},
        {"token": None},
        {"api_id": "../../x"},
        {"console_port": 0},
        {"console_port": True},
        {"parameters": ["Renditions"]},
        {"parameters": {"Renditions": 1}},
        {"unknown": 1},
    ],
    ids=str,
)
def test_an_invalid_file_is_an_error(tmp_path: Path, changed: dict[str, Any]) -> None:
    Remembered({"Renditions": "800x"}).write(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    for text in (file.read_text(), "[", "[]"):
        file.write_text(text)
        with pytest.raises(EmulatorError, match=r"settings\.json is invalid: correct it, or .* --forget"):
            Remembered.read(tmp_path)
