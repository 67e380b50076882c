"""What is recorded: the event catalogue, the hash chain, and the renderings of an event.

Writing them down is the business of `pacsgate.sinks`.

Standard: DICOM PS3.15 A.5 (audit trail message format).
"""
