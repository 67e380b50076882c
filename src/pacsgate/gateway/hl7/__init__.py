"""The door for HL7 version 2 messages over MLLP: who sends, what is taken, how it is acknowledged."""
