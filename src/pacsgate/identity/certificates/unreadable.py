"""What the library raises at bytes that are no certificate, list or answer, some of it at a look inside.

Called by the modules beside it.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import DuplicateExtension, InvalidVersion, UnsupportedGeneralNameType

UNREADABLE = (
    ValueError,
    TypeError,
    InvalidVersion,
    UnsupportedAlgorithm,
    DuplicateExtension,
    UnsupportedGeneralNameType,
)
