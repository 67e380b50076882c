"""What a request for a picture may say about it: how large, how bright, how well compressed.

None of it names anything.  What Orthanc does not know, it passes over, and so does the gate.

Called by the gateway for previews and rendered images.

Invariants:
- a picture has bounds: Orthanc (1.10.1) takes memory for any, and dies of one that it cannot have.

Standard: Orthanc's OpenAPI document.
"""

import re

from pacsgate.dicom.rendering import MAX_VIEWPORT
from pacsgate.model.errors import RequestError
from pacsgate.protocols.query_string import Parameters, single_values

_ARGUMENTS = frozenset(
    {
        "compress",
        "height",
        "quality",
        "rescale",
        "returnUnsupportedImage",
        "smooth",
        "width",
        "window-center",
        "window-width",
    }
)
_SIDES = ("height", "width")
_WHOLE = re.compile(r"[0-9]{1,6}", re.ASCII)


def read_picture_arguments(parameters: Parameters) -> Parameters:
    """Read the arguments that go to Orthanc.  Raises `RequestError`."""
    arguments = single_values(parameter for parameter in parameters if parameter[0] in _ARGUMENTS)
    for side in _SIDES:
        text = arguments.get(side)
        if text is not None and not (_WHOLE.fullmatch(text) and int(text) <= MAX_VIEWPORT):
            raise RequestError(f"parameter `{side}` must be a whole number from 0 to {MAX_VIEWPORT}")
    return tuple(arguments.items())
