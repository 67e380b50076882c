"""Issuers in the configuration: what may be said of them, and what is refused with its place."""

import re
from pathlib import Path

import pytest

from pacsgate.bootstrap.issuers import check_issuers
from pacsgate.config import Settings
from pacsgate.config.identity import JwtIssuerSettings, SamlIssuerSettings
from pacsgate.model.errors import SettingsError
from tests.unit.config.test_archives import read

JWT = "name: tokens, kind: jwt, issuer: 'https://idp.example', audience: pacsgate"
SAML = "name: assertions, kind: saml, issuer: 'https://idp.example', audience: pacsgate, certificates_file: idp.pem"


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
        issuers(tmp_path, f"{JWT}, keys_file: a", f"{JWT}, keys_file: b".replace("tokens", "others"))
    with pytest.raises(SettingsError, match="two identity sources are called `tokens`"):
        issuers(tmp_path, f"{JWT}, keys_file: a", SAML.replace("assertions", "tokens"))
    with pytest.raises(SettingsError, match="the gate itself is"):
        issuers(tmp_path, SAML.replace("assertions", "local"))
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


OPENID = "name: idp, issuer: 'https://idp.example', client_id: gate"


def openid(directory: Path, *written: str, public_url: str = "https://gate.example") -> Settings:
    listed = ", ".join(f"{{{one}}}" for one in written)
    return read(directory, further=f"public_url: {public_url}\nidentity: {{openid: [{listed}]}}\n")


def test_a_provider_is_read_with_what_it_may_bring(tmp_path: Path) -> None:
    trust = "accounts: claims, roles_at_most: [viewer], methods: [otp], acr: {gold: [mfa]}, signs_in: [local]"
    bearer = (
        "bearer: {audience: api, types: [jwt], introspection: true}, client_secret_file: s, ca_file: ca.pem"
    )
    (provider,) = openid(tmp_path, f"{OPENID}, {trust}, {bearer}").identity.openid
    assert (provider.accounts, provider.roles_at_most, provider.signs_in) == (
        "claims",
        ("viewer",),
        ("local",),
    )
    assert (provider.methods, provider.acr) == (("otp",), {"gold": ("mfa",)})
    assert provider.client_secret_file == tmp_path / "s"
    assert provider.ca_file == tmp_path / "ca.pem"
    assert provider.bearer is not None
    assert (provider.bearer.audience, provider.bearer.types) == ("api", ("jwt",))


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        (OPENID.replace("https", "http"), "issuer"),
        (OPENID.replace("name: idp", "name: 'Hospital IdP'"), "name"),
        (f"{OPENID}, client_secret: x", "unknown key `client_secret`"),
        (f"{OPENID}, algorithms: [HS256]", "`HS256` is not among"),
        (f"{OPENID}, scopes: [profile]", "must hold `openid`"),
        (f"{OPENID}, bearer: {{audience: gate}}", "must not be `client_id`"),
        (f"{OPENID}, bearer: {{audience: api, introspection: true}}", "needs `client_secret_file`"),
        (f"{OPENID}, bearer: {{audience: api, types: [logout+jwt]}}", "types"),
        (f"{OPENID}, tenants: [t-1]", "belong together"),
        (OPENID.replace("idp.example", "idp.example/{tenantid}"), "belong together"),
    ],
)
def test_a_provider_that_could_not_be_trusted_is_refused_with_its_place(
    tmp_path: Path, written: str, sentence: str
) -> None:
    with pytest.raises(SettingsError, match=r"pacsgate\.yaml:\d+:\d+") as refused:
        openid(tmp_path, written)
    assert sentence in str(refused.value)


def test_providers_send_browsers_back_to_an_address_with_https(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="needs `public_url` with https"):
        openid(tmp_path, OPENID, public_url="http://gate.example")


def test_only_one_provider_is_asked_about_tokens_that_say_nothing(tmp_path: Path) -> None:
    """A token is its bearer's secret, and is shown to nobody who has not issued it."""
    asking = "client_secret_file: s, bearer: {audience: api, introspection: true}"
    other = f"{OPENID}, {asking}".replace("name: idp", "name: other")
    with pytest.raises(SettingsError, match="`introspection`"):
        openid(tmp_path, f"{OPENID}, {asking}", other)


@pytest.mark.parametrize("written", ["", "two\nlines", "\u00e4"])
def test_a_client_secret_is_one_line_in_a_file_of_its_own(tmp_path: Path, written: str) -> None:
    settings = openid(tmp_path, f"{OPENID}, client_secret_file: secret")
    with pytest.raises(SettingsError, match="cannot read the client secret"):
        check_issuers(settings)
    (tmp_path / "secret").write_text(written, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"must be one line of ASCII|is empty"):
        check_issuers(settings)
    (tmp_path / "secret").write_text("right\n", encoding="utf-8")
    check_issuers(settings)


def documented_providers() -> list[str]:
    """Every provider that docs/identity.md shows, as it stands there."""
    text = (Path(__file__).parents[3] / "docs" / "identity.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    found = [re.search(r"^ +- name: .*?client_id.*", block, re.DOTALL | re.MULTILINE) for block in blocks]
    return [match[0] for match in found if match is not None]


@pytest.mark.parametrize("written", documented_providers())
def test_the_providers_of_the_documentation_can_be_configured_as_they_stand_there(
    tmp_path: Path, written: str
) -> None:
    further = f"public_url: https://gate.example\nidentity:\n  openid:\n{written}"
    (provider,) = read(tmp_path, further=further).identity.openid
    assert provider.client_secret_file is not None
    provider.client_secret_file.write_text("secret")
    check_issuers(read(tmp_path, further=further))


def test_three_kinds_of_providers_are_documented() -> None:
    assert len(documented_providers()) == 3
