"""Archives in the configuration: what is wrong with them is said with its place, before anything listens."""

from pathlib import Path

import pytest

from pacsgate.config import OrthancArchiveSettings, Settings, read_settings
from pacsgate.model.errors import SettingsError

TEXT = """\
data: data
policy: policy.yaml
trail: {{manifest_key: keys/trail.key}}
{further}archives:
  main: {{kind: orthanc, url: "http://127.0.0.1:8043"{keys}}}
"""
PROXIES = "trusted_proxies: [127.0.0.1/32]\n"


def read(tmp_path: Path, keys: str = "", further: str = "") -> Settings:
    file = tmp_path / "pacsgate.yaml"
    file.write_text(TEXT.format(keys=f", {keys}" if keys else "", further=further), "utf-8")
    return read_settings(file)


def test_an_orthanc_is_written_to_by_others_and_followed_within_a_minute_unless_it_is_said(
    tmp_path: Path,
) -> None:
    archive = read(tmp_path).archives["main"]
    assert isinstance(archive, OrthancArchiveSettings)
    assert (archive.writers, archive.max_staleness_seconds, archive.offload) == ("others", 60, None)


def test_an_offload_needs_a_proxy_that_is_trusted(tmp_path: Path) -> None:
    offload = "offload: {kind: nginx, location: /_orthanc/}"
    with pytest.raises(SettingsError, match="`offload` of `main` needs `trusted_proxies`"):
        read(tmp_path, offload)
    assert read(tmp_path, offload, PROXIES).archives["main"].offload  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "location", ["/", "_orthanc/", "/_orthanc", "//_orthanc/", "/a b/", "/a/?x/", "http://x/", "/a\\nb/"]
)
def test_a_location_that_is_none_is_refused_with_its_place(tmp_path: Path, location: str) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:6:\d+: .*location"):
        read(tmp_path, f'offload: {{kind: nginx, location: "{location}"}}', PROXIES)


@pytest.mark.parametrize(
    "keys", ["can_delete: true", "offloads: {}", "writers: nobody", "timeout_seconds: 0", "links: yes"]
)
def test_what_an_orthanc_does_not_have_is_an_error(tmp_path: Path, keys: str) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:5:"):
        read(tmp_path, keys)
