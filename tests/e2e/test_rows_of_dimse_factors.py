"""Acceptance checks M6 and M7: whose word about a second factor counts, on the wire of DIMSE and of DICOMweb.

ASVS 6.3.4, 6.8.4.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.presentation import build_context, build_role
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Get

from tests.support.assertions import ISSUER, RsaSigner, claims_at, key_set, web_token
from tests.support.dimse import Dicom, Rejected, dicom_doors, user_identity
from tests.support.hospital import FurnishedHospital, RunningHospital, opened

pytestmark = pytest.mark.long

SETTINGS = f"""\
dicom:
  listeners: [{{port: 0}}]
  allow_cleartext_identity: true
  ae_titles:
    PACSGATE: {{archive: main}}
identity:
  issuers:
  - name: tokens
    kind: jwt
    issuer: '{ISSUER}'
    audience: pacsgate
    keys_file: keys.json
    claims: {{groups: groups}}
    methods: [otp, mfa]
    acr: {{gold: [mfa]}}
"""
DEMANDS = """
authentication:
  - {roles: [radiologist], level: 2}
  - {roles: [chief-radiologist], actions: [retrieve], level: 2, within: 4 s}
"""
REFUSED = (1, 2, 1)
NOT_AUTHORIZED = 0x0124


@dataclass(frozen=True)
class Ward:
    hospital: RunningHospital
    dicom: Dicom
    signer: RsaSigner

    def token(self, name: str, **claims: Any) -> bytes:
        now = datetime.now(UTC)  # noqa: TID251 - the gate under test has the real clock
        stated = {"preferred_username": name, "sub": name, "auth_time": int(now.timestamp()), **claims}
        return web_token(self.signer, claims_at(now, **stated))

    def by_passcode(self, name: str) -> Any:
        return user_identity(2, name.encode(), self.hospital.passwords[name].encode())

    def rows(self, identity: Any) -> set[str]:
        """What a C-FIND answers with."""
        asked = Dataset()
        asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", ""
        with self.dicom.associated([build_context(Find)], negotiation=[identity]) as association:
            found = [row for _, row in association.send_c_find(asked, Find) if row is not None]
        return {str(row.StudyInstanceUID) for row in found}

    def get(self, identity: Any, study: str, *, after_seconds: float = 0) -> int:
        """The status of a C-GET, so long after the association began."""
        asked = Dataset()
        asked.QueryRetrieveLevel, asked.StudyInstanceUID = "STUDY", study
        classes = {str(item.SOPClassUID) for items in self.hospital.objects.values() for item in items}
        contexts = [build_context(Get), *map(build_context, sorted(classes))]
        negotiation = [identity, *(build_role(uid, scp_role=True) for uid in sorted(classes))]
        taken = [(evt.EVT_C_STORE, lambda _: 0)]
        with self.dicom.associated(contexts, negotiation=negotiation, handlers=taken) as association:
            time.sleep(after_seconds)
            *_, (status, _) = association.send_c_get(asked, Get)
        return int(status.Status)

    def over_the_web(self, **claims: Any) -> requests.Response:
        header = {"Authorization": f"Bearer {self.token('rad1', **claims).decode()}"}
        return requests.get(f"{self.hospital.dicomweb}/studies", headers=header, timeout=30)


@pytest.fixture(scope="module")
def ward(furnished: FurnishedHospital, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ward]:
    made = furnished.copy_to(tmp_path_factory.mktemp("factors") / "gate")
    signer = RsaSigner()
    (made.config.parent / "keys.json").write_bytes(key_set(signer))
    policy = made.config.parent / "policy.yaml"
    policy.write_text(policy.read_text("utf-8") + DEMANDS, "utf-8")
    with made.config.open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    with opened(made) as running:
        (dicom,) = dicom_doors(running)
        yield Ward(running, dicom, signer)


def test_m7_a_role_with_two_factors_takes_a_token_that_has_them_and_no_passcode(ward: Ward) -> None:
    began = time.perf_counter()
    with pytest.raises(Rejected) as rejected:
        ward.rows(ward.by_passcode("rad1"))
    assert rejected.value.triple == REFUSED
    assert time.perf_counter() - began > 0.45  # as long as a wrong one takes
    with pytest.raises(Rejected):
        ward.rows(user_identity(5, ward.token("rad1", amr=["pwd"])))
    visible = ward.rows(user_identity(5, ward.token("rad1", amr=["pwd", "mfa"])))
    assert visible
    assert ward.get(user_identity(5, ward.token("rad1", amr=["pwd", "mfa"])), min(visible)) == 0


def test_m7_a_demand_for_retrieving_lets_a_passcode_search_and_offers_it_no_retrieval(ward: Ward) -> None:
    found = ward.rows(ward.by_passcode("chief1"))
    assert found
    with pytest.raises(ConnectionAbortedError):
        ward.get(ward.by_passcode("chief1"), min(found))


def test_m7_a_proof_that_grows_too_old_during_an_association_ends_what_needs_it(ward: Ward) -> None:
    found = ward.rows(ward.by_passcode("chief1"))
    assert ward.get(user_identity(5, ward.token("chief1", amr=["mfa"])), min(found)) == 0
    late = user_identity(5, ward.token("chief1", amr=["mfa"]))
    assert ward.get(late, min(found), after_seconds=5) == NOT_AUTHORIZED
    with pytest.raises(ConnectionAbortedError):
        ward.get(user_identity(5, ward.token("chief1", amr=["mfa"], auth_time=None)), min(found))


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 401),
        ({"amr": ["pwd"]}, 401),
        ({"amr": ["face"]}, 401),
        ({"acr": "silver"}, 401),
        ({"amr": ["pwd", "mfa"]}, 200),
        ({"acr": "gold"}, 200),
    ],
    ids=str,
)
def test_m6_the_factors_of_an_issuer_count_only_as_far_as_it_is_believed(
    ward: Ward, claims: dict[str, Any], status: int
) -> None:
    answer = ward.over_the_web(**claims)
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["error"] == "mfa_required"
        assert 'acr_values="urn:pacsgate:level:2"' in answer.headers["WWW-Authenticate"]
