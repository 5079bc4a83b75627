"""Contents of output files: the cues of captions, the beats and the choruses of songs, read from the files' bytes."""

from ice_result.contents.model import Content, ContentFile, ContentItem
from ice_result.contents.read import read_content

__all__ = ["Content", "ContentFile", "ContentItem", "read_content"]
