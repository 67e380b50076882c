"""The `dicom` section, and what is wrong with one."""

from pathlib import Path

import pytest

from pacsgate.cli.new_installation import make_installation
from pacsgate.config import Settings, read_settings
from pacsgate.model.errors import SettingsError


def read(tmp_path: Path, section: str) -> Settings:
    config = make_installation(tmp_path / "gate")
    with config.open("a", encoding="utf-8") as file:
        file.write(section)
    return read_settings(config)


def test_without_the_section_there_is_no_door(tmp_path: Path) -> None:
    assert read(tmp_path, "").dicom is None


def test_paths_of_certificates_are_those_beside_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        "dicom:\n  listeners: [{tls: {certificate: c.pem, key: k.pem, client_ca: ca.pem}}]\n"
        "  ae_titles: {A: {archive: main}}\n",
    )
    assert settings.dicom is not None
    (listener,) = settings.dicom.listeners
    assert listener.tls is not None
    assert [listener.tls.certificate, listener.tls.key, listener.tls.client_ca] == [
        tmp_path / "gate" / name for name in ("c.pem", "k.pem", "ca.pem")
    ]


def test_passcodes_stay_inside_tls_unless_it_is_said(tmp_path: Path) -> None:
    settings = read(tmp_path, "dicom: {ae_titles: {A: {archive: main}}}\n")
    assert settings.dicom is not None
    assert not settings.dicom.allow_cleartext_identity


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("dicom: {ae_titles: {A: {archive: other}}}\n", "there is no archive `other`"),
        ("dicom: {ae_titles: {'SEVENTEEN-LETTERS': {archive: main}}}\n", "is no AE title"),
        ("dicom: {ae_titles: {'BACK\\SLASH': {archive: main}}}\n", "is no AE title"),
        ("dicom: {ae_titles: {}}\n", "dicom.ae_titles"),
        ("dicom: {ae_title: {A: {archive: main}}}\n", "did you mean `ae_titles`?"),
        (
            "dicom: {listeners: [{port: 104}, {port: 104}], ae_titles: {A: {archive: main}}}\n",
            "two DICOM listeners have the same host and port",
        ),
    ],
)
def test_every_mistake_is_told_with_its_place(tmp_path: Path, section: str, told: str) -> None:
    with pytest.raises(SettingsError, match=r":\d+:\d+: ") as refused:
        read(tmp_path, section)
    assert told in refused.value.public


def test_a_new_installation_shows_how_in_a_comment(tmp_path: Path) -> None:
    config = make_installation(tmp_path / "gate")
    text = config.read_text("utf-8")
    at = text.index("# dicom:")
    config.write_text(text[:at] + text[at:].replace("# ", ""), "utf-8")
    settings = read_settings(config)
    assert settings.dicom is not None
    assert list(settings.dicom.ae_titles) == ["PACSGATE"]
