"""A ZHIVA local PACS with the gate in front: its own files, its own URLs, its three roles.

The same requests go to an Orthanc that runs the Lua filter and to the gate that read it.  The gate
lets nothing through that the filter held back; what it holds back besides is `HELD_BACK`, a line each.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
import requests
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from tests.e2e.asking import another
from tests.support.guarded_orthanc import FurnishedOrthanc, GuardedOrthanc, govern, opened_guarded
from tests.support.multipart import multipart_related
from tests.support.orthanc import Orthanc, running_orthanc
from tests.support.seed_000 import LUA

pytestmark = [pytest.mark.long, pytest.mark.server("orthanc"), pytest.mark.timeout(300)]

PASSWORDS = dict.fromkeys(("v", "e", "ve", "a", "n"), "a long enough password")
REGISTERED = '{"RegisteredUsers": {"v": "pw", "e": "pw", "ve": "pw", "a": "pw", "n": "pw"}}'
SCRIPT = (
    LUA.replace("{'zhiva', 'zhiva-editor'}", "{'v', 've'}")
    .replace("{'zhiva-editor'}", "{'e', 've'}")
    .replace("{'zhiva-admin'}", "{'a'}")
)
REFUSED = {401, 403, 404}

READS = (
    "/patients",
    "/studies?expand",
    "/studies/{study}",
    "/studies/{study}/series",
    "/studies/{study}/instances-tags",
    "/series/{series}/instances",
    "/instances/{instance}/file",
    "/instances/{instance}/preview",
    "/instances/{instance}/simplified-tags",
    "/instances/{instance}/metadata",
    "/changes",
    "/statistics",
    "/system",
    "/plugins",
    "/tools/now",
    "/tools/generate-uid?level=study",
    "/app/explorer.html",
    "/jobs",
)
EXPORTS = ("/studies/{study}/archive", "/patients/{patient}/media")
OF_THE_SERVER = ("/modalities", "/peers", "/exports", "/queries")
SEARCHES = ('POST /tools/find {{"Level": "Study", "Query": {{}}}}', "POST /tools/lookup {study_uid}")
CHANGES = (
    'POST /tools/create-archive ["{study}"]',
    'POST /modalities/other/store ["{study}"]',
    'PUT /modalities/new {{"AET": "NEW", "Host": "127.0.0.1", "Port": 104}}',
    "DELETE /modalities/new",
    "PUT /studies/{study}/metadata/1024 text",
    "DELETE /studies/{study}/metadata/1024",
    "PUT /tools/log-level default",
)

HELD_BACK = {
    # Reading there includes whatever GET is good for; here it is `search`, `view` and `retrieve`.
    **{(user, f"GET {path}"): "export" for user in ("v", "ve") for path in EXPORTS},
    **{(user, f"GET {path}"): "about the server" for user in ("v", "ve") for path in OF_THE_SERVER},
    # Storing there includes sending away, since both are POST.
    ("e", 'POST /modalities/other/store ["{study}"]'): "export",
    ("ve", 'POST /modalities/other/store ["{study}"]'): "export",
}


@dataclass(frozen=True)
class Pacs:
    """The gate, and an Orthanc that runs the Lua over the same studies."""

    gate: GuardedOrthanc
    lua: Orthanc

    def names(self) -> dict[str, str]:
        return {
            "patient": self.gate.patient("S1"),
            "study": self.gate.study("S1"),
            "series": self.gate.series("S1"),
            "instance": self.gate.instance("S1"),
            "study_uid": self.gate.hospital.studies["S1"].study_instance_uid,
        }

    def ask(self, url: str, user: str, request: str) -> requests.Response:
        method, _, rest = request.partition(" ")
        path, _, body = rest.partition(" ")
        names = self.names()
        return requests.request(
            method,
            url + path.format_map(names),
            data=body.format_map(names) if body else None,
            auth=(user, PASSWORDS[user]),
            timeout=30,
            allow_redirects=False,
        )


@pytest.fixture(scope="module")
def pacs(furnished_orthanc: FurnishedOrthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pacs]:
    directory = tmp_path_factory.mktemp("seed-000")
    (directory / "guarded").mkdir()
    guarded = furnished_orthanc.copy_to(directory / "guarded")
    govern(guarded, {"zhiva:orthanc.json": REGISTERED, "zhiva:filter.lua": SCRIPT}, PASSWORDS)
    script: Path = directory / "filter.lua"
    script.write_text(SCRIPT, "utf-8")
    stations = {"DicomModalities": {"other": ["OTHER", "127.0.0.1", 1]}}
    settings = {"RegisteredUsers": PASSWORDS, "LuaScripts": [str(script)], **stations}
    alike = shutil.copytree(furnished_orthanc.data, directory / "lua")
    with (
        opened_guarded(guarded, settings=stations) as gate,
        running_orthanc(alike, credentials=("a", PASSWORDS["a"]), settings=settings) as lua,
    ):
        yield Pacs(gate, lua)


REQUESTS = (*(f"GET {path}" for path in (*READS, *EXPORTS, *OF_THE_SERVER)), *SEARCHES, *CHANGES)


def test_each_role_has_what_the_filter_gave_it_but_for_what_is_named(pacs: Pacs) -> None:
    wrong = []
    for user, request in product(PASSWORDS, REQUESTS):
        there = pacs.ask(pacs.lua.url, user, request).status_code
        here = pacs.ask(pacs.gate.mounted, user, request).status_code
        expected = there not in REFUSED and (user, request) not in HELD_BACK
        if (here not in REFUSED) is not expected:
            wrong.append(f"{user} {request}: {there} there, {here} here")
    assert not wrong, "\n".join(wrong)


def test_an_editor_stores_and_an_admin_removes(pacs: Pacs) -> None:
    brought = _new_study(pacs)
    for user, expected in (("v", 403), ("n", 403), ("e", 200), ("ve", 200)):
        answered = _upload(pacs, user, another(brought, StudyInstanceUID=generate_uid()))
        assert answered.status_code == expected, (user, answered.text)
    stored = _upload(pacs, "ve", brought).json()
    for user, expected in (("v", 403), ("e", 403), ("ve", 403), ("n", 403), ("a", 200)):
        answered = pacs.ask(pacs.gate.mounted, user, f"DELETE /instances/{stored['ID']}")
        assert answered.status_code == expected, (user, answered.text)


def test_clients_keep_the_address_name_and_password_that_they_had(pacs: Pacs) -> None:
    """`/pacs/` is where the guide puts DICOMweb."""
    uid = pacs.gate.hospital.studies["S1"].study_instance_uid
    root = f"{pacs.gate.mounted}/pacs"
    for user, expected in (("v", 200), ("ve", 200), ("a", 200), ("e", 403), ("n", 403)):
        listed = requests.get(
            f"{root}/studies?StudyInstanceUID={uid}", auth=(user, PASSWORDS[user]), timeout=30
        )
        assert listed.status_code == expected, user
    metadata = requests.get(f"{root}/studies/{uid}/metadata", auth=("v", PASSWORDS["v"]), timeout=30)
    assert metadata.status_code == 200
    body, media = multipart_related([part10(_new_study(pacs))])
    for user, expected in (("v", 403), ("e", 200)):
        stored = requests.post(
            f"{root}/studies",
            data=body,
            headers={"Content-Type": media, "Accept": "application/dicom+json"},
            auth=(user, PASSWORDS[user]),
            timeout=30,
        )
        assert stored.status_code == expected, (user, stored.text)


def test_another_orthanc_reads_and_stores_through_its_entry_for_the_server(
    pacs: Pacs, other_orthanc: Orthanc
) -> None:
    """`DicomWeb.Servers` of the guide: the URL of `/pacs/`, a name and a password."""
    for user in ("v", "ve", "e"):
        entry = {"Url": f"{pacs.gate.mounted}/pacs/", "Username": user, "Password": PASSWORDS[user]}
        other_orthanc.request("PUT", f"/dicom-web/servers/{user}", json=entry)
    uid = pacs.gate.hospital.studies["S1"].study_instance_uid
    asked = {"Uri": "/studies", "Arguments": {"StudyInstanceUID": uid}}
    (found,) = other_orthanc.request("POST", "/dicom-web/servers/v/qido", json=asked).json()
    assert uid in str(found)
    wanted = {"Resources": [{"Study": uid}], "Synchronous": True}
    other_orthanc.request("POST", "/dicom-web/servers/v/retrieve", json=wanted)
    assert other_orthanc.instance_count() == len(pacs.gate.hospital.objects["S1"])
    brought = other_orthanc.upload(part10(_new_study(pacs)))
    given = {"Resources": [brought], "Synchronous": True}
    refused = requests.post(
        f"{other_orthanc.url}/dicom-web/servers/v/stow",
        json=given,
        auth=other_orthanc.credentials,
        timeout=60,
    )
    assert not refused.ok
    other_orthanc.request("POST", "/dicom-web/servers/e/stow", json=given)
    assert pacs.ask(pacs.gate.mounted, "v", f"GET /instances/{brought}").status_code == 200


def _new_study(pacs: Pacs) -> Dataset:
    return another(pacs.gate.hospital.objects["S1"][0], StudyInstanceUID=generate_uid())


def _upload(pacs: Pacs, user: str, brought: Dataset) -> requests.Response:
    return requests.post(
        f"{pacs.gate.mounted}/instances", data=part10(brought), auth=(user, PASSWORDS[user]), timeout=30
    )
