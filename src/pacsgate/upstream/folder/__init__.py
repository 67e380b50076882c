"""The embedded archive: DICOM Part 10 files under a directory."""
