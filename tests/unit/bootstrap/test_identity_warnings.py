from pathlib import Path

import pytest
import structlog

from pacsgate.bootstrap import errands
from pacsgate.bootstrap.identity_warnings import identity_warnings
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.model.resource import DEFAULT_TENANT, TenantName, TenantScope
from pacsgate.policy.document import load_policy

POLICY = load_policy({"policy.yaml": "version: 1\nroles:\n  reader: {may: [search]}\n"})
BASE = """
data: data
policy: policy.yaml
listeners: [{{port: 8042{tls}}}]
archives: {{main: {{kind: folder, path: archive}}}}
trail: {{manifest_key: keys/trail.key}}
identity: {identity}
"""
LDAP = (
    "ldap: [{{name: ad, servers: ['ldaps://dc1'], people: {{base: 'o=x'}}, bind_as: '{{name}}@x', {more}}}]"
)


def warnings(directory: Path, identity: str, tls: str = "") -> list[str]:
    file = directory / "pacsgate.yaml"
    file.write_text(BASE.format(identity="{" + identity + "}", tls=tls))
    return list(identity_warnings(read_settings(file), {TenantScope(DEFAULT_TENANT): POLICY}))


def test_a_limit_for_a_role_that_nobody_has_is_told_for_it_would_bind_nobody(tmp_path):
    (told,) = warnings(tmp_path, "sessions: {roles: {reader: {idle: 5 min}, raeder: {idle: 5 min}}}")
    assert "`raeder`" in told
    assert "identity.sessions.roles" in told


def test_a_ceiling_of_a_role_that_nobody_has_is_told(tmp_path):
    (told,) = warnings(tmp_path, LDAP.format(more="roles_at_most: [reader, raeder]"))
    assert "`roles_at_most` of `ad` names `raeder`" in told


def test_a_source_that_is_not_there_is_told_and_the_gate_itself_is(tmp_path):
    (told,) = warnings(
        tmp_path, LDAP.format(more="signs_in: [local, scmi]") + ", scim: [{name: scim, account: a}]"
    )
    assert "`signs_in` of `ad` names `scmi`" in told


CARDS = "certificates: [{name: cards, ca_file: ca.pem, map: {by: san-upn}}]"


@pytest.mark.parametrize(
    ("tls", "said"),
    [("", 1), (", tls: {certificate: a.pem, key: a.key, client_certificate: optional}", 0)],
)
def test_certificates_that_no_listener_asks_for_are_told(tmp_path, tls, said):
    assert len(warnings(tmp_path, CARDS, tls)) == said


def test_a_ceiling_of_another_tenants_source_is_held_against_that_tenants_roles(tmp_path):
    north = TenantScope(TenantName("north"))
    file = tmp_path / "pacsgate.yaml"
    source = LDAP.format(more="roles_at_most: [surgeon], tenant: north")
    file.write_text(BASE.format(identity="{" + source + "}", tls="") + "tenants: {north: {name: North}}\n")
    settings = read_settings(file)
    surgeons = load_policy({"policy.yaml": "version: 1\nroles: {surgeon: {may: [search]}}\n"})
    own = TenantScope(DEFAULT_TENANT)
    assert list(identity_warnings(settings, {own: POLICY, north: surgeons})) == []
    assert list(identity_warnings(settings, {own: POLICY})) == []
    (told,) = identity_warnings(settings, {own: surgeons, north: POLICY})
    assert "`surgeon`" in told


@pytest.mark.long
def test_what_the_check_warns_of_is_in_the_log_of_the_start(tmp_path, capfd):
    config = make_installation(tmp_path / "gate", port=0)
    text = config.read_text("utf-8")
    config.write_text(text + "identity: {sessions: {roles: {raeder: {idle: 5 min}}}}\n", "utf-8")
    try:
        errands.prepare(read_settings(config))
    finally:
        structlog.reset_defaults()
    assert "`raeder`, which no policy file defines" in capfd.readouterr().err
