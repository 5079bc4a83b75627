"""Generated input through the stages that read what comes from outside: nothing may escape as an exception.

`make fuzz` runs 100,000 examples each; `python tests/long/fuzz_stages.py 5000` as many as it is told. The short form
of the same properties is in tests/triggers and tests/results.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ice_result.results import Decoded, decode
from ice_result.results.registry import FUNCTIONS
from ice_result.triggers import parse

ROOT = Path(__file__).parents[2]
EVENTS = [path.read_bytes() for path in sorted((ROOT / "samples" / "events").glob("*.json"))]
RESULTS = [
    str(json.loads(path.read_bytes()).get("Result")) for path in sorted((ROOT / "samples" / "jobs").glob("*.json"))
]
KEYS = [
    "EventType",
    "MessageBody",
    "JobId",
    "JobIds",
    "data",
    "messageBody",
    "Message",
    "body",
    "attrs",
    "requestPayload",
]
KEYS += ["topic", "value", "offset", "props", "job_id", "record", "Type", "State", "RunId", "schema", "event"]
KEYS += ["specversion", "Score", "Time", "Url", "VideoSummaryList", "StartTime", "start", "end", "title", "Tag", "Data"]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(RESULTS),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=5),
    max_leaves=15,
)


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """A real one with a piece cut out and another put in."""
    original = draw(st.sampled_from(originals))
    start = draw(st.integers(0, len(original)))
    end = draw(st.integers(start, len(original)))
    piece = draw(
        st.binary(max_size=8) | st.sampled_from([b"[", b"{", b'"', b"\\", b"null", b"1e999", b"\\ud800", b"[" * 900])
    )
    return original[:start] + piece + original[end:]


payloads = st.binary() | st.text() | values.map(json.dumps) | damaged(EVENTS)
results = (
    values
    | values.map(json.dumps)
    | st.text()
    | damaged([text.encode() for text in RESULTS]).map(lambda data: data.decode("utf-8", "replace"))
)
functions = st.sampled_from(sorted(FUNCTIONS)) | st.text()


def main(examples: int) -> None:
    """Run both and print how many went through."""
    through = settings(
        max_examples=examples, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )

    @through
    @given(payloads)
    def parse_any(payload: bytes | str) -> None:
        assert parse(payload).events

    decoded = TypeAdapter(Decoded)

    @through
    @given(functions, results)
    def decode_any(function_name: str, result: object) -> None:
        text = decoded.dump_json(decode(function_name, result))  # type: ignore[arg-type]  # whatever comes
        json.loads(text, parse_constant=lambda constant: sys.exit(f"{constant} was emitted"))

    for name, run in (("parse", parse_any), ("decode", decode_any)):
        started = time.monotonic()
        run()
        print(f"{name}: {examples} generated inputs, no exception, {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
