"""Any DICOMweb origin as an archive."""
