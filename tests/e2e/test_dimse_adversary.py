"""Somebody with a right of their own, and bad intentions, at the DICOM door."""

import struct
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from pacsgate.cli.demo.hospital import part10
from pacsgate.dicom.file_meta import read_part10_head
from pacsgate.model.actions import Action
from pacsgate.model.errors import ArchiveError
from tests.e2e.asking import another
from tests.e2e.test_dimse_store import sent_raw, storing
from tests.support.dimse import Dicom
from tests.support.dimse_gate import open_dicom_gate
from tests.support.hospital import RunningHospital

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
SUCCESS, UNREADABLE = 0x0000, 0xC000
Ward = tuple[RunningHospital, Dicom]


@pytest.mark.parametrize("hidden_comes_first", [True, False])
def test_an_object_of_two_studies_is_of_none(own_dicom_hospital: Ward, hidden_comes_first: bool) -> None:
    """The gate would judge the one, and an archive behind it would put the object into the other."""
    hospital, dicom = own_dicom_hospital
    own, hidden = str(generate_uid()), hospital.studies["S2"].study_instance_uid
    item = another(hospital.objects["S1"][0], StudyInstanceUID=own)
    whole = part10(item)
    data_set = whole[read_part10_head(whole).data_set_offset :]
    place = uid_element(own)
    assert data_set.count(place) == 1
    both = [uid_element(hidden), place] if hidden_comes_first else [place, uid_element(hidden)]
    twice = data_set.replace(place, b"".join(both))
    with storing(dicom, "CT1", item) as association:
        answers = [sent_raw(association, item, item.SOPInstanceUID, data) for data in (twice, data_set)]
    assert answers == [UNREADABLE, SUCCESS]


def uid_element(value: str) -> bytes:
    body = value.encode("ascii") + b"\0" * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0020, 0x000D, b"UI", len(body)) + body


def test_a_search_that_takes_long_is_asked_again_who_searches(tmp_path: Path) -> None:
    """Whoever reads slowly would else go on getting pages after the role is gone."""
    with open_dicom_gate(tmp_path) as gate, gate.client.association("reader1", FIND) as _:
        (standing,) = gate.house._standings.values()
        exchange = standing.exchange(1, standing.subject)
        assert exchange.bind_again().could(Action.SEARCH) is None
        gate.users().unassign(gate.change(), "reader1", lambda _: True)
        assert exchange.bind_again().could(Action.SEARCH) is not None
        gate.users().set_disabled(gate.change(), "reader1", disabled=True)
        with pytest.raises(ArchiveError):
            exchange.bind_again()
