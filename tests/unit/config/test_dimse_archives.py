"""Archives of kind `dimse` and other DICOM peers in the configuration file, and what is wrong with some."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.dicom_peers import dicom_peer
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import DimseArchiveSettings, Settings, read_settings
from pacsgate.config.archives import RetrieveBy
from pacsgate.model.errors import SettingsError

FOLDER = "  main: {kind: folder, path: archive}\n"
NEEDED = "kind: dimse, host: pacs.example, port: 104, ae_title: OLD"


def read(directory: Path, archive: str, further: str = "") -> Settings:
    config = make_installation(directory / "gate")
    text = config.read_text("utf-8")
    assert FOLDER in text
    config.write_text(text.replace(FOLDER, f"  main: {{{archive}}}\n") + further, "utf-8")
    return read_settings(config)


def archive_of(settings: Settings) -> DimseArchiveSettings:
    archive = settings.archives["main"]
    assert isinstance(archive, DimseArchiveSettings)
    return archive


def test_an_archive_needs_an_address_and_its_title_and_the_rest_has_defaults(tmp_path: Path) -> None:
    archive = archive_of(read(tmp_path, NEEDED))
    assert (archive.retrieve, archive.calling_ae_title, archive.store) == (RetrieveBy.GET, "PACSGATE", True)
    assert (archive.writers, archive.max_staleness_seconds) == ("others", 3600)
    assert not archive.relational_queries


@pytest.mark.parametrize(
    "further", ["retrieve: move", "receive_port: 11113", "retrieve: get, receive_port: 11113"]
)
def test_moving_needs_a_port_and_getting_has_none(tmp_path: Path, further: str) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        read(tmp_path, f"{NEEDED}, {further}")


def test_moving_to_a_port_is_both(tmp_path: Path) -> None:
    archive = archive_of(read(tmp_path, f"{NEEDED}, retrieve: move, receive_port: 11113"))
    assert archive.receive_port == 11113


@pytest.mark.parametrize("title", ["'   '", "SEVENTEEN_LETTERS", "'A\\B'", "' A'", "'Ä'"])
def test_a_title_that_is_none_is_refused(tmp_path: Path, title: str) -> None:
    with pytest.raises(SettingsError, match="is no AE title"):
        read(tmp_path, f"kind: dimse, host: pacs.example, port: 104, ae_title: {title}")


def test_a_misspelt_key_is_an_error_with_the_one_that_was_meant(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="did you mean `relational_queries`"):
        read(tmp_path / "one", f"{NEEDED}, relational_querys: true")
    with pytest.raises(SettingsError, match="did you mean `certificate_sha256`"):
        read(tmp_path / "other", f"{NEEDED}, tls: {{certificate_sha265: {'0' * 64}}}")


@pytest.mark.parametrize("tls", ["certificate: c.pem", "key: k.pem", "certificate_sha256: ABC"])
def test_half_a_certificate_and_a_fingerprint_that_is_none_are_refused(tmp_path: Path, tls: str) -> None:
    with pytest.raises(SettingsError):
        read(tmp_path, f"{NEEDED}, tls: {{{tls}}}")


def test_a_certificate_that_cannot_be_read_is_told_when_the_archive_is_opened(tmp_path: Path) -> None:
    archive = archive_of(read(tmp_path, f"{NEEDED}, tls: {{ca_file: missing.pem}}"))
    with pytest.raises(SettingsError, match="TLS towards a DICOM peer"):
        dicom_peer(archive)


def test_worklist_and_procedure_steps_are_peers_like_any_other(tmp_path: Path) -> None:
    section = (
        "dicom:\n  ae_titles: {A: {archive: main}}\n"
        "  worklist: {host: ris.example, port: 104, ae_title: RIS}\n"
        "  procedure_steps: {host: ris.example, port: 105, ae_title: RIS, timeout_seconds: 5}\n"
    )
    dicom = read(tmp_path, NEEDED, section).dicom
    assert dicom is not None
    assert dicom.worklist is not None
    assert dicom.procedure_steps is not None
    assert dicom_peer(dicom.procedure_steps).timeout_seconds == 5
    assert dicom_peer(dicom.worklist).called_ae_title == "RIS"
