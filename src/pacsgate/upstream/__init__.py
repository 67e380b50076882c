"""The guarded archives: adapters behind `pacsgate.ports.Archive`.

`folder` is the embedded one; `dicomweb` speaks to any DICOMweb origin, `orthanc` to an Orthanc
through its own REST API, both over `http`.  All keep what arrives in a `spool` until it is whole.
"""
