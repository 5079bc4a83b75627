"""WebM and Matroska: facts from the head of the segment, or from the offsets in its index.

    EBML, Segment [ SeekHead, Info, Tracks, Cluster, Cluster …, Cues ]

A live recording declares neither size nor duration; the duration follows from its last cluster.

(RFC 9559; WebM Container Guidelines.)
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from math import inf

from ice_result.probe import webm_elements as ebml
from ice_result.probe.model import SECOND_BYTES, MalformedError, PartialFile, Probed
from ice_result.probe.webm_blocks import Blocks, clusters_at_the_end, ends_in_padding, flat
from ice_result.probe.webm_elements import Element, element_at, elements, numbers, positive, text, unsigned
from ice_result.probe.webm_tracks import IS_AUDIO, IS_VIDEO, Track, kinds_of, read_tracks
from ice_result.probe.zeros import ZerosError, is_gap, is_zeros, zeros_from
from ice_result.records.model import Defect, Media

_DEFAULT_SCALE = 1_000_000
_SECOND = 1e9  # nanoseconds
_SOUGHT = {ebml.INFO, ebml.TRACKS, ebml.CUES}
_OF_INDEX = 4096
_PADDING, _PARTS = 1024, 32  # zeros behind a recording: so many, or that part of a small one


@dataclass
class _Segment:
    """The head of a segment, from `body` to `end`, which is the end of the file for a live recording.

    `unknown` is the offset of the first header that is not known, and `cut` one of which, or of whose element, a part
    is missing. `zeros` is an offset where zeros are in place of an element.
    """

    body: int
    end: int
    is_live: bool
    info: Element | None = None
    tracks: Element | None = None
    cluster: Element | None = None
    unknown: int | None = None
    cut: int | None = None
    zeros: int | None = None
    sought: dict[int, int] = field(default_factory=dict)


def read(file: PartialFile) -> Probed:
    """Read the facts, and find truncated and empty content."""
    head = element_at(file, 0, file.size)
    if head is None and file.is_whole:
        return Probed(defect=Defect("truncated", f"the file ends at byte {file.size}, within its header"))
    if head is None or head.end is None:
        raise MalformedError("the content has no valid EBML header")
    kinds = [text(file, element) for element in elements(file, head) if element.identifier == ebml.DOC_TYPE]
    container = Media(container="webm" if kinds == ["webm"] else "matroska")
    try:
        return _read(file, head.end, container)
    except ZerosError as error:
        return Probed(container, Defect("empty", str(error)))


def _read(file: PartialFile, start: int, container: Media) -> Probed:
    element = element_at(file, start, file.size)
    if element is None:
        cut = Defect("truncated", f"the file ends at byte {file.size}, before its content")
        return Probed(container, cut if file.is_whole else None)
    if element.identifier != ebml.SEGMENT:
        raise MalformedError(f"the content has no segment at byte {start}")
    segment = _segment(file, element)
    if segment.info is None or segment.tracks is None:
        places = [segment.sought[kind] for kind in (ebml.INFO, ebml.TRACKS) if kind in segment.sought]
        file.reach(min(places, default=file.size))
        segment.info = segment.info or _sought(file, segment, ebml.INFO)
        segment.tracks = segment.tracks or _sought(file, segment, ebml.TRACKS)
    elif segment.is_live and segment.unknown is not None:
        file.reach_end()
        segment = _segment(file, element)
    else:
        length = _OF_INDEX if ebml.CUES in segment.sought else SECOND_BYTES  # padding may be longer than an index
        file.reach(min(_after_clusters(file, segment), file.size - length), length)
    return _facts(file, segment, container)


def _segment(file: PartialFile, element: Element) -> _Segment:
    is_live = element.end is None
    segment = _Segment(element.body, file.size if element.end is None else element.end, is_live)
    position, end = element.body, min(segment.end, file.size)
    try:
        for count, (part, following) in enumerate(flat(file, element.body, end), start=1):
            position = following
            _place(file, segment, part)
            if count == ebml.MOST_ELEMENTS:
                segment.unknown = position
                return segment
    except ZerosError:
        many = min(_PADDING, file.size // _PARTS)
        if not is_live or zeros_from(file, position) > many or is_gap(file, position):
            segment.zeros = position  # fewer of them after a recording are padding
        return segment
    except MalformedError:
        if segment.cluster is None and ebml.TRACKS not in segment.sought:
            raise
        segment.unknown = position  # only the index leads on
        return segment
    if position > file.size:
        segment.cut = position
    elif position < end:
        if file.get(position, min(ebml.LONGEST_HEADER, end - position)) is None:
            segment.unknown = position
        else:
            segment.cut = position
    return segment


def _place(file: PartialFile, segment: _Segment, part: Element) -> None:
    if part.identifier == ebml.INFO:
        segment.info = segment.info or part
    elif part.identifier == ebml.TRACKS:
        segment.tracks = segment.tracks or part
    elif part.identifier == ebml.CLUSTER:
        segment.cluster = segment.cluster or part
    elif part.identifier == ebml.SEEK_HEAD:
        with suppress(MalformedError):
            for seek in elements(file, part):
                if seek.identifier == ebml.SEEK:
                    kind, place = numbers(file, seek, ebml.SEEK_IDENTIFIER, ebml.SEEK_POSITION)
                    if kind in _SOUGHT and place is not None:
                        segment.sought.setdefault(kind, segment.body + place)


def _sought(file: PartialFile, segment: _Segment, kind: int) -> Element | None:
    """Return an element at the offset in the index of the segment."""
    with suppress(MalformedError):
        element = element_at(file, segment.sought.get(kind, file.size), file.size)
        if element and element.identifier == kind:
            return element
    return None


def _facts(file: PartialFile, segment: _Segment, container: Media) -> Probed:
    scale, duration = _DEFAULT_SCALE, None
    for element in elements(file, segment.info) if segment.info else ():
        if element.identifier == ebml.TIMESTAMP_SCALE:
            scale = unsigned(file, element) or _DEFAULT_SCALE
        elif element.identifier == ebml.DURATION:
            duration = positive(file, element)
    tracks = read_tracks(file, segment.tracks) if segment.tracks else ()
    video = next((track for track in tracks if track.kind == IS_VIDEO), Track())
    audio = next((track for track in tracks if track.kind == IS_AUDIO), Track())
    blocks = Blocks(file, tracks, scale / _SECOND)
    with suppress(MalformedError):
        for element, _ in islice(flat(file, segment.body, min(segment.end, file.size)), ebml.MOST_ELEMENTS):
            blocks.add(element)
    fps = 1 / video.frame_seconds if video.frame_seconds else None
    if fps is None and segment.unknown is None:
        fps = blocks.fps(video.number)
    seconds = duration * scale / _SECOND if duration else None
    if seconds is None or segment.is_live:  # whose last cluster shows whether it is whole
        measured = _seconds_of_blocks(file, segment, blocks)
        seconds = measured if seconds is None else seconds
    if seconds is not None and not 0 <= seconds < inf:  # of damaged timestamps
        seconds = None
    media = Media(
        container=container.container,
        duration_seconds=None if seconds is None else round(seconds, 3),
        width=video.width,
        height=video.height,
        fps=None if fps is None else round(fps, 3),
        video_codec=video.codec,
        has_alpha=None if video.has_alpha and blocks.lacks_alpha(video.number) else video.has_alpha,
        audio_codec=audio.codec,
        sample_rate_hz=audio.sample_rate_hz,
        channels=audio.channels,
        bits=audio.bits,
    )
    defect = _cut(file, segment) or _empty(file, segment, tracks, blocks)
    kinds = kinds_of(file, segment.tracks, tracks) if segment.tracks else None
    return Probed(media, defect, kinds=kinds, pixel_aspect=video.pixel_aspect)


def _seconds_of_blocks(file: PartialFile, segment: _Segment, blocks: Blocks) -> float | None:
    """Return the end of the last frame, from the last cluster."""
    if segment.unknown is None:
        return blocks.seconds()
    start = clusters_at_the_end(file, max(segment.unknown, file.size - SECOND_BYTES))
    if start is None:
        return None
    last = blocks.of_others()
    for element, following in islice(flat(file, start, file.size), ebml.MOST_ELEMENTS):
        last.add(element)
        segment.cut = following if following > file.size else None
    return last.seconds()


def _cut(file: PartialFile, segment: _Segment) -> Defect | None:
    end = segment.cut if segment.is_live else segment.end
    if end is None or (end <= file.size and not segment.is_live):
        return None
    if end <= file.size:
        return Defect("truncated", f"the file ends at byte {file.size}, within the header of an element")
    part = "a block" if segment.is_live else "the segment"
    return Defect("truncated", f"{part} ends at byte {end}; the file has {file.size} bytes")


def _after_clusters(file: PartialFile, segment: _Segment) -> int:
    """Return where the index begins, or else the last frames: after an index there may be zeros."""
    index = segment.sought.get(ebml.CUES, 0)
    is_after = segment.cluster is not None and segment.cluster.start < index < file.size
    return index if is_after else max(min(segment.end, file.size) - _OF_INDEX, 0)


def _empty(file: PartialFile, segment: _Segment, tracks: tuple[Track, ...], blocks: Blocks) -> Defect | None:
    zeros = blocks.zeros if segment.zeros is None else segment.zeros
    place = _after_clusters(file, segment)
    is_index = segment.sought.get(ebml.CUES) == place
    if zeros is None and (is_index or all(track.is_compressed for track in tracks)):
        is_missing = is_zeros(file.known(place, _OF_INDEX)) and not ends_in_padding(file, min(segment.end, file.size))
        zeros = place if is_missing else None
    if zeros is not None:
        return Defect("empty", f"the file has zeros instead of data from byte {zeros}")
    if segment.unknown is None and (segment.cluster is None or not tracks):
        return Defect("empty", f"the file has {'no track' if segment.cluster else 'no cluster of frames'}")
    return None
