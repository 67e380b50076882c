"""The role lists and registered users of the ZHIVA local PACS, which stands on Orthanc."""
