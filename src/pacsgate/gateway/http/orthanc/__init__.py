"""The Orthanc dialect over HTTP: its door, and one module for each kind of operation."""
