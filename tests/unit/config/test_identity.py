"""Issuers in the configuration: what may be said of them, and what is refused with its place."""

from pathlib import Path

import pytest

from pacsgate.bootstrap.issuers import check_issuers
from pacsgate.config import Settings
from pacsgate.config.identity import JwtIssuerSettings, SamlIssuerSettings
from pacsgate.model.errors import SettingsError
from tests.unit.config.test_archives import read

JWT = "kind: jwt, issuer: 'https://idp.example', audience: pacsgate"
SAML = "kind: saml, issuer: 'https://idp.example', audience: pacsgate, certificates_file: idp.pem"


def issuers(directory: Path, *written: str) -> Settings:
    listed = ", ".join(f"{{{one}}}" for one in written)
    return read(directory, further=f"identity: {{issuers: [{listed}]}}\n")


def test_nobody_else_is_believed_unless_it_is_said(tmp_path: Path) -> None:
    assert read(tmp_path).identity.issuers == ()


def test_both_kinds_are_read_with_paths_beside_the_file(tmp_path: Path) -> None:
    names = "claims: {name: upn, groups: roles, attributes: {key: dept}}"
    settings = issuers(tmp_path, f"{JWT}, keys_file: keys.json, {names}, accounts: claims", SAML)
    tokens, assertions = settings.identity.issuers
    assert isinstance(tokens, JwtIssuerSettings)
    assert isinstance(assertions, SamlIssuerSettings)
    assert tokens.keys_file == tmp_path / "keys.json"
    assert tokens.claims.attributes == {"key": "dept"}
    assert tokens.accounts == "claims"
    assert assertions.certificates_file == tmp_path / "idp.pem"
    assert assertions.accounts == "local"


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (JWT, "needs `keys_file` or `keys_url`"),
        (f"{JWT}, keys_file: a, keys_url: 'https://b/'", "and not both"),
        (f"{JWT}, keys_url: 'http://idp.example/keys'", "keys_url"),
        (f"{JWT}, keys_file: a, algorithms: [HS256]", "`HS256` is not among"),
        (f"{JWT}, keys_file: a, algorithms: [none]", "`none` is not among"),
        (f"{JWT}, keys_file: a, algorithms: []", "algorithms"),
        (f"{JWT}, keys_file: a, audiance: x", "unknown key `audiance`"),
        (f"{JWT.replace('pacsgate', '')}'', keys_file: a", "audience"),
        (SAML.replace("kind: saml", "kind: ldap"), "kind"),
    ],
)
def test_an_issuer_that_could_not_be_trusted_is_refused_with_its_place(
    tmp_path: Path, written: str, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:\d+:\d+") as refused:
        issuers(tmp_path, written)
    assert sentence in str(refused.value)


def test_one_issuer_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="named twice"):
        issuers(tmp_path, f"{JWT}, keys_file: a", f"{JWT}, keys_file: b")
    assert len(issuers(tmp_path, f"{JWT}, keys_file: a", SAML).identity.issuers) == 2


@pytest.mark.parametrize(
    ("name", "written", "sentence"),
    [
        ("keys.json", f"{JWT}, keys_file: keys.json", "holds no public keys"),
        ("idp.pem", SAML, "holds no certificates"),
        (
            "ca.pem",
            f"{JWT}, keys_url: 'https://idp.example/keys', ca_file: ca.pem",
            "cannot read the authorities",
        ),
    ],
)
def test_files_of_issuers_must_hold_what_they_should(
    tmp_path: Path, name: str, written: str, sentence: str
) -> None:
    settings = issuers(tmp_path, written)
    with pytest.raises(SettingsError, match="cannot read"):
        check_issuers(settings)
    (tmp_path / name).write_text("{}")
    with pytest.raises(SettingsError, match=sentence):
        check_issuers(settings)
