"""One gate that knows people in every way, and whom it asks about them: an OpenID provider and a directory.

The archive is a folder with a few studies.  All people are alike to the policy, and each has one
credential of each kind.  What the gate sends to the provider or the directory passes a relay that
notes when.

Called by `credentials`.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from ssl import create_default_context

import requests
from tests.support.hospital import serving
from tests.support.oidc_provider import PlannedProvider, RealProvider
from tests.support.ports import free_ports
from tests.support.slapd import PEOPLE as LDAP_PEOPLE
from tests.support.slapd import SERVICE, SERVICE_PASSWORD, person, running_slapd
from tests.support.tls import CertificateAuthority

from bench.asking import ClientTls
from bench.images import DEPARTMENTS, part10, studies
from bench.relay import Relay, relaying
from bench.stage import POLICY, keep
from pacsgate.bootstrap import people
from pacsgate.bootstrap.installation import Installation, open_installation
from pacsgate.bootstrap.policy_watch import PolicyWatch
from pacsgate.cli.new_installation import make_installation
from pacsgate.config import read_settings
from pacsgate.identity.sessions import COOKIE_NAME
from pacsgate.model.resource import ArchiveName
from pacsgate.model.role import Assignment
from pacsgate.model.subject import SubjectKind
from pacsgate.services.administration import Change

_STUDIES = 10
_SECONDS = 30
_PASSWORD = "a password of {} for measuring"
_SECRET = "s" * 43
_LISTENER = "  - {host: 127.0.0.1, port: 0}\n"
_LISTENERS = """\
  - {{host: 127.0.0.1, port: 0}}
  - {{port: {https}, tls: {{certificate: gate.pem, key: gate.key, client_certificate: optional}}}}
"""
_IDENTITY = """\
public_url: https://localhost:{https}
identity:
  openid:
    - name: provider
      issuer: {issuer}
      client_id: gate
      client_secret_file: client.secret
      ca_file: {provider_ca}
      bearer: {{audience: gate-api, introspection: true}}
  ldap:
    - name: directory
      servers: [ldaps://127.0.0.1:{ldap}]
      ca_file: {ldap_ca}
      bind: {{dn: "{service}", password_file: directory.secret}}
      people: {{base: "{people}"}}
  certificates:
    - {{name: cards, ca_file: cards-ca.pem, crl_file: cards.crl, map: {{by: subject-cn}}}}
"""


@dataclass(frozen=True)
class Presented:
    """A credential as a client shows it."""

    headers: Mapping[str, str]
    tls: ClientTls | None = None


@dataclass(frozen=True)
class CredentialsStage:
    """Everything that runs, and what there is to show: by kind, one of each person."""

    gate: int
    http_port: int
    https_port: int
    presented: Mapping[str, tuple[Presented, ...]]
    relays: tuple[Relay, ...]

    def connected(self, shown: Presented) -> HTTPConnection:
        """A new connection, on which this credential can be shown."""
        if shown.tls is None:
            connection = HTTPConnection("127.0.0.1", self.http_port, timeout=_SECONDS)
        else:
            context = create_default_context(cafile=str(shown.tls.ca_file))
            if shown.tls.shown is not None:
                context.load_cert_chain(*shown.tls.shown)
            connection = HTTPSConnection("127.0.0.1", self.https_port, timeout=_SECONDS, context=context)
        connection.connect()
        return connection

    def messages(self, spans: Sequence[tuple[float, float]]) -> int:
        """How often the gate sent anything to provider or directory within these spans."""
        return sum(relay.messages(spans) for relay in self.relays)


@dataclass(frozen=True)
class _Names:
    """Accounts of one person: those with a password here, of programs, of the directory."""

    reader: str
    program: str
    clerk: str


@contextmanager
def set_up(directory: Path, people_count: int) -> Iterator[CredentialsStage]:
    """Start and fill everything, and stop it at the end."""
    names = [
        _Names(f"reader{number}", f"program{number}", f"clerk{number}") for number in range(people_count)
    ]
    provider_port, ldap_port, https = free_ports(3)
    planned = PlannedProvider(directory / "provider", known_by=provider_port)
    gate: dict[str, object] = {"client_id": "gate", "redirect_uris": ["https://gate.example/"]}
    clients = [gate, *(_program(each.program) for each in names)]
    clients = [{"client_secret": _SECRET, **client} for client in clients]
    entries = "".join(person(each.clerk, _PASSWORD.format(each.clerk)) for each in names)
    servers, cards = (CertificateAuthority(directory / kind) for kind in ("servers", "cards"))
    with ExitStack() as stack:
        slapd = stack.enter_context(running_slapd(directory / "slapd", entries))
        relays = (
            stack.enter_context(relaying(planned.port, provider_port)),
            stack.enter_context(relaying(slapd.tls, ldap_port)),
        )
        provider = stack.enter_context(planned.running(clients=clients, people={}))
        identity = _IDENTITY.format(
            https=https,
            issuer=planned.issuer,
            provider_ca=planned.ca_file,
            ldap=ldap_port,
            ldap_ca=slapd.ca_file,
            service=SERVICE,
            people=LDAP_PEOPLE,
        )
        config = _installed(directory / "gate", _LISTENERS.format(https=https), identity, servers, cards)
        with open_installation(read_settings(config), "bench") as installation:
            PolicyWatch(installation).publish()
            tokens = [_add(installation, each) for each in names]
            for study in studies()[:_STUDIES]:
                keep(installation, list(part10(study)))
            installation.sync.sync(installation.scope, ArchiveName("main"))
        url, process, _log = stack.enter_context(serving(config))
        trust = ClientTls(servers.ca_file)
        presented = {
            "API token": [_bearer(token) for token in tokens],
            "session cookie": [_session(url, each.reader) for each in names],
            "HTTP Basic": [_basic(each.reader) for each in names],
            "HTTP Basic, password in a directory (LDAP)": [_basic(each.clerk) for each in names],
            "signed token of an issuer (JWT)": [_issued(provider, each.program, "jwt") for each in names],
            "opaque token of an issuer (introspection)": [
                _issued(provider, each.program, "opaque") for each in names
            ],
            "API token over TLS": [Presented(_bearer(token).headers, trust) for token in tokens],
            "client certificate over TLS": [
                Presented({}, ClientTls(servers.ca_file, cards.card(each.reader).files)) for each in names
            ],
        }
        kinds = {kind: tuple(shown) for kind, shown in presented.items()}
        yield CredentialsStage(process.pid, int(url.rpartition(":")[2]), https, kinds, relays)


def _installed(
    directory: Path, listeners: str, identity: str, servers: CertificateAuthority, cards: CertificateAuthority
) -> Path:
    """An installation with all that it must know of others; one worker, for each remembers by itself."""
    config = make_installation(directory, policy=POLICY, port=0, workers=1)
    text = config.read_text("utf-8")
    config.write_text(text.replace(_LISTENER, listeners) + identity, "utf-8")
    for file, name in zip(servers.issue("127.0.0.1"), ("gate.pem", "gate.key"), strict=True):
        file.rename(directory / name)
    (directory / "cards-ca.pem").write_bytes(cards.ca_file.read_bytes())
    (directory / "cards.crl").write_bytes(cards.revocation_list())
    for name, secret in (("client.secret", _SECRET), ("directory.secret", SERVICE_PASSWORD)):
        (directory / name).write_text(secret, "utf-8")
        (directory / name).chmod(0o600)
    return config


def _program(name: str) -> dict[str, object]:
    return {
        "client_id": name,
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
    }


def _add(installation: Installation, names: _Names) -> str:
    """The accounts of one person, all with the same rights; an API token of the first."""
    users = people.users(installation)
    now = installation.clock.now()
    change = Change(installation.scope, installation.actor(), now)
    passwords = {names.reader: _PASSWORD.format(names.reader)}
    for name in (names.reader, names.program, names.clerk):
        kind = SubjectKind.SERVICE if name == names.program else SubjectKind.USER
        departments = {"departments": frozenset(DEPARTMENTS)}
        users.add(change, name, kind=kind, password=passwords.get(name), attributes=departments)
        users.assign(change, name, Assignment("reader"))
    issued = people.tokens(installation).issue(
        change, names.reader, label="bench", expires_at=now + timedelta(days=1)
    )
    return issued.text


def _bearer(token: str) -> Presented:
    return Presented({"Authorization": f"Bearer {token}"})


def _basic(name: str) -> Presented:
    pair = base64.b64encode(f"{name}:{_PASSWORD.format(name)}".encode()).decode("ascii")
    return Presented({"Authorization": f"Basic {pair}"})


def _issued(provider: RealProvider, program: str, kind: str) -> Presented:
    return _bearer(provider.client_token(program, _SECRET, f"urn:{kind}:gate-api"))


def _session(url: str, name: str) -> Presented:
    answer = requests.post(
        f"{url}/sign-in",
        data={"name": name, "password": _PASSWORD.format(name), "return_to": "/"},
        allow_redirects=False,
        timeout=_SECONDS,
    )
    if answer.status_code != 303:
        raise RuntimeError(f"{name} cannot sign in: {answer.status_code}")
    return Presented({"Cookie": f"{COOKIE_NAME}={answer.cookies[COOKIE_NAME]}"})
