"""One delivery of one event with one fault at one call, told as docs/reliability.md tells it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from ice_result.calls import Deadline
from ice_result.credentials import Credentials, Keys
from ice_result.errors import ParkingError
from ice_result.function import Function
from ice_result.localcloud import Fault, LocalCloud, Passing
from ice_result.localcloud.faults import FaultKind
from ice_result.localcloud.service import LocalService
from ice_result.sinks import SinkContext
from ice_result.sinks.tablestore_calls import Tablestore
from ice_result.sinks.tablestore_sink import TablestoreSink
from support import record_versions
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials, PlatformFunction
from support.s3_server import S3Server

Service: TypeAlias = Literal["ICE", "OSS", "S3", "Tablestore"]
Kind: TypeAlias = FaultKind | Literal["dns"]
JOB_ID = "cover-0001"
COVERS = 2
EVENT = json.dumps({"JobId": JOB_ID}).encode()
KEY = f"function_name=Cover/dt=2026-03-02/{JOB_ID}.json"
INSTANCE = "ice-tests"
_WAITING_AT_ONCE = 16
_AT_ONCE = 3
NOWHERE = "http://" + ".".join("x" * length for length in (62, 61, 61, 60)) + ".invalid"
"""Longer than a name may be, by one: it fails as any unknown name does, but without a question to the network."""
ENDPOINTS: dict[Service, str] = {
    "ICE": "ICE_RESULT_ICE_ENDPOINT",
    "OSS": "ICE_RESULT_OSS_ENDPOINT",
    "S3": "ICE_RESULT_S3_ENDPOINT",
    "Tablestore": "ICE_RESULT_OTS_ENDPOINT",
}


@dataclass(frozen=True)
class Call:
    """A call of the pipeline. `sink` is the URL of the one that gets the job, or a folder when empty.

    `first` of all calls of its service, it can be struck by a name that does not resolve. `after` is an operation that
    comes before it, when its own does not tell which call is meant. What cannot be finished is parked in a folder, or
    with `parks` in the sinks themselves; `stopped` by a refusal of ICE's, it has to be.
    """

    title: str
    service: Service
    operation: str | None = None
    target: str | None = None
    sink: str = ""
    first: bool = False
    after: str | None = None
    parks: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class Cell:
    """One fault at one call."""

    call: Call
    kind: Kind
    always: bool

    @property
    def waits(self) -> bool:
        """Whether it is spent waiting for a reply."""
        return self.kind in ("hang", "drip")

    @property
    def timeout(self) -> int:
        """The function's time: enough for a second try, on a slow machine too; or less, where none would help."""
        return 30 if self.always else 60

    @property
    def fault(self) -> Fault | None:
        """The fault, as a server takes it."""
        if self.kind == "dns":
            return None
        times = None if self.always else 1
        return Fault(self.kind, times, self.call.operation, self.call.target, interval_seconds=1)


@dataclass(frozen=True)
class End:
    """What the function made of it; and, of the same event or its envelope once the fault is over."""

    outcome: str
    mended: str


class StruckRun:
    """A cloud, an S3 server and a folder of parked events for one cell."""

    def __init__(self, cell: Cell, folder: Path, open_ones: ExitStack) -> None:
        self._cell = cell
        self._folder = folder
        self._ready = self._armed = self._struck = False
        with_tables = cell.call.service == "Tablestore"
        self._cloud = open_ones.enter_context(LocalCloud(jobs=SAMPLE_JOBS, tablestore=with_tables, watch=self._watch))
        self._s3 = open_ones.enter_context(closing(S3Server(self._watch)))
        self._s3.start()
        self._servers: dict[Service, LocalService] = {"ICE": self._cloud.ice, "OSS": self._cloud.oss, "S3": self._s3}
        self._cloud.seed_outputs()
        self._cloud.oss.create_bucket("records")
        if with_tables:
            self._servers["Tablestore"] = self._cloud.ots
            _write_longer_state(self._cloud)
        self._ready = True
        if cell.call.stopped:
            self._cloud.ice.fail(Fault("forbidden", times=None))
        if cell.call.after is None:
            self._arm()

    def end(self) -> End:
        """Deliver the event; and again when all is well."""
        function = Function(self._environment(broken=self._cell.kind == "dns"))
        outcome = self._told(function, EVENT, self._cell.timeout)
        if not self._struck and self._cell.kind != "dns":
            return End(f"{outcome}, but not struck", "")
        if outcome.startswith("recorded"):
            return End(outcome, outcome)
        for server in self._servers.values():
            server.clear()
        if self._cell.kind == "dns":
            function = Function(self._environment(broken=False))
        again = self._envelopes()[0] if outcome.startswith("parked") else EVENT
        return End(outcome, self._told(function, again, timeout=40))

    def _told(self, function: Function, event: bytes, timeout: int) -> str:
        """What becomes of an event, in words for the table."""
        ((key_id, secret),) = self._cloud.credentials.items()
        context = PlatformContextWithCredentials(
            credentials=PlatformCredentials(key_id, secret), function=PlatformFunction(timeout=timeout)
        )
        try:
            reply = function.handle(event, context)
        except ParkingError:
            return "given back"
        (job,) = json.loads(json.dumps(reply["jobs"]))
        if job["outcome"] == "recorded":
            return self._recorded()
        if job["outcome"] != "parked" or not self._envelopes():
            return "lost"
        if not self._cell.call.stopped:
            return f"parked: {json.loads(self._envelopes()[0])['reason']}"
        return "parked in the second" if job["record"].startswith(str(self._folder)) else "parked"

    def _recorded(self) -> str:
        stored = self._row() if self._cell.call.sink.startswith("ots:") else self._object()
        if stored is None:
            return "lost in part"
        manifest = json.loads(stored)
        if manifest["complete"]:
            return "recorded"
        return "recorded; the file: " + ", ".join(sorted({problem["code"] for problem in manifest["problems"]}))

    def _row(self) -> str | None:
        """The manifest in the job's row, if all other rows are those of the same writing."""
        (job,) = self._cloud.ots.rows(INSTANCE, "ice_jobs")
        for table in ("ice_outputs", "ice_items"):
            generations = [row["generation"] for row in self._cloud.ots.rows(INSTANCE, table)]
            if generations != [job["generation"]] * COVERS:
                return None
        return str(job["manifest"])

    def _object(self) -> bytes | None:
        """The manifest, if the record is there as well."""
        objects = self._objects()
        return objects.get(f"manifests/{KEY}") if f"records/{KEY}" in objects else None

    def _objects(self) -> dict[str, bytes]:
        """All that lies in the sink of the call, by key."""
        oss, out = self._cloud.oss, self._folder / "out"
        if self._cell.call.sink.startswith("oss:"):
            return {key.removeprefix("ice/"): oss.get("records", key) for key in oss.keys("records")}
        if self._cell.call.sink.startswith("s3:"):
            return {place.removeprefix("records/ice/"): data for place, data in self._s3.objects.items()}
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.json")}

    def _envelopes(self) -> list[bytes]:
        """All that is parked: in the folder, or in the sink."""
        in_folder = [path.read_bytes() for path in self._folder.rglob("*.json") if "parked" in path.parts]
        return in_folder or [data for key, data in self._objects().items() if key.startswith("parked/")]

    def _environment(self, *, broken: bool) -> dict[str, str]:
        call, out = self._cell.call, f"file:{self._folder}/out"
        return {
            **self._cloud.environment,
            "ICE_RESULT_S3_ENDPOINT": self._s3.endpoint,
            "ICE_RESULT_S3_ADDRESSING": "path",
            "ICE_RESULT_SINKS": call.sink.replace("file:", out) or out,
            **({} if call.parks else {"ICE_RESULT_PARK_URL": f"file:{self._folder}"}),
            **({ENDPOINTS[call.service]: NOWHERE} if broken else {}),
        }

    def _arm(self) -> None:
        fault = self._cell.fault
        if fault is not None and not self._armed:
            self._armed = True
            self._servers[self._cell.call.service].fail(fault)

    def _watch(self, passing: Passing) -> None:
        """Arm the fault when its moment comes; and see that it strikes."""
        call = self._cell.call
        if self._armed and passing.service == call.service and call.operation in (None, passing.operation):
            self._struck |= passing.target.startswith(call.target or "")
        if self._ready and passing.operation == call.after:
            self._arm()


def ends_of(cells: Sequence[Cell], folder: Path) -> list[End]:
    """Few at once, so that what a function gets done in its time does not depend on the others; and beside them
    those that wait for replies, which costs nothing.
    """
    folders = {cell: folder / str(number) for number, cell in enumerate(cells)}
    _end_of(_FIRST, folder / "first")
    with ThreadPoolExecutor(_WAITING_AT_ONCE) as waiting, ThreadPoolExecutor(_AT_ONCE) as busy:
        ends = [(waiting if cell.waits else busy).submit(_end_of, cell, folders[cell]) for cell in cells]
        return [end.result() for end in ends]


_EVERYWHERE = f"oss://records/ice,s3://records/ice,ots://{INSTANCE}"
_FIRST = Cell(Call("", "Tablestore", sink=_EVERYWHERE, after=""), "reset", always=False)
"""Never struck: it imports every SDK, which takes longer than some runs have."""


def _end_of(cell: Cell, folder: Path) -> End:
    folder.mkdir()
    with ExitStack() as open_ones:
        return StruckRun(cell, folder, open_ones).end()


def _write_longer_state(cloud: LocalCloud) -> None:
    """An earlier state of the job with more covers, so that there are rows to delete."""
    ((key_id, secret),) = cloud.credentials.items()
    credentials = Credentials()
    credentials.use(Keys(key_id, secret))
    context = SinkContext(region=cloud.region, ots_endpoint=cloud.ots.endpoint, credentials=credentials)
    sink = TablestoreSink(f"ots://{INSTANCE}", Tablestore(INSTANCE, context))
    sink.prepare(Deadline.after(30), dry_run=False)
    earlier = record_versions.record(COVERS + 2, None, job_id=JOB_ID)
    sink.commit(earlier, record_versions.manifest(COVERS + 2, JOB_ID), Deadline.after(30))
