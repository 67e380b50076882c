"""What the DICOM standard says, as values: attributes, matching, summaries, JSON.

No files, no network: pydicom serves here as dictionary and codec on data that
is already in hand.
"""
