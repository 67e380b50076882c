"""An Orthanc as an archive, and its REST API for what only Orthanc can do."""
