"""The function's store client."""

import os
from pathlib import Path

import pytest

from tinypics.aws import s3


@pytest.fixture
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, "")  # so that monkeypatch restores it after the test
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("nothing_said")
def test_the_first_file_of_certificates_that_is_there_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "bundle.crt"
    there.touch()
    monkeypatch.setattr(s3, "CERTIFICATES", ("/not/there.crt", str(there), "/not/that/one.crt"))
    s3.trust_one_file()
    assert os.environ["SSL_CERT_FILE"] == str(there)


@pytest.mark.usefixtures("nothing_said")
def test_without_such_a_file_the_client_looks_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "CERTIFICATES", ("/not/there.crt",))
    s3.trust_one_file()
    assert "SSL_CERT_FILE" not in os.environ


@pytest.mark.usefixtures("nothing_said")
@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_what_the_environment_says_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/mine")
    s3.trust_one_file()
    assert {key: os.environ.get(key) for key in ("SSL_CERT_FILE", "SSL_CERT_DIR")} == {
        "SSL_CERT_FILE": None,
        "SSL_CERT_DIR": None,
    } | {name: "/mine"}
