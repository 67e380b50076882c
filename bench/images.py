"""The studies that are searched and fetched, all made up: one per patient, two series of one instance each.

Called by `stage`.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from io import BytesIO

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

STUDIES = 240
SERIES = 2
SIDE = 512
"""Pixels: 512 x 512 of 16 bits are 512 KiB."""
DEPARTMENTS = tuple(f"DEPARTMENT-{letter}" for letter in "ABCDEFGHIJ")
MODALITIES = ("CT", "MR", "PT")
FAMILIES = ("ABEL", "BLACK", "CARTER", "DOYLE", "EVANS", "FROST", "GRANT", "HUNT", "IRWIN", "JONES")
_ROOT = "1.2.826.0.1.3680043.10.1733"
_FIRST_DAY = date(2024, 1, 1)


@dataclass(frozen=True)
class BenchStudy:
    """One study by its number."""

    number: int

    @property
    def study_instance_uid(self) -> str:
        """Its UID."""
        return f"{_ROOT}.{self.number}"

    @property
    def patient_id(self) -> str:
        """Of its only patient."""
        return f"BENCH-{self.number:04}"

    @property
    def patient_name(self) -> str:
        """Each family has as many patients as any other."""
        return f"{FAMILIES[self.number * 7 % len(FAMILIES)]}^PATIENT{self.number:04}"

    @property
    def accession_number(self) -> str:
        """One order each."""
        return f"ACC{self.number:05}"

    @property
    def study_date(self) -> date:
        """Three days apart."""
        return _FIRST_DAY + timedelta(days=3 * self.number)

    @property
    def modality(self) -> str:
        """Of all its series."""
        return MODALITIES[self.number % len(MODALITIES)]

    @property
    def department(self) -> str:
        """A tenth of the studies are in each."""
        return DEPARTMENTS[self.number % len(DEPARTMENTS)]

    @property
    def instance_paths(self) -> list[str]:
        """The WADO-RS resources of its instances, below the DICOMweb root."""
        uid = self.study_instance_uid
        return [f"/studies/{uid}/series/{uid}.{one}/instances/{uid}.{one}.1" for one in range(1, SERIES + 1)]


def studies() -> list[BenchStudy]:
    """All of them."""
    return [BenchStudy(number) for number in range(1, STUDIES + 1)]


def part10(study: BenchStudy) -> Iterator[bytes]:
    """Its instances as files."""
    pixels = random.Random(study.number).randbytes(SIDE * SIDE * 2)
    for number in range(1, SERIES + 1):
        yield _file(study, number, pixels)


def _file(study: BenchStudy, number: int, pixels: bytes) -> bytes:
    data_set = Dataset()
    data_set.SpecificCharacterSet = "ISO_IR 100"
    data_set.SOPClassUID = CTImageStorage
    data_set.SOPInstanceUID = f"{study.study_instance_uid}.{number}.1"
    data_set.StudyDate = f"{study.study_date:%Y%m%d}"
    data_set.StudyTime = "101500"
    data_set.AccessionNumber = study.accession_number
    data_set.Modality = study.modality
    data_set.ReferringPhysicianName = "REFERRER^ONE"
    data_set.StudyDescription = "BENCH"
    data_set.InstitutionalDepartmentName = study.department
    data_set.PatientName = study.patient_name
    data_set.PatientID = study.patient_id
    data_set.PatientBirthDate = "19700101"
    data_set.PatientSex = "O"
    data_set.StudyInstanceUID = study.study_instance_uid
    data_set.SeriesInstanceUID = f"{study.study_instance_uid}.{number}"
    data_set.StudyID = str(study.number)
    data_set.SeriesNumber = number
    data_set.InstanceNumber = 1
    data_set.SamplesPerPixel = 1
    data_set.PhotometricInterpretation = "MONOCHROME2"
    data_set.Rows = data_set.Columns = SIDE
    data_set.BitsAllocated = data_set.BitsStored = 16
    data_set.HighBit = 15
    data_set.PixelRepresentation = 0
    data_set.PixelData = pixels
    data_set["PixelData"].VR = "OW"
    data_set.file_meta = FileMetaDataset()
    data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    buffer = BytesIO()
    data_set.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
