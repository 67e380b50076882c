"""The DIMSE statuses that the gate answers with.

Standard: PS3.7 annex C; PS3.4 B.2.3, C.4.1 to C.4.3, J.3.
"""

from enum import IntEnum


class Status(IntEnum):
    """One status code (0000,0900), by what it says."""

    SUCCESS = 0x0000
    CANCEL = 0xFE00
    PENDING = 0xFF00
    PENDING_WITHOUT_OPTIONAL_KEYS = 0xFF01
    """Some optional keys were not matched on (PS3.4 C.4.1.1.4)."""
    INVALID_ATTRIBUTE_VALUE = 0x0106
    PROCESSING_FAILURE = 0x0110
    DUPLICATE_SOP_INSTANCE = 0x0111
    NO_SUCH_SOP_INSTANCE = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    MISSING_ATTRIBUTE = 0x0120
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_ACTION = 0x0123
    NOT_AUTHORIZED = 0x0124
    """Also what hides: a refusal for something hidden reads like any other refusal."""
    UNRECOGNIZED_OPERATION = 0x0211
    MISTYPED_ARGUMENT = 0x0212
    OUT_OF_RESOURCES = 0xA700
    CANNOT_CALCULATE_MATCHES = 0xA701
    CANNOT_PERFORM_SUB_OPERATIONS = 0xA702
    MOVE_DESTINATION_UNKNOWN = 0xA801
    IDENTIFIER_DOES_NOT_MATCH = 0xA900
    """The identifier, or the object, does not fit its SOP class."""
    MOVE_DESTINATION_NOT_ALLOWED = 0xC801
    """As dcm4chee 5 answers it."""
    CANNOT_UNDERSTAND = 0xC000
    DESTINATION_UNIDENTIFIED = 0xCE12
    """This and the next three as dcm4chee 2 answers them."""
    NO_READ_PERMISSION = 0xCE20
    NO_EXPORT_PERMISSION = 0xCE22
    NO_APPEND_PERMISSION = 0xCE24
    SUB_OPERATIONS_WITH_FAILURES = 0xB000
