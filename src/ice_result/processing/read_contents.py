"""The contents of the captions, beats and choruses of one job, within limits that bound the memory of the program.

    bytes of the files of a job   0 ─────────── 256 KiB ─────────── 8 MiB ────►
                                  │ at once with  │ one job at a     │ a note for
                                  │ other jobs    │ time             │ each further file

A file of up to 256 KiB takes one call. The size of a larger file is known after this call, and the second call, which
reads all of it, is made when its job has its turn. What cannot be read becomes a note of the manifest. It keeps the
content that is stored, unless the note says that the file has other bytes now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ice_result.core.calls import in_order
from ice_result.records.model import CONTENT_OF_ROLES, LARGEST_CONTENT, ContentNoteCode, Note, Record

if TYPE_CHECKING:
    from ice_result.contents.model import Content, ContentFile, ContentSource, Larger, NotRead
    from ice_result.errors import TimedOutError
    from ice_result.records import OutputFiles

MOST_FILES = 100
"""Files of one job whose content is read."""
LARGEST_BESIDE_OTHERS = 256 * 1024
"""Bytes of the files of a job that needs no turn of its own."""
LARGEST_JOB = 8 * 1024 * 1024
"""Bytes of all files of a job whose content is read."""
_AT_ONCE = 4
_OF_OTHER_BYTES: frozenset[ContentNoteCode] = frozenset({"too_large", "unreadable"})
"""Codes of notes about what a file has now: a stored content is that of an earlier file."""


class ReadContents(NamedTuple):
    """The contents of a job, and a note for each file without one.

    `numbers` has the place of each file whose stored content stays if it cannot be read now, by its address. `stored`
    has the addresses of files whose content is a stored one.
    """

    contents: tuple[Content, ...]
    notes: tuple[Note, ...]
    numbers: Mapping[str, int] = MappingProxyType({})
    stored: frozenset[str] = frozenset()

    @property
    def read_now(self) -> tuple[Content, ...]:
        """Contents that were read now: a stored one may be that of an earlier file."""
        return tuple(content for content in self.contents if content.uri not in self.stored)

    @property
    def keeping(self) -> frozenset[str]:
        """Addresses of the files that were not read, and whose stored contents may still be theirs."""
        others = (note.uri for note in self.notes if note.code not in _OF_OTHER_BYTES)
        return frozenset(uri for uri in others if uri and uri in self.numbers)


def read_contents(
    source: ContentSource, record: Record, files: OutputFiles, take_turn: Callable[[], None]
) -> ReadContents:
    """Read the files of a job in their order. `take_turn` is called before much memory is needed."""
    from ice_result.contents import read_content  # noqa: PLC0415  only for a job that has contents
    from ice_result.contents.model import Content, Larger, NotRead  # noqa: PLC0415  as above

    contents, notes, total, has_turn = list[Content](), list[Note](), 0, False
    wanted = [*_content_files(files)]
    first = partial(_read, source, most_bytes=LARGEST_BESIDE_OTHERS)
    answers = in_order(first, wanted[:MOST_FILES], _AT_ONCE, timed_out=_unreachable)
    for file, answer in zip(wanted, answers, strict=False):
        size = answer.size_bytes if isinstance(answer, Larger) else len(answer) if isinstance(answer, bytes) else 0
        if size > LARGEST_CONTENT:
            notes.append(_too_large(file, f"{size} bytes, at most {LARGEST_CONTENT} are read"))
            continue
        if total + size > LARGEST_JOB:
            notes.append(
                _too_large(file, f"the files of the job have more than {LARGEST_JOB} bytes, which is the most")
            )
            continue
        total += size
        if total > LARGEST_BESIDE_OTHERS and not has_turn:
            take_turn()
            has_turn = True
        data = source.read(file.address, LARGEST_CONTENT) if isinstance(answer, Larger) else answer
        if isinstance(data, Larger):  # it was written anew since the first call
            notes.append(_too_large(file, f"{data.size_bytes} bytes, at most {LARGEST_CONTENT} are read"))
        elif isinstance(data, NotRead):
            notes.append(Note(code=data.code, message=data.message, uri=file.uri))
        else:
            content = read_content(record, file, data)
            if isinstance(content, Content):
                contents.append(content)
            else:
                notes.append(content)
    more = f"the job has {len(wanted)} files with a content, at most {MOST_FILES} are read"
    notes += [_too_large(file, more) for file in wanted[MOST_FILES:]]
    return ReadContents(tuple(contents), tuple(notes), {file.uri: file.number for file in wanted})


def with_stored(read: ReadContents, stored: Iterable[Sequence[Content]]) -> ReadContents:
    """Add the stored contents of files that could not be read now, under the numbers that these files have now.

    The notes of these files are dropped.
    """
    keeping, numbers = read.keeping, read.numbers
    kept = {
        content.uri: content.model_copy(update={"number": numbers[content.uri]})
        for contents in stored
        for content in contents
        if content.uri in keeping
    }
    contents = sorted((*read.contents, *kept.values()), key=lambda content: content.number)
    notes = tuple(note for note in read.notes if note.uri not in kept)
    return read._replace(contents=tuple(contents), notes=notes, stored=frozenset(kept))


def _content_files(files: OutputFiles) -> Iterator[ContentFile]:
    from ice_result.contents.model import ContentFile  # noqa: PLC0415  as above

    found = (file for file in files.files if file.role in CONTENT_OF_ROLES and file.address)
    for number, file in enumerate(found, start=1):
        if file.address and file.uri:
            yield ContentFile(number, CONTENT_OF_ROLES[file.role], file.uri, file.address)


def _read(source: ContentSource, file: ContentFile, *, most_bytes: int) -> bytes | Larger | NotRead:
    return source.read(file.address, most_bytes)


def _unreachable(_: ContentFile, error: TimedOutError) -> NotRead:
    from ice_result.contents.model import NotRead  # noqa: PLC0415  as above

    return NotRead("unreachable", str(error))


def _too_large(file: ContentFile, message: str) -> Note:
    return Note(code="too_large", message=message, uri=file.uri)
