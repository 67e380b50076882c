"""Turns shipped test files into objects of the demo's hospital.

A new data set is built from nothing: patient, study, series and equipment come from the table of studies, and
from the source only those attributes are taken over that describe pixels, geometry, doses or waveforms.  So
nothing of whoever was once in the source can remain, and nothing of it has to be hunted down.

Called by the `demo` command and by the tests.

Invariants:
- every UID but those that the standard itself assigns is derived from the study's seed;
- the same study gives the same bytes.

Standard: file format PS3.10 7; patient, study, series and equipment modules PS3.3 C.7.
"""

import io
import warnings
from collections.abc import Iterator
from importlib.resources import files

from PIL import Image, ImageDraw
from pydicom import dcmread, dcmwrite
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian
from pydicom.valuerep import VR

from pacsgate.cli.demo.report import fill_report
from pacsgate.cli.demo.study import DemoSeries, DemoStudy
from pacsgate.model.errors import SettingsError

_STUDY_TIME = "101500"
_MANUFACTURER = "pacsgate demo"
_WITH_FRAME_OF_REFERENCE = frozenset({"CT", "MR", "RTDOSE"})
"""Modalities whose objects need a Frame of Reference UID (PS3.3 C.7.4.1)."""

_KEPT_GROUPS = frozenset({0x0028, 0x003A, 0x3002, 0x3004, 0x300A, 0x300C, 0x5400, 0x7FE0})
"""Taken over whole: image pixel, waveform channels, RT image, dose, plan and references, waveform, pixels."""
_OVERLAYS = range(0x6000, 0x6020)
_ULTRASOUND_REGIONS = range(0x00186000, 0x00187000)
_KEPT_KEYWORDS = frozenset(
    {
        # identification of the kind of object
        "SOPClassUID", "ImageType", "ConversionType", "LossyImageCompression",
        "ReferencedSOPClassUID", "ReferencedSOPInstanceUID",
        "CodeValue", "CodingSchemeDesignator", "CodeMeaning",
        # acquisition
        "KVP", "SliceThickness", "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType",
        "RepetitionTime", "EchoTime", "EchoTrainLength", "MagneticFieldStrength", "SpacingBetweenSlices",
        "FrameTime", "PatientPosition", "ConvolutionKernel", "ViewPosition", "BodyPartExamined",
        "SequenceOfUltrasoundRegions", "MultiplexGroupTimeOffset", "TriggerTimeOffset", "ImagerPixelSpacing",
        # geometry
        "ImagePositionPatient", "ImageOrientationPatient", "SliceLocation",
        "PatientOrientation", "Laterality",
    }
)  # fmt: skip


def instances(study: DemoStudy) -> Iterator[Dataset]:
    """Makes every instance of a study, series by series, each with its file meta information."""
    first_series: list[Dataset] = []
    for number, series in enumerate(study.series, start=1):
        if not series.sources:
            report = _new_instance(study, series, number, 1)
            fill_report(report, study.description, first_series)
            yield _with_file_meta(report, ExplicitVRLittleEndian)
        for position, source in enumerate(series.sources, start=1):
            instance = _image(study, series, source, number, position)
            if number == 1:
                first_series.append(instance)
            yield instance


def part10(instance: Dataset) -> bytes:
    """Writes one instance as a DICOM file (PS3.10)."""
    buffer = io.BytesIO()
    dcmwrite(buffer, instance, enforce_file_format=True)
    return buffer.getvalue()


def write_instances(study: DemoStudy) -> Iterator[bytes]:
    """Makes every instance of a study, as DICOM files."""
    return map(part10, instances(study))


def _image(study: DemoStudy, series: DemoSeries, source: str, number: int, position: int) -> Dataset:
    instance = _new_instance(study, series, number, position)
    original = _read(source)
    _take_over(original, instance, study)
    syntax = UID(original.file_meta.TransferSyntaxUID)
    _with_file_meta(instance, syntax)
    if syntax.is_encapsulated:
        instance["PixelData"].VR = VR.OB  # PS3.5 A.4, whatever the source's writer thought
    if study.burned_in and not syntax.is_encapsulated:
        _burn_in(instance, study.patient.name.replace("^", " ").partition("=")[0])
    return instance


def _read(source: str) -> Dataset:
    package, _, path = source.partition("/")
    try:
        file = files(package).joinpath(path)
        with warnings.catch_warnings(), file.open("rb") as stream:
            warnings.simplefilter("ignore")  # test files have odd values on purpose
            original = dcmread(stream)
            original.decode()
    except (ModuleNotFoundError, FileNotFoundError) as missing:
        raise SettingsError(
            f"the demo's images are not installed: `pip install 'pacsgate[demo]'` brings `{package}`"
        ) from missing
    return original


def _new_instance(study: DemoStudy, series: DemoSeries, number: int, position: int) -> Dataset:
    instance = Dataset()
    patient = study.patient
    instance.SpecificCharacterSet = (
        patient.charset if isinstance(patient.charset, str) else list(patient.charset)
    )
    instance.SOPInstanceUID = study.sop_instance_uid(number, position)
    instance.StudyDate = instance.SeriesDate = instance.ContentDate = study.study_date
    instance.StudyTime = instance.SeriesTime = instance.ContentTime = _STUDY_TIME
    instance.AccessionNumber = study.accession_number
    instance.Modality = series.modality
    instance.Manufacturer = _MANUFACTURER
    instance.ReferringPhysicianName = study.referring_physician_name
    instance.StudyDescription = study.description
    instance.SeriesDescription = series.description
    if study.department is not None:
        instance.InstitutionalDepartmentName = study.department.value
    instance.PatientName = patient.name
    instance.PatientID = patient.patient_id
    if patient.issuer:
        instance.IssuerOfPatientID = patient.issuer
    instance.PatientBirthDate = patient.birth_date
    instance.PatientSex = patient.sex
    if study.de_identified:
        instance.PatientIdentityRemoved = "YES"
        instance.DeidentificationMethod = "made up from the start"
    instance.StudyInstanceUID = study.study_instance_uid
    instance.SeriesInstanceUID = study.series_instance_uid(number)
    instance.StudyID = study.name
    instance.SeriesNumber = number
    instance.InstanceNumber = position
    if series.modality in _WITH_FRAME_OF_REFERENCE:
        instance.FrameOfReferenceUID = study.uid("frame of reference")
        instance.PositionReferenceIndicator = ""
    return instance


def _take_over(source: Dataset, target: Dataset, study: DemoStudy) -> None:
    for element in source:
        if _is_kept(element):
            target[element.tag] = _made_ours(element, study)


def _is_kept(element: DataElement) -> bool:
    tag = element.tag
    return tag.element != 0 and not tag.is_private and (
        tag.group in _KEPT_GROUPS
        or (tag.group in _OVERLAYS)
        or int(tag) in _ULTRASOUND_REGIONS
        or element.keyword in _KEPT_KEYWORDS
    )  # fmt: skip


def _made_ours(element: DataElement, study: DemoStudy) -> DataElement:
    """Replaces whatever in a kept attribute could point back to its source: names, dates, UIDs."""
    match element.VR:
        case "SQ":
            items = []
            for original in element.value:
                item = Dataset()
                _take_over(original, item, study)
                items.append(item)
            value: object = Sequence(items)
        case "PN":
            value = ""
        case "DA":
            value = study.study_date
        case "TM":
            value = _STUDY_TIME
        case "UI" if not element.keyword.endswith("ClassUID"):
            value = study.uid("was", str(element.value))
        case _:
            return element
    return DataElement(element.tag, element.VR, value)


def _burn_in(instance: Dataset, text: str) -> None:
    """Draws `text` into an uncompressed image, as some ultrasound devices do, over what was written there."""
    picture = Image.fromarray(instance.pixel_array)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, picture.width, picture.height // 4), fill="black")
    pen.text((8, 8), text, fill="white")
    instance.PixelData = picture.tobytes()
    instance.PlanarConfiguration = 0
    instance.BurnedInAnnotation = "YES"


def _with_file_meta(instance: Dataset, syntax: UID) -> Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = instance.SOPClassUID
    meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    instance.file_meta = meta
    return instance
