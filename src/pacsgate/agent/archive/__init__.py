"""An installation beside the agent as a PACS: a picture archive that is governed without an inbound port."""
