"""The end-to-end tests' hospitals, for holes that others had."""

from tests.e2e.conftest import furnished, hospital, own_dicom_hospital, own_hospital

__all__ = ["furnished", "hospital", "own_dicom_hospital", "own_hospital"]
