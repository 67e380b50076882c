"""A real OpenLDAP for the length of a `with` block: TLS only, groups with `memberOf`, and what is put into it.

It knows the attributes by which Active Directory tells who somebody is and whether they may come in, so that
what is written for that one can be asked of this one.  (Debian's `msuser.schema` has them too, and a
`memberOf` that the overlay does not fill.)
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.ports import free_ports
from tests.support.processes import running
from tests.support.servers import find_program
from tests.support.tls import CertificateAuthority

READY_SECONDS = 10.0
SUFFIX = "dc=hospital,dc=example"
PEOPLE = f"ou=people,{SUFFIX}"
GROUPS = f"ou=groups,{SUFFIX}"
SERVICE = f"cn=pacsgate,{SUFFIX}"
SERVICE_PASSWORD = "the gate's own"
ADMIN = f"cn=admin,{SUFFIX}"
ADMIN_PASSWORD = "keeper"

_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {directory}/slapd.pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.1 NAME 'windowsAccount' SUP top AUXILIARY
  MAY ( sAMAccountName $ objectGUID $ userAccountControl $ accountExpires ) )
disallow bind_anon
require authc
security simple_bind=128
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw {password}
directory {directory}/data
overlay memberof
memberof-refint TRUE
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""

_BEGIN = f"""
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
dc: hospital
o: hospital

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: {GROUPS}
objectClass: organizationalUnit
ou: groups

dn: {SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: pacsgate
userPassword: {SERVICE_PASSWORD}
"""


@dataclass(frozen=True, slots=True)
class Slapd:
    """A running server.  `plain` speaks StartTLS, `tls` TLS from the first byte."""

    plain: int
    tls: int
    ca_file: Path
    process: "subprocess.Popen[bytes]"

    def stop(self) -> None:
        """Stop it, for good."""
        self.process.terminate()
        self.process.wait(timeout=READY_SECONDS)

    def add(self, ldif: str) -> None:
        """Put entries in."""
        self._tool(["ldapadd"], ldif)

    def modify(self, ldif: str) -> None:
        """Change entries."""
        self._tool(["ldapmodify"], ldif)

    def _tool(self, command: Sequence[str], ldif: str) -> None:
        done = subprocess.run(
            [*command, "-x", "-H", f"ldaps://127.0.0.1:{self.tls}", "-D", ADMIN, "-w", ADMIN_PASSWORD],
            input=ldif.encode(),
            env={"LDAPTLS_CACERT": str(self.ca_file), "PATH": "/usr/bin:/bin"},
            check=False,
            capture_output=True,
            timeout=20,
        )
        assert done.returncode == 0, done.stderr.decode()


def person(uid: str, password: str, *lines: str, cn: str | None = None) -> str:
    """The LDIF of somebody; `dn` and attributes are written as they stand."""
    more = "".join(f"{line}\n" for line in lines)
    name = cn or uid
    return (
        f"\ndn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name}\n"
        f"displayName: {name}\nuserPassword: {password}\n{more}"
    )


def group(cn: str, *members: str) -> str:
    """The LDIF of a group of these DNs."""
    listed = "".join(f"member: {member}\n" for member in members)
    return f"\ndn: cn={cn},{GROUPS}\nobjectClass: groupOfNames\ncn: {cn}\n{listed}"


def uid(name: str) -> str:
    """The DN of a person."""
    return f"uid={name},{PEOPLE}"


def cn(name: str) -> str:
    """The DN of a group."""
    return f"cn={name},{GROUPS}"


@contextmanager
def running_slapd(directory: Path, ldif: str = "") -> Iterator[Slapd]:
    """Run a directory of a hospital with these entries."""
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "data").mkdir(parents=True)
    authority = CertificateAuthority(directory / "tls", "slapd")
    certificate, key = authority.issue("127.0.0.1", "localhost")
    configuration = directory / "slapd.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            directory=directory,
            certificate=certificate,
            key=key,
            suffix=SUFFIX,
            admin=ADMIN,
            password=ADMIN_PASSWORD,
        )
    )
    plain, tls = free_ports(2)
    program = str(find_program("slapd"))
    # The certificate does not name the third.
    urls = f"ldap://127.0.0.1:{plain} ldaps://127.0.0.1:{tls} ldaps://127.0.0.2:{tls}"
    log = directory / "slapd.log"
    with running([program, "-f", str(configuration), "-h", urls, "-d", "0"], log) as process:
        end = time.monotonic() + READY_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", tls)) == 0:
                    break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"slapd did not become ready:\n{log.read_text(errors='replace')}")
        slapd = Slapd(plain, tls, authority.ca_file, process)
        slapd.add(_BEGIN + ldif)
        yield slapd
