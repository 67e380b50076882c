"""What cannot tell a sender of messages, or find its stylesheet, is refused with its place."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.occurrences import check_dcm4chee
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.errors import PacsgateError, SettingsError
from pacsgate.model.stylesheet import StylesheetName


def configured(directory: Path, text: str) -> Path:
    config = make_installation(directory / "gate")
    with config.open("a", encoding="utf-8") as file:
        file.write(text)
    return config


def test_a_listener_knows_its_senders(tmp_path: Path) -> None:
    fingerprint = ":".join(["AB"] * 32)
    settings = read_settings(
        configured(
            tmp_path,
            f"""hl7:
  listeners:
    - senders: [{{account: ris1, networks: [10.1.0.0/16]}}]
    - port: 2576
      tls: {{certificate: a.pem, key: a.key, client_ca: ca.pem}}
      senders: [{{account: his1, certificate_sha256: "{fingerprint}"}}]
dcm4chee: {{series_stylesheet: series-permission.xsl}}
""",
        )
    )
    assert settings.hl7 is not None
    plain, secure = settings.hl7.listeners
    assert (plain.port, plain.senders[0].account) == (2575, "ris1")
    assert secure.senders[0].certificate_sha256 == "ab" * 32
    assert settings.dcm4chee.stylesheets == {
        StylesheetName.SERIES: tmp_path / "gate" / "series-permission.xsl"
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hl7: {listeners: []}\n", "hl7.listeners"),
        ("hl7: {listeners: [{port: 2575}]}\n", "senders"),
        ("hl7: {listeners: [{senders: [{account: ris1}]}]}\n", "nothing tells `ris1`"),
        ("hl7: {listeners: [{senders: [{account: ris1, networks: [10.1.2.3/8]}]}]}\n", "networks"),
        (
            "hl7: {listeners: [{senders: [{account: ris1, certificate_sha256: abc}]}]}\n",
            "64 hexadecimal digits",
        ),
        (
            f"hl7: {{listeners: [{{senders: [{{account: r, certificate_sha256: {'a' * 64}}}]}}]}}\n",
            "asks for none",
        ),
        ("hl7: {listners: []}\n", "did you mean `listeners`?"),
        ("dcm4chee: {series_stylesheets: x}\n", "did you mean `series_stylesheet`?"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(configured(tmp_path, text))
    assert sentence in str(refused.value)
    assert "pacsgate.yaml:" in str(refused.value)


@pytest.mark.parametrize(
    ("key", "text", "sentence"),
    [
        ("series_stylesheet", None, "cannot read"),
        ("hl7_stylesheet", "<x/>", "hl7-permission.xsl"),
        ("store_labels", None, "cannot read"),
        ("store_labels", "rules: [{name: a}]\n", "labels"),
        ("store_labels", "rules: [{name: a, labels: [L], when: ['Modality=(?=x)']}]\n", "linear time"),
        ("store_labels", "rules: [{name: a, labels: [L], priority: high}]\n", "whole number"),
    ],
)
def test_what_could_never_run_stops_the_start(
    tmp_path: Path, key: str, text: str | None, sentence: str
) -> None:
    if text is not None:
        (tmp_path / "file").write_text(text, encoding="utf-8")
    settings = read_settings(configured(tmp_path, f"dcm4chee: {{{key}: {tmp_path / 'file'}}}\n"))
    with pytest.raises(PacsgateError) as refused:
        check_dcm4chee(settings)
    assert sentence in str(refused.value)
