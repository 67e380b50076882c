"""Holes of dcm4chee 2 in storing: what it asked once for a series, or never, is asked for every object."""

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests.e2e.asking import another
from tests.support.dimse import Dicom
from tests.support.hospital import RunningHospital

SUCCESS, REFUSED = 0x0000, 0x0124

Ward = tuple[RunningHospital, Dicom]


def statuses(dicom: Dicom, persona: str, *objects: Dataset) -> list[int]:
    """The status of each object, all sent over one association."""
    syntaxes = sorted({str(item.file_meta.TransferSyntaxUID) for item in objects})
    classes = sorted({item.SOPClassUID for item in objects})
    with dicom.association(persona, *classes, syntaxes=syntaxes) as association:
        return [int(association.send_c_store(item).Status) for item in objects]


def new_study(hospital: RunningHospital) -> Dataset:
    return another(hospital.objects["S1"][0], StudyInstanceUID=generate_uid())


def test_a_second_series_after_an_allowed_first_one_is_judged_by_itself(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    mine = new_study(hospital)
    somebody_elses = another(hospital.objects["S2"][0])
    again = another(mine, SeriesInstanceUID=mine.SeriesInstanceUID)
    assert statuses(dicom, "CT1", mine, somebody_elses, again) == [SUCCESS, REFUSED, SUCCESS]


def test_a_series_uid_that_was_allowed_opens_no_other_study(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    mine = new_study(hospital)
    smuggled = another(hospital.objects["S2"][0], SeriesInstanceUID=mine.SeriesInstanceUID)
    assert statuses(dicom, "CT1", mine, smuggled) == [SUCCESS, REFUSED]
    rows = hospital.client("chief1").get(f"{hospital.study('S2')}/series").json()
    assert mine.SeriesInstanceUID not in {row["0020000E"]["Value"][0] for row in rows}


def test_a_series_of_somebody_elses_study_is_not_continued_by_its_uid(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    there = hospital.objects["S2"][0]
    assert statuses(dicom, "CT1", another(there, SeriesInstanceUID=there.SeriesInstanceUID)) == [REFUSED]


def test_a_new_study_needs_a_permission_to_store(own_dicom_hospital: Ward) -> None:
    hospital, dicom = own_dicom_hospital
    # rad1 annotates, and so has a context for images; that alone brings no new study.
    assert statuses(dicom, "rad1", new_study(hospital)) == [REFUSED]


def test_a_withdrawn_account_stores_nothing_more_over_an_association_that_is_open(
    own_dicom_hospital: Ward,
) -> None:
    hospital, dicom = own_dicom_hospital
    first = new_study(hospital)
    second = another(first)
    syntax = str(first.file_meta.TransferSyntaxUID)
    with dicom.association("CT1", first.SOPClassUID, syntaxes=[syntax]) as association:
        assert association.send_c_store(first).Status == SUCCESS
        assert hospital.cli("user", "disable", "CT1").returncode == 0
        answer = association.send_c_store(second)
        assert "Status" not in answer or answer.Status == REFUSED
    assert hospital.cli("user", "enable", "CT1").returncode == 0
    rows = hospital.client("chief1").get(f"/studies/{first.StudyInstanceUID}/instances").json()
    assert len(rows) == 1
