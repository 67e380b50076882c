"""What a configuration may say of LDAP directories and SAML providers."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from pacsgate.bootstrap.directories import account_list, ldap_sources, speaks_of
from pacsgate.bootstrap.saml import saml_providers
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.config.ldap import LdapSettings
from pacsgate.config.saml import SamlSettings
from pacsgate.model.errors import SettingsError
from tests.support.saml_idp import metadata, own_key

BASE = "ou=people,dc=example"
LDAP = {
    "name": "clinic",
    "servers": ["ldaps://dc1.example"],
    "bind": {"dn": "cn=gate", "password_file": "secret"},
    "people": {"base": BASE},
}


def ldap(**changed) -> LdapSettings:
    stated = {**LDAP, **changed}
    return LdapSettings.model_validate({name: value for name, value in stated.items() if value is not None})


def test_servers_are_reached_by_tls_in_one_of_two_ways():
    found = ldap(servers=["ldaps://dc1.example", "ldap://dc2.example", "ldaps://[::1]:1636/"])
    assert found.addresses == (("dc1.example", 636, False), ("dc2.example", 389, True), ("::1", 1636, False))


@pytest.mark.parametrize(
    "changed",
    [
        {"servers": []},
        {"servers": ["dc1.example"]},
        {"servers": ["http://dc1.example"]},
        {"servers": ["ldaps://user:secret@dc1.example"]},
        {"bind": None},
        {"bind_as": "{name}@example"},
        {"bind": None, "bind_as": "everybody@example"},
        {"bind": {"dn": "cn=gate", "password": "inline"}},
        {"people": {"base": BASE, "filter": "uid={name}"}},
        {"people": {"base": BASE, "filter": "(uid=ann)"}},
        {"sync": {"at": "02:30"}},
        {"sync": {"at": "02:30", "zone": "Mars/Olympus"}, "accounts": "claims"},
        {"sync": {"at": "02:30"}, "accounts": "claims", "bind": None, "bind_as": "{name}@example"},
        {"tls": False},
    ],
)
def test_what_makes_no_sense_or_no_safe_connection_is_refused(changed):
    with pytest.raises(ValidationError):
        ldap(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"certificate_file": "saml.pem"},
        {"name_id": "transient"},
        {"claims": {"required": {"hd": ["example"]}}},
        {"metadata_url": "https://idp.example/metadata"},
    ],
)
def test_a_provider_that_makes_no_sense_is_refused(changed):
    with pytest.raises(ValidationError):
        SamlSettings.model_validate({"name": "idp", "metadata_file": "idp.xml", **changed})


GUIDE = Path(__file__).parents[3] / "docs" / "identity.md"
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("kind", "settings"), [("ldap", LdapSettings), ("saml", SamlSettings)])
def test_what_the_guide_tells_people_to_write_is_sound(kind, settings):
    (example,) = [text for text in EXAMPLES if f"\n  {kind}:\n" in text]
    (source,) = YAML(typ="safe").load(example)["identity"][kind]
    assert settings.model_validate(source).accounts == "claims"


@pytest.fixture
def written(tmp_path):
    """Reads an installation with these lines of configuration."""

    def write(lines: str):
        config = make_installation(tmp_path / "gate", policy="version: 1\n", port=0)
        config.write_text(config.read_text("utf-8") + lines, "utf-8")
        return read_settings(config), config.parent

    return write


DIRECTORY = """
identity:
  ldap:
  - {name: clinic, servers: ["ldaps://dc1.example"], bind: {dn: "cn=gate", password_file: ldap.secret}, people: {base: "dc=x"},
     groups: {base: "dc=x"}, attributes: {policy: department}}
  - {name: partner, servers: ["ldaps://dc2.example"], bind_as: "{name}@partner.example", people: {base: "dc=y"}}
"""


def test_a_directory_is_wired_with_the_password_of_its_file(written):
    settings, home = written(DIRECTORY)
    with pytest.raises(SettingsError, match=r"cannot read the password"):
        ldap_sources(settings)
    (home / "ldap.secret").write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        ldap_sources(settings)
    (home / "ldap.secret").write_text("secret\n")
    assert [source.name for source in ldap_sources(settings)] == ["clinic", "partner"]
    assert account_list(settings, "clinic").name == "clinic"
    assert speaks_of(settings, "clinic") == {"display_name", "until", "groups", "attributes"}
    assert speaks_of(settings, "partner") == {"display_name", "until"}
    for name in ("partner", "nobody"):
        with pytest.raises(SettingsError):
            account_list(settings, name)


PROVIDER = """
public_url: https://gate.example/
identity:
  saml:
  - {name: idp, metadata_file: idp.xml, certificate_file: saml.pem, key_file: saml.key}
"""


def test_a_provider_is_wired_from_its_metadata(written):
    settings, home = written(PROVIDER)
    key = own_key()
    (home / "saml.pem").write_text(key.certificate)
    (home / "saml.key").write_text(key.key)
    with pytest.raises(SettingsError, match="cannot read"):
        saml_providers(settings)
    (home / "idp.xml").write_bytes(metadata())
    (found,) = saml_providers(settings)
    assert found.acs_url == "https://gate.example/auth/saml/idp/acs"
    assert found.signs_requests


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "not readable"),
        (b"<a/>", "describes no identity provider"),
        (b'<!DOCTYPE x [<!ENTITY e "x">]><a>&e;</a>', "not readable"),
        (metadata().replace(b"SingleSignOnService", b"AssertionIDRequestService"), "no address"),
        (metadata().replace(b"X509Certificate", b"X509Serial"), "certificate"),
    ],
)
def test_metadata_that_cannot_be_used_says_why(written, text, why):
    settings, home = written(PROVIDER.replace(", certificate_file: saml.pem, key_file: saml.key", ""))
    (home / "idp.xml").write_bytes(text)
    with pytest.raises(SettingsError, match=why):
        saml_providers(settings)


def test_a_provider_needs_to_know_where_to_send_people_back(written):
    settings, _ = written(PROVIDER.replace("public_url: https://gate.example/\n", ""))
    with pytest.raises(SettingsError, match="public_url"):
        saml_providers(settings)
