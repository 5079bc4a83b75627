"""The two parts of a file: whatever is asked for, known bytes are the file's, and unknown ones are not made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ice_result.probe import PartialFile
from ice_result.probe.model import SECOND_BYTES

OFFSETS = st.integers(-5, 60) | st.integers(-(2**70), 2**70)
RANGES = st.tuples(OFFSETS, OFFSETS)
CONTENT = st.binary(min_size=1, max_size=50)


def file_of(content: bytes, first: int, second: int) -> tuple[PartialFile, list[tuple[int, int]]]:
    """Return a file whose first part has so many bytes, and whose second part is cut at so many, with its reads."""
    reads: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return content[start:end][:second]

    return PartialFile(len(content), content[:first], read), reads


@given(CONTENT, st.tuples(st.integers(0, 60), st.integers(0, 60)), RANGES, RANGES)
def test_known_bytes_are_those_of_the_file(
    content: bytes, sizes: tuple[int, int], reached: tuple[int, int], asked: tuple[int, int]
) -> None:
    """GIVEN any offsets THEN what is known is the file's own, and a range is either whole or not there."""
    (first, second), (start, count) = sizes, asked
    file, reads = file_of(content, first, second)
    file.reach(*reached)
    file.reach(start, count)
    file.reach_end()
    assert len(reads) <= 1
    assert all(0 <= begin < end <= len(content) and begin >= min(first, len(content)) for begin, end in reads)
    found = file.get(start, count)
    known = file.known(start, count)
    assert found is None or (found == content[start : start + count] and len(found) == count)
    assert known == b"" or content[start:].startswith(known)
    assert found is None or found == known
    assert len(known) <= max(count, 0)
    if file.is_whole:
        assert file.get(0, len(content)) == content
    assert file.known(file.known_end, len(content)) == content[file.known_end :]


@given(CONTENT, st.integers(1, 60))
def test_what_is_known_of_the_first_part(content: bytes, first: int) -> None:
    """GIVEN a first part alone THEN each range within it is known, and none that ends after it."""
    file, _ = file_of(content, first, 0)
    part = content[:first]
    for start in range(len(content) + 2):
        for length in (1, 2, len(content)):
            expected = part[start : start + length] if start + length <= len(part) else None
            assert file.get(start, length) == expected


def test_the_second_part_has_its_limit() -> None:
    """GIVEN a wish for more than is read THEN no more than the limit is."""
    reads: list[tuple[int, int]] = []

    def read(start: int, end: int) -> bytes:
        reads.append((start, end))
        return b""

    PartialFile(10**9, b"x", read).reach(500, 10**8)
    PartialFile(10**9, b"x", read).reach_end(10**8)
    assert reads == [(500, 500 + SECOND_BYTES), (10**9 - SECOND_BYTES, 10**9)]
