"""Links of an Orthanc in the configuration: where they lead, and how far they go."""

from pathlib import Path

import pytest

from pacsgate.config import OrthancArchiveSettings
from pacsgate.model.errors import SettingsError
from pacsgate.protocols.orthanc_plugin.purposes import Purpose
from tests.unit.config.test_archives import read


def test_an_orthanc_hands_out_no_links_unless_it_is_said(tmp_path: Path) -> None:
    archive = read(tmp_path).archives["main"]
    assert isinstance(archive, OrthancArchiveSettings)
    assert archive.links is None


def test_links_are_for_every_purpose_and_for_a_month_unless_it_is_said(tmp_path: Path) -> None:
    archive = read(tmp_path, "links: {orthanc: 'https://o.example/'}").archives["main"]
    assert isinstance(archive, OrthancArchiveSettings)
    assert archive.links is not None
    assert (set(archive.links.purposes), archive.links.longest_days) == (set(Purpose), 30)


@pytest.mark.parametrize(
    "links",
    [
        "{}",
        "{orthanc: 'https://o.example'}",
        "{orthanc: 'ftp://o.example/'}",
        "{orthanc: 'https://o.example/ x/'}",
        "{orthanc: 'https://o.example/', ohif: 'v.example/'}",
        "{orthanc: 'https://o.example/', landing: '/ui/landing/'}",
        "{orthanc: 'https://o.example/', purposes: [inbox-link]}",
        "{orthanc: 'https://o.example/', longest_days: 0}",
        "{orthanc: 'https://o.example/', longest_days: 365}",
        "{orthanc: 'https://o.example/', roots: x}",
    ],
)
def test_what_is_no_link_is_refused_with_its_place(tmp_path: Path, links: str) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:5:"):
        read(tmp_path, f"links: {links}")
