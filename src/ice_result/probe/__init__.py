"""Facts of media files, read from at most two parts of each: container, codecs, sizes, lengths, and faults.

The readers are ours: tinytag and imagesize read files that are whole. Of the first part alone they tell other lengths
and rates, and neither knows that a file is cut, has zeros in place of data, or has alpha.
"""

from ice_result.probe.model import PartialFile, Probed
from ice_result.probe.probing import probe

__all__ = ["PartialFile", "Probed", "probe"]
