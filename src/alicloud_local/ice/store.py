"""The jobs that ICE knows, and its event callback."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from alicloud_local.rpc.messages import JsonObject, JsonValue, dump_object, load_object


class JobStore:
    """Responses by job id: those that were put, and the files `<job id>.json` of a folder, read anew each time."""

    def __init__(self, folder: Path | None) -> None:
        self.callback: dict[str, str] = {}
        self._folder = folder
        self._lock = threading.Lock()
        self._responses: dict[str, list[JsonObject]] = {}

    def put(self, job_id: str, responses: tuple[Mapping[str, JsonValue], ...]) -> None:
        """Set responses that are given in turn; the last one stays. Raises ValueError for no response."""
        if not responses:
            raise ValueError(f"job {job_id}: at least one response is needed")
        with self._lock:
            self._responses[job_id] = [load_object(dump_object(response)) for response in responses]

    def forget(self, job_id: str) -> None:
        """Drop the responses that were put."""
        with self._lock:
            self._responses.pop(job_id, None)

    def next_response(self, job_id: str) -> JsonObject | None:
        """Return the next response; None for an unknown job. Raises ValueError for a file that is not a JSON object."""
        with self._lock:
            responses = self._responses.get(job_id)
            if responses:
                return responses.pop(0) if len(responses) > 1 else responses[0]
        if self._folder is None or Path(job_id).name != job_id:  # an id must not lead out of the folder
            return None
        try:
            text = (self._folder / f"{job_id}.json").read_bytes()
        except (OSError, ValueError):  # no such file, or a name no file can have
            return None
        return load_object(text.decode())

    def final_responses(self) -> dict[str, JsonObject]:
        """Return the last response of every job. Raises ValueError for a file that is not a JSON object."""
        found: dict[str, JsonObject] = {}
        for path in sorted(self._folder.glob("*.json")) if self._folder else ():
            try:
                found[path.stem] = load_object(path.read_text("utf-8"))
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from error
        with self._lock:
            found.update({job_id: responses[-1] for job_id, responses in self._responses.items()})
        return found
