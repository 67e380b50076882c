"""The DICOM door: associations of pynetdicom, each operation decided, filtered and recorded."""
