"""What `make bench` measures: every row in one run, against the same Orthanc, on the machine it runs on."""
