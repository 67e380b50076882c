"""Acceptance checks E11, E12, E13 and M3: TLS on every listener, smart cards, a terminating nginx, verified archives.

One gate with an HTTPS listener that asks for certificates, a listener that redirects, a plain one behind
nginx and a DICOM listener with TLS; asked with curl, openssl, nginx and dcmtk.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from pacsgate.audit.events import EventKind
from pacsgate.bootstrap.background import CARDS_SECONDS
from tests.e2e.asking import events
from tests.support.browser import chromium, take_picture
from tests.support.hospital import FurnishedHospital, RunningHospital, cli_here, opened
from tests.support.nginx import running_nginx
from tests.support.ports import free_port, free_ports
from tests.support.servers import find_program
from tests.support.tls import Card, CertificateAuthority, principal
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.server("nginx"), pytest.mark.server("dcmtk")]

NGINX = Path(__file__).resolve().parents[2] / "deploy/nginx/tls.conf"
SOON_SECONDS = 5
PLAIN_LISTENER = "  - {host: 127.0.0.1, port: 0}\n"
SETTINGS = """\
public_url: https://localhost:{https}
trusted_proxies: [127.0.0.2/32]
client_certificate_header: {{name: X-Client-Certificate, encoding: escaped-pem}}
identity:
  certificates:
    - name: cards
      ca_file: cards-ca.pem
      crl_file: cards.crl
      map: {{by: san-upn, domain: ward.example}}
      level: 3
dicom:
  listeners:
    - {{port: {dicom}, tls: {{certificate: gate.pem, key: gate.key, client_ca: cards-ca.pem}}}}
  ae_titles:
    PACSGATE: {{archive: main}}
"""
LISTENERS = """\
  - port: {https}
    tls: {{certificate: gate.pem, key: gate.key, client_certificate: optional}}
  - {{port: {redirect}, redirect: true}}
  - {{port: {plain}}}
"""
EXPIRED_ARCHIVE = """\
  expired: {{kind: dicomweb, url: 'https://127.0.0.1:{archive}/', ca_file: gate-ca.pem}}
default_archive: main
"""


@dataclass(frozen=True)
class Site:
    """A gate and everybody who comes to it."""

    hospital: RunningHospital
    servers: CertificateAuthority
    cards: CertificateAuthority
    ports: dict[str, int]
    rad1: Card

    @property
    def directory(self) -> Path:
        return self.hospital.config.parent

    @property
    def https(self) -> str:
        return f"https://localhost:{self.ports['https']}"

    def curl(self, url: str, *options: str, card: Card | None = None) -> tuple[int, dict[str, str], str]:
        """Status, last headers and body; 0 where there is no answer."""
        shown = ["--cert", str(card.certificate_file), "--key", str(card.key_file)] if card else []
        done = subprocess.run(
            [
                "curl",
                "-s",
                "-i",
                "--max-time",
                "20",
                "--cacert",
                str(self.servers.ca_file),
                *shown,
                *options,
                url,
            ],
            capture_output=True,
            check=False,
            timeout=30,
        )
        head, _, body = done.stdout.decode("utf-8", "replace").partition("\r\n\r\n")
        lines = head.split("\r\n")
        status = int(lines[0].split()[1]) if lines[0] else 0
        return status, {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}, body

    def studies(self, card: Card | None, url: str | None = None) -> tuple[int, set[str]]:
        """Status, and the studies that a search lists."""
        status, _, body = self.curl(f"{url or self.https}/dicom-web/studies?limit=1000", card=card)
        rows = json.loads(body) if status == 200 else []
        return status, {row["0020000D"]["Value"][0] for row in rows}

    def revoke(self, *cards: Card) -> None:
        """Publish a list of these cards."""
        (self.directory / "cards.crl").write_bytes(
            self.cards.revocation_list(*(card.certificate for card in cards))
        )

    def server_certificate(self, port: str, *options: str) -> str:
        """What a new connection is shown, as PEM; empty if there is none."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[port]}", *options],
            input=b"",
            capture_output=True,
            check=False,
            timeout=20,
        )
        found = re.search(r"-----BEGIN CERT.*?END CERTIFICATE-----\n", done.stdout.decode(), re.DOTALL)
        return found.group() if found and b"Cipher is (NONE)" not in done.stdout else ""


@pytest.fixture(scope="module")
def site(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("tls")
    servers, cards = CertificateAuthority(directory / "servers"), CertificateAuthority(directory / "cards")
    names = ("https", "redirect", "plain", "dicom", "archive", "nginx")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    made = furnished.copy_to(directory / "gate")
    gate = made.config.parent
    text = made.config.read_text("utf-8")
    folder = "  main: {kind: folder, path: archive}\n"
    assert PLAIN_LISTENER in text
    assert folder in text
    text = text.replace(PLAIN_LISTENER, LISTENERS.format(**ports)).replace("workers: 2\n", "workers: 1\n")
    text = text.replace(folder, folder + EXPIRED_ARCHIVE.format(**ports))
    made.config.write_text(text + SETTINGS.format(**ports), "utf-8")
    install(servers.issue("localhost", "127.0.0.1"), gate)
    (gate / "cards-ca.pem").write_bytes(cards.ca_file.read_bytes())
    (gate / "gate-ca.pem").write_bytes(servers.ca_file.read_bytes())
    (gate / "cards.crl").write_bytes(cards.revocation_list())
    with opened(made) as hospital:
        yield Site(hospital, servers, cards, ports, cards.card("rad1", principal("rad1@ward.example")))


def install(pair: tuple[Path, Path], gate: Path) -> None:
    """Put certificate and key where the gate looks for them."""
    for source, name in zip(pair, ("gate.pem", "gate.key"), strict=True):
        (gate / name).write_bytes(source.read_bytes())


def test_m3_a_card_lists_what_the_same_persons_password_lists(site: Site) -> None:
    """M3: chained to the configured authority, UPN in the subject alternative name: sign-in as that user."""
    status, by_card = site.studies(site.rad1)
    answer = requests.get(
        f"{site.https}/dicom-web/studies?limit=1000",
        auth=("rad1", site.hospital.passwords["rad1"]),
        verify=str(site.servers.ca_file),
        timeout=30,
    )
    by_password = {row["0020000D"]["Value"][0] for row in answer.json()}
    assert status == 200
    assert by_card == by_password != set()
    assert site.studies(None)[0] == 401
    (query, *_) = [
        e for e in events(site.hospital, kind=EventKind.QUERY) if e["actor.credential"] == "certificate"
    ]
    assert query["actor.name"] == "rad1"


def test_m3_an_expired_and_a_strange_card_end_the_handshake_and_are_on_record(
    site: Site, tmp_path: Path
) -> None:
    day = timedelta(days=1)
    valid = (site.cards.now - 2 * day, site.cards.now - day)
    expired = site.cards.card("rad1-old", principal("rad1@ward.example"), valid=valid)
    strange = CertificateAuthority(tmp_path).card("rad1", principal("rad1@ward.example"))
    assert site.studies(expired)[0] == site.studies(strange)[0] == 0

    def causes() -> set[str]:
        return {e["details.cause"] for e in events(site.hospital, kind=EventKind.CERTIFICATE_REFUSED)}

    wait_until(lambda: {"certificate has expired", "unable to get local issuer certificate"} <= causes())
    assert {e["event.type.code"] for e in events(site.hospital, kind=EventKind.CERTIFICATE_REFUSED)} == {
        "110126"
    }


def test_m3_a_card_is_refused_seconds_after_it_was_revoked(site: Site) -> None:
    card = site.cards.card("rad2", principal("rad2@ward.example"))
    assert site.studies(card)[0] == 200
    site.revoke(card)
    wait_until(lambda: site.studies(card)[0] == 401, SOON_SECONDS)
    assert site.studies(site.rad1)[0] == 200
    refused = events(site.hospital, kind=EventKind.CERTIFICATE_REFUSED)
    assert "revoked-certificate" in {event["details.cause"] for event in refused}


def test_a_card_of_a_locked_person_opens_nothing(site: Site) -> None:
    card = site.cards.card("rad3", principal("rad3@ward.example"))
    assert site.studies(card)[0] == 200
    assert site.hospital.cli("lock", "rad3", "--reason", "left").returncode == 0
    assert site.studies(card)[0] == 401


def test_m3_a_browser_signs_in_with_its_certificate(site: Site) -> None:
    """Row I9."""
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(site.servers.ca_file)
    page = browser.get(f"{site.https}/sign-in", timeout=30).text
    assert "/sign-in/certificate" in page
    assert browser.get(f"{site.https}/sign-in/certificate", timeout=30).status_code == 403
    browser.cert = (str(site.rad1.certificate_file), str(site.rad1.key_file))
    assert browser.get(f"{site.https}/sign-in/certificate", timeout=30).status_code == 200
    form = {"return_to": "/"}
    started = browser.post(f"{site.https}/sign-in/certificate", form, timeout=30, allow_redirects=False)
    assert (started.status_code, started.headers["location"]) == (303, "/")
    cookie = started.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(cookie.split("; "))
    browser.cert = None
    assert browser.get(f"{site.https}/dicom-web/studies?limit=1", timeout=30).status_code == 200
    foreign = {"sec-fetch-site": "cross-site"}
    assert (
        browser.post(f"{site.https}/sign-in/certificate", form, headers=foreign, timeout=30).status_code
        == 403
    )


def test_a_session_ends_soon_after_the_card_was_revoked_that_began_it(site: Site) -> None:
    card = site.cards.card("rad2-session", principal("rad2@ward.example"))
    browser = requests.Session()
    browser.trust_env = False
    browser.verify = str(site.servers.ca_file)
    browser.cert = (str(card.certificate_file), str(card.key_file))
    browser.post(f"{site.https}/sign-in/certificate", {"return_to": "/"}, timeout=30, allow_redirects=False)
    browser.close()  # the connection has shown the card, and would go on
    browser.cert = None

    def status() -> int:
        return browser.get(f"{site.https}/dicom-web/studies?limit=1", timeout=30).status_code

    assert status() == 200
    site.revoke(card)
    wait_until(lambda: status() == 401, CARDS_SECONDS + SOON_SECONDS)


@pytest.mark.server("chromium")
def test_m3_in_a_real_browser_the_certificate_is_a_button(site: Site) -> None:
    certificate, key = (str(file) for file in site.rad1.files)
    shown = {"origin": site.https, "certPath": certificate, "keyPath": key}
    with chromium() as browser:
        page = browser.new_context(ignore_https_errors=True, client_certificates=[shown]).new_page()
        page.goto(f"{site.https}/studies")
        page.get_by_role("link", name="Sign in with a certificate").click()
        take_picture(page, "sign-in-with-a-certificate")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{site.https}/studies")
        assert page.get_by_role("table").first.is_visible()
        stranger = browser.new_context(ignore_https_errors=True).new_page()
        stranger.goto(f"{site.https}/sign-in/certificate")
        assert stranger.get_by_text("has shown no certificate").is_visible()


def test_e11_http_leads_to_https_and_believes_nothing(site: Site) -> None:
    """E11: HTTP answers 308, whatever is asked and whoever asks; HTTPS says to come by nothing else."""
    plain = f"http://127.0.0.1:{site.ports['redirect']}"
    credentials = ("-u", f"rad1:{site.hospital.passwords['rad1']}")
    for method in ("GET", "POST", "DELETE"):
        status, headers, body = site.curl(
            f"{plain}/dicom-web/studies?limit=1&a=%20b", "-X", method, *credentials
        )
        assert (status, body) == (308, "")
        assert headers["location"] == f"{site.https}/dicom-web/studies?limit=1&a=%20b"
        assert "strict-transport-security" not in headers
        assert "set-cookie" not in headers
    wrong = site.curl(f"{plain}//evil.example/%2e%2e", "-u", "rad1:wrong", "--path-as-is")
    assert (wrong[0], wrong[1]["location"]) == (308, f"{site.https}//evil.example/%2e%2e")
    for path in ("/healthz", "/sign-in", "/dicom-web/studies", "/api/v1/users", "/nowhere"):
        assert site.curl(site.https + path)[1]["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in site.curl(f"http://127.0.0.1:{site.ports['plain']}/healthz")[1]


def test_e11_nothing_older_than_tls_1_2_is_spoken(site: Site) -> None:
    weakest = ("-cipher", "ALL:@SECLEVEL=0")
    for port in ("https", "dicom"):
        assert [
            bool(site.server_certificate(port, f"-{v}", *weakest)) for v in ("tls1", "tls1_1", "tls1_2")
        ] == [
            False,
            False,
            True,
        ]


def test_a_renewed_certificate_is_shown_without_a_restart_and_a_broken_one_is_not(site: Site) -> None:
    def shown() -> set[str]:
        return {site.server_certificate(port) for port in ("https", "dicom")}

    def renewals() -> int:
        return site.hospital.log.read_text("utf-8").count("certificate renewed")

    new, before = site.servers.issue("localhost", "127.0.0.1"), renewals()
    install(new, site.directory)
    # Each process has its own last good certificate: there are one worker and two DICOM processes.
    wait_until(lambda: renewals() == before + 3, SOON_SECONDS)
    assert shown() == {new[0].read_text("ascii")}
    other = site.servers.issue("other", "localhost", "127.0.0.1")
    (site.directory / "gate.pem").write_bytes(other[0].read_bytes())

    def problems() -> list[str]:
        return list(json.loads(site.curl(f"{site.https}/readyz")[2])["problems"])

    wait_until(lambda: len(problems()) == 2, SOON_SECONDS)
    assert site.curl(f"{site.https}/readyz")[0] == 503
    assert shown() == {new[0].read_text("ascii")}

    def is_told() -> bool:
        site.server_certificate("https")
        return "certificate refused" in site.hospital.log.read_text("utf-8")

    wait_until(is_told, SOON_SECONDS)
    install(other, site.directory)
    wait_until(lambda: problems() == [] and shown() == {other[0].read_text("ascii")}, SOON_SECONDS)
    metrics = site.curl(f"{site.https}/metrics")[2]
    name = "pacsgate_certificate_expiry_timestamp_seconds"
    (end,) = re.findall(rf'^{name}{{listener="http {site.ports["https"]}"}} (\S+)', metrics, re.MULTILINE)
    assert float(end) == int((site.servers.now + timedelta(days=1)).timestamp())


def test_m3_nginx_hands_on_certificates_and_nobody_else_can(site: Site, tmp_path: Path) -> None:
    """M3: also when a trusted proxy terminates TLS; the configuration is the one that we ship."""
    (tmp_path / "cards-ca.pem").write_bytes(site.cards.ca_file.read_bytes())
    certificate, key = site.servers.issue("localhost")
    servers = NGINX.read_text("utf-8")
    for named, value in {
        "/etc/pacsgate/tls/gate.pem": str(certificate),
        "/etc/pacsgate/tls/gate.key": str(key),
        "/etc/pacsgate/tls/cards-ca.pem": str(tmp_path / "cards-ca.pem"),
        "127.0.0.1:8042": f"127.0.0.1:{site.ports['plain']}",
        "listen 443": f"listen 127.0.0.1:{site.ports['nginx']}",
        "listen 80;": f"listen 127.0.0.1:{free_port()};",
        "gate.hospital.example": "localhost",
        # From another address than everybody's here, so that the gate can tell it from others.
        "proxy_http_version 1.1;": "proxy_http_version 1.1; proxy_bind 127.0.0.2;",
    }.items():
        assert named in servers
        servers = servers.replace(named, value)
    front, behind = f"https://localhost:{site.ports['nginx']}", f"http://127.0.0.1:{site.ports['plain']}"
    pem = quote(site.rad1.certificate_file.read_text("ascii"), safe="")
    forged = ("-H", f"X-Client-Certificate: {pem}")
    with running_nginx(tmp_path / "nginx", servers, port=site.ports["nginx"]):
        assert site.studies(site.rad1, front) == site.studies(site.rad1)
        assert site.studies(None, front)[0] == 401
        assert site.curl(f"{front}/dicom-web/studies", *forged)[0] == 401, "nginx replaces what clients send"
        assert site.curl(f"{behind}/dicom-web/studies", *forged)[0] == 401, "and the gate believes nginx only"
        assert site.curl(f"{site.https}/dicom-web/studies", *forged)[0] == 401
        assert "strict-transport-security" in site.curl(f"{front}/healthz")[1]
        revoked = site.cards.card("rad2-again", principal("rad2@ward.example"))
        site.revoke(revoked)
        wait_until(lambda: site.studies(revoked, front)[0] == 401, SOON_SECONDS)


def test_e12_dicom_is_encrypted_where_the_listener_says_so(site: Site) -> None:
    """E12: `echoscu +tls` is answered; plain DICOM on the TLS port is dropped."""
    card = site.cards.card("ct1")
    added = site.hospital.cli(
        "device",
        "add",
        "CT9",
        "--account",
        "rad1",
        "--certificate",
        str(card.certificate_file),
        "--owner",
        "ward",
    )
    assert added.returncode == 0, added.stderr
    echoscu = [str(find_program("echoscu")), "-v", "-to", "5", "-ta", "5", "-aet", "CT9", "-aec", "PACSGATE"]
    tls = ["+tls", str(card.key_file), str(card.certificate_file), "+cf", str(site.servers.ca_file)]
    here = ["localhost", str(site.ports["dicom"])]

    def said(*options: str) -> str:
        done = subprocess.run(
            [*echoscu, *options, *here], capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout + done.stderr

    assert "Received Echo Response (Success)" in said(*tls)
    plain = said()
    assert "Received Echo Response" not in plain
    assert "Association Request Failed" in plain


def test_e13_an_archive_with_an_expired_certificate_is_a_bad_gateway(site: Site, tmp_path: Path) -> None:
    """E13: 502, whose mistake it is said; `verify: false` is served by `--insecure-upstream` only."""
    day = timedelta(days=1)
    old = CertificateAuthority(tmp_path / "old", now=site.servers.now - 5 * day)
    old._key, old._name = site.servers._key, site.servers._name
    certificate, key = old.issue("127.0.0.1")
    server = (
        f"server {{ listen 127.0.0.1:{site.ports['archive']} ssl; ssl_certificate {certificate};"
        f" ssl_certificate_key {key}; location / {{ return 204; }} }}"
    )
    with running_nginx(tmp_path / "nginx", server, port=site.ports["archive"]):
        status, _, body = site.curl(
            f"{site.https}/archives/expired/dicom-web/studies/1.2.3/metadata", card=site.rad1
        )
    assert status == 502
    assert "the archive's certificate is not trusted" in body
    config = site.directory / "open.yaml"
    config.write_text(
        site.hospital.config.read_text("utf-8").replace("ca_file: gate-ca.pem}", "verify: false}"), "utf-8"
    )
    refused = cli_here("serve", "-c", str(config))
    assert refused.returncode != 0
    assert "--insecure-upstream" in refused.stderr
    checked = cli_here("config", "check", str(config))
    assert "takes anybody for the archive" in checked.stderr
