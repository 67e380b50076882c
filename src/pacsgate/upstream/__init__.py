"""The guarded archives: adapters behind `pacsgate.ports.Archive`.

`folder` is the embedded one; `dicomweb` speaks to any DICOMweb origin.  Both
keep what arrives in a `spool` until it is whole.
"""
