"""HL7 version 2: messages as values, what they say, and how they are acknowledged; no I/O.

Called by the MLLP door, the rules on messages and the stylesheets.

Standard: HL7 v2.5.1, chapters 2, 3, 4 and 7.
"""
