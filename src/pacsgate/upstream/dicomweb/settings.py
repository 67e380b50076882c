"""What a DICOMweb origin has besides its address.

Called by `bootstrap`.
"""

from dataclasses import dataclass

from pacsgate.upstream.http.settings import OriginSettings


@dataclass(frozen=True, slots=True)
class DicomWebSettings(OriginSettings):
    """One origin; `url` is its DICOMweb root."""

    can_delete: bool = False
