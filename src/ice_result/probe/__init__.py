"""Facts of media files, read from at most two parts of each: container, codecs, width and height, duration, and faults.

The readers are ours: tinytag and imagesize need whole files. From the first part alone they give wrong durations and
rates, and neither detects a truncated file, zeros in place of data, or an alpha channel.
"""

from ice_result.probe.model import PartialFile, Probed
from ice_result.probe.probing import probe

__all__ = ["PartialFile", "Probed", "probe"]
