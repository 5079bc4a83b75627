"""Facts of media files, read from at most two parts of each: container, codecs, sizes, lengths, and faults."""

from ice_result.probe.model import PartialFile, Probed
from ice_result.probe.probing import probe

__all__ = ["PartialFile", "Probed", "probe"]
