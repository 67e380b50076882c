"""What a request asked of a picture, fitted to the image at hand.

Called by the image handlers: WADO-URI gives regions as fractions, PS3.18 8.3.5
as pixels, and both may leave a side open.
"""

from pydicom.dataset import Dataset

from pacsgate.dicom.grayscale import VoiFunction, Window
from pacsgate.dicom.rendering import Region, RenderingOptions, Viewport
from pacsgate.protocols.dicomweb.rendering_parameters import Region as AskedRegion
from pacsgate.protocols.dicomweb.rendering_parameters import RenderingParameters


def drawing(asked: RenderingParameters, dataset: Dataset) -> RenderingOptions:
    """The renderer's options for one image."""
    columns, rows = int(dataset.Columns), int(dataset.Rows)
    region = None if asked.region is None else _region(asked.region, columns, rows)
    viewport = None
    if asked.viewport is not None:
        viewport = Viewport(*asked.viewport, region)
    elif region is not None:
        viewport = Viewport(max(1, round(abs(region.width))), max(1, round(abs(region.height))), region)
    window = None
    if asked.window is not None:
        window = Window(asked.window.center, asked.window.width, VoiFunction(asked.window.function.value))
    return RenderingOptions(viewport, window, asked.quality)


def _region(asked: AskedRegion, columns: int, rows: int) -> Region:
    across, down = (columns, rows) if asked.relative else (1, 1)
    left, top = asked.left * across, asked.top * down
    width = columns - left if asked.width is None else asked.width * across
    height = rows - top if asked.height is None else asked.height * down
    return Region(left, top, width, height)
