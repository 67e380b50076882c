"""Writes the structured report of a demo study: two sentences about its images.

Called by `images` for a series without source files.

Standard: Basic Text SR, PS3.3 A.35.1; SR document modules PS3.3 C.17.
"""

from collections.abc import Sequence as Many

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import BasicTextSRStorage

_REPORT = ("18748-4", "LN", "Diagnostic Imaging Report")
_FINDING = ("121071", "DCM", "Finding")
_CONCLUSION = ("121077", "DCM", "Conclusion")


def fill_report(report: Dataset, subject: str, images: Many[Dataset]) -> None:
    """Makes `report` a complete and unverified report about `images`, all of one series of its own study."""
    report.SOPClassUID = BasicTextSRStorage
    report.CompletionFlag = "COMPLETE"
    report.VerificationFlag = "UNVERIFIED"
    report.ReferencedPerformedProcedureStepSequence = Sequence()
    report.PerformedProcedureCodeSequence = Sequence()
    report.ValueType = "CONTAINER"
    report.ContinuityOfContent = "SEPARATE"
    report.ConceptNameCodeSequence = Sequence([_code(_REPORT)])
    report.CurrentRequestedProcedureEvidenceSequence = Sequence([_evidence(report, images)])
    report.ContentSequence = Sequence(
        [
            _sentence(_FINDING, f"{subject}: a phantom, in good health."),
            _sentence(_CONCLUSION, "Made up for a demonstration; nobody needs treatment."),
        ]
    )


def _code(triple: tuple[str, str, str]) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = triple
    return code


def _sentence(concept: tuple[str, str, str], text: str) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "TEXT"
    item.ConceptNameCodeSequence = Sequence([_code(concept)])
    item.TextValue = text
    return item


def _evidence(report: Dataset, images: Many[Dataset]) -> Dataset:
    references = []
    for image in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID = image.SOPClassUID
        reference.ReferencedSOPInstanceUID = image.SOPInstanceUID
        references.append(reference)
    series = Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ReferencedSOPSequence = Sequence(references)
    evidence = Dataset()
    evidence.StudyInstanceUID = report.StudyInstanceUID
    evidence.ReferencedSeriesSequence = Sequence([series])
    return evidence
