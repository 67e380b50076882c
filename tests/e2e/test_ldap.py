"""A real OpenLDAP behind a gate that serves: one account of the directory at every door, and the nightly list.

`ida` is in the directory what the local user `rad1` is here, so the two must see the same; `rad1` is in both.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset

from tests.support.dimse import DICOM_SETTINGS, Dicom, Rejected, dicom_doors, with_dicom
from tests.support.hospital import FurnishedHospital, RunningHospital, opened
from tests.support.slapd import (
    GROUPS,
    PEOPLE,
    SERVICE,
    SERVICE_PASSWORD,
    Slapd,
    cn,
    group,
    person,
    running_slapd,
    uid,
)
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.server("slapd")]

PASSWORD = "Winter und Sommer"
COOKIE = "__Host-pacsgate"
SECONDS = 30
ENTRIES = "".join(
    [
        person("ida", PASSWORD, "employeeType: CT-A", "employeeNumber: 2"),
        person("olga", PASSWORD),
        person("rad1", PASSWORD),
        person("leaver", PASSWORD, "employeeType: CT-A"),
        group("residents", uid("ida")),
        group("radiology", cn("residents"), uid("leaver")),
        group("administrators", uid("olga")),
    ]
)
SETTINGS = """
identity:
  ldap:
  - name: clinic
    servers: [ldaps://127.0.0.1:{port}]
    ca_file: {ca_file}
    bind: {{dn: "{service}", password_file: ldap.secret}}
    people: {{base: "{people}"}}
    groups: {{base: "{groups}"}}
    attributes: {{departments: employeeType, clearance: employeeNumber}}
    numbers: [clearance]
    accounts: claims
    roles_at_most: [radiologist]
    sync: {{at: "02:30", zone: Europe/Warsaw}}
"""


@dataclass
class Site:
    hospital: RunningHospital
    slapd: Slapd
    dicom: Dicom

    def sees(self, **options) -> tuple[int, set[str]]:
        answer = requests.get(f"{self.hospital.dicomweb}/studies?limit=1000", timeout=SECONDS, **options)
        rows = answer.json() if answer.status_code == 200 else []
        return answer.status_code, {row["0020000D"]["Value"][0] for row in rows}

    def rad1_sees(self) -> set[str]:
        rows = self.hospital.client("rad1").get("/studies?limit=1000").json()
        return {row["0020000D"]["Value"][0] for row in rows}

    def sign_in(self, name: str, password: str) -> requests.Response:
        return requests.post(
            f"{self.hospital.url}/sign-in",
            data={"name": name, "password": password, "return_to": "/"},
            timeout=SECONDS,
            allow_redirects=False,
        )

    def accounts(self) -> dict[str, dict]:
        listed = json.loads(self.hospital.cli("user", "list", "--json").stdout)
        return {account["name"]: account for account in listed}


@pytest.fixture(scope="module")
def site(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory: Path = tmp_path_factory.mktemp("ldap")
    made = with_dicom(furnished.copy_to(directory / "gate"), DICOM_SETTINGS)
    secret = made.config.parent / "ldap.secret"
    secret.write_text(SERVICE_PASSWORD + "\n")
    with running_slapd(directory / "slapd", ENTRIES) as slapd:
        with made.config.open("a", encoding="utf-8") as file:
            file.write(
                SETTINGS.format(
                    port=slapd.tls, ca_file=slapd.ca_file, service=SERVICE, people=PEOPLE, groups=GROUPS
                )
            )
        with opened(made) as hospital:
            yield Site(hospital, slapd, dicom_doors(hospital)[0])


def test_the_list_of_the_directory_is_read_when_the_gate_starts(site: Site) -> None:
    """`rad1` stays whom the gate says; the others have accounts of the directory."""
    wait_until(lambda: {"ida", "olga", "leaver"} <= set(site.accounts()), SECONDS)


def test_i1_somebody_of_the_directory_sees_at_every_door_what_a_local_colleague_sees(site: Site) -> None:
    """A member of a group of a group is a radiologist."""
    wanted = (200, site.rad1_sees())
    assert site.sees(auth=("ida", PASSWORD)) == wanted
    answer = site.sign_in("IDA", PASSWORD)
    assert answer.status_code == 303, answer.text
    assert site.sees(headers={"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}) == wanted
    asked = Dataset()
    asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ""
    rows, status = site.dicom.find("ida", asked, password=PASSWORD)
    assert (status, {row.StudyInstanceUID for row in rows}) == (0x0000, wanted[1])


def test_i1_nobody_comes_in_by_another_password_or_by_a_filter(site: Site) -> None:
    for name, password in (("ida", "wrong"), ("*)(uid=*", PASSWORD), ("i*", PASSWORD), ("ida", "")):
        assert site.sees(auth=(name, password))[0] == 401
        assert site.sign_in(name, password).status_code == 401
    with pytest.raises(Rejected) as rejected:
        site.dicom.echo("ida", password="wrong")
    assert rejected.value.triple == (1, 2, 1)


def test_i1_a_local_account_is_nobody_elses(site: Site) -> None:
    assert site.sees(auth=("rad1", PASSWORD))[0] == 401
    assert site.sees(auth=("rad1", site.hospital.passwords["rad1"]))[0] == 200


def test_z5_the_directorys_administrators_are_not_ours(site: Site) -> None:
    assert site.sees(auth=("olga", PASSWORD))[0] == 403


def test_whoever_leaves_the_directory_loses_the_session_with_the_next_list(site: Site) -> None:
    """Row R6."""
    answer = site.sign_in("leaver", PASSWORD)
    cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}
    assert site.sees(headers=cookie)[0] == 200
    site.slapd.modify(f"dn: {cn('radiology')}\nchangetype: modify\ndelete: member\nmember: {uid('leaver')}\n")
    site.slapd.modify(f"dn: {uid('leaver')}\nchangetype: delete\n")
    planned = site.hospital.cli("user", "sync", "--source", "clinic", "--dry-run", "--force")
    assert re.search(r"leave +leaver", planned.stdout), planned.stdout
    done = site.hospital.cli("user", "sync", "--source", "clinic", "--force", "--json")
    assert done.returncode in {0, 1}, done.stdout
    assert site.sees(headers=cookie)[0] == 401
    assert site.accounts()["leaver"]["disabled"]
    assert not site.accounts()["ida"]["disabled"]


def test_i1_while_the_directory_is_down_nobody_of_it_comes_in_and_local_accounts_go_on(site: Site) -> None:
    """Last, because it stays down: 503 that says so on the web, and the sign-in page says who can still come in."""
    site.slapd.stop()
    assert site.sees(auth=("olga", "another password"))[0] == 503
    page = site.sign_in("olga", PASSWORD)
    assert page.status_code == 503
    assert "directory cannot be reached" in page.text
    assert site.sees(auth=("rad1", site.hospital.passwords["rad1"])) == (200, site.rad1_sees())
