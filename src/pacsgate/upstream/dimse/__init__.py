"""DICOM peers: archives that speak nothing but DIMSE, destinations, worklists."""
