"""Delivery of one event with one fault at one call, and its outcome in the words of docs/reliability.md."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from alicloud_local import CallEvent, Fault, LocalCloud
from alicloud_local.faults import FaultKind
from alicloud_local.service import LocalService
from ice_result.core.credentials import Credentials, Keys
from ice_result.core.deadline import Clock
from ice_result.core.endpoints import parse_endpoint
from ice_result.errors import ParkingError
from ice_result.function import Function
from ice_result.sinks import SinkContext
from ice_result.sinks.table.tablestore import TablestoreSink
from ice_result.sinks.table.tablestore_client import Tablestore
from support import record_versions
from support.fake_clock import without_pauses
from support.fault_table import CellKey, Result
from support.paths import SAMPLE_JOBS
from support.platform_context import PlatformContextWithCredentials, PlatformCredentials, PlatformFunction
from support.s3_server import S3Server

Service: TypeAlias = Literal["ICE", "OSS", "S3", "Tablestore"]
Kind: TypeAlias = FaultKind | Literal["dns"]
COVER, CAPTIONS = "cover-0001", "captionextraction-0001"
COVERS = 2
KEYS = {
    COVER: f"function_name=Cover/dt=2026-03-02/{COVER}.json",
    CAPTIONS: f"function_name=CaptionExtraction/dt=2026-03-02/{CAPTIONS}.json",
}
"""The key of each job's record, below `records/`."""
INSTANCE = "ice-tests"
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
    """A call of the pipeline. `sink` is the URL of the sink that gets the job, or a folder when empty.

    A name that does not resolve can hit a call that is the `first` of all calls of its service. `after` is an operation
    that comes before the call, for a call that its own operation does not identify. What cannot be finished is parked
    in a folder, or with `parks` in the sinks themselves. With `refused`, ICE answers 403, so that the event is parked.
    `job` is the job that the event is of.
    """

    title: str
    service: Service
    operation: str | None = None
    target: str | None = None
    sink: str = ""
    first: bool = False
    after: str | None = None
    parks: bool = False
    refused: bool = False
    job: str = COVER


@dataclass(frozen=True)
class Cell:
    """A fault at one call."""

    call: Call
    kind: Kind
    always: bool

    @property
    def key(self) -> CellKey:
        """Key of its row in the table."""
        return CellKey(self.call.title, self.kind, "always" if self.always else "once")

    @property
    def waits(self) -> bool:
        """True for a call that waits for a reply that does not come."""
        return self.kind in ("hang", "drip")

    @property
    def timeout(self) -> int:
        """Timeout of the function in seconds: a minute, which no machine needs.

        It is short for a call that never gets its reply: the deadline ends that call, and the test waits as long as the
        function does. The fault decides these outcomes, and not the speed of the machine. Before the call that waits,
        the function makes a few calls of milliseconds, and has three seconds for them. After it, it writes to a folder,
        which no deadline stops; or to OSS or S3, for which a share of the time is left, of more than a second.
        """
        return 4 if self.waits and self.always else 60

    @property
    def fault(self) -> Fault | None:
        """Fault in the form of a server."""
        if self.kind == "dns":
            return None
        times = None if self.always else 1
        return Fault(self.kind, times, self.call.operation, self.call.target, interval_seconds=1)

    def run(self, folder: Path) -> Result:
        """Deliver the event in a cloud and a folder of its own, and return the outcome of the job."""
        with ExitStack() as open_ones:
            return _Run(self, folder, open_ones).result()


class _Run:
    """A cloud, an S3 server and a folder of parked events for one cell."""

    def __init__(self, cell: Cell, folder: Path, open_ones: ExitStack) -> None:
        self._cell = cell
        self._folder = folder
        self._ready = self._armed = self._hit = False
        self._skipped_seconds = 0.0
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
        if cell.call.refused:
            self._cloud.ice.fail(Fault("forbidden", times=None))
        if cell.call.after is None:
            self._arm()

    def result(self) -> Result:
        """Deliver the event, and again without the fault when it was not recorded."""
        function = self._new_function(broken=self._cell.kind == "dns")
        event = json.dumps({"JobId": self._cell.call.job}).encode()
        outcome = self._deliver(function, event, self._cell.timeout)
        if not self._hit and self._cell.kind != "dns":
            return Result(f"{outcome}, but no call was hit", "")
        if outcome.startswith("recorded"):
            return Result(outcome, "")
        for server in self._servers.values():
            server.clear()
        if self._cell.kind == "dns":
            function = self._new_function(broken=False)
        again = self._envelopes()[0] if outcome.startswith("parked") else event
        return Result(outcome, self._deliver(function, again, timeout=60))

    def _new_function(self, *, broken: bool) -> Function:
        """Make an instance whose SDKs have made their clients, for which boto3 takes a good part of a short timeout."""
        function = Function(self._environment(broken=broken), self._clock)
        stores = function.prepare(self._context(timeout=60)).stores
        if stores.inspector:
            stores.inspector.load()
        for sink in stores.sinks:
            sink.load()
        return function

    @property
    def _clock(self) -> Clock:
        """Clock of the function, without pauses between attempts. The tests of ServiceCaller show the pauses."""
        return replace(without_pauses(), now=lambda: time.monotonic() + self._skipped_seconds)

    def _context(self, timeout: int) -> PlatformContextWithCredentials:
        ((key_id, secret),) = self._cloud.credentials.items()
        return PlatformContextWithCredentials(
            credentials=PlatformCredentials(key_id, secret), function=PlatformFunction(timeout=timeout)
        )

    def _deliver(self, function: Function, event: bytes, timeout: int) -> str:
        """Deliver an event, and describe its outcome in the words of the table."""
        try:
            reply = function.handle(event, self._context(timeout))
        except ParkingError:
            return "given back"
        (job,) = json.loads(json.dumps(reply["jobs"]))
        if job["outcome"] == "recorded":
            return self._recorded()
        if job["outcome"] != "parked" or not self._envelopes():
            return "lost"
        if not self._cell.call.refused:
            return f"parked: {json.loads(self._envelopes()[0])['reason']}"
        return "parked in the second" if job["record"].startswith(str(self._folder)) else "parked"

    def _recorded(self) -> str:
        stored = self._row() if self._cell.call.sink.startswith("ots:") else self._object()
        if stored is None:
            return "lost in part"
        manifest = json.loads(stored)
        if manifest["notes"]:
            return "recorded; a note: " + ", ".join(sorted({note["code"] for note in manifest["notes"]}))
        if manifest["complete"]:
            return "recorded"
        return "recorded; the file: " + ", ".join(sorted({problem["code"] for problem in manifest["problems"]}))

    def _row(self) -> str | None:
        """Read the manifest in the job's row, if all other rows belong to the same writing."""
        (job,) = self._cloud.ots.rows(INSTANCE, "ice_jobs")
        for table in ("ice_outputs", "ice_items"):
            generations = [row["generation"] for row in self._cloud.ots.rows(INSTANCE, table)]
            if generations != [job["generation"]] * COVERS:
                return None
        return str(job["manifest"])

    def _object(self) -> bytes | None:
        """Read the manifest, if the record is there as well."""
        objects, key = self._objects(), KEYS[self._cell.call.job]
        return objects.get(f"manifests/{key}") if f"records/{key}" in objects else None

    def _objects(self) -> dict[str, bytes]:
        """Return all objects in the sink of the call, by key."""
        oss, out = self._cloud.oss, self._folder / "out"
        if self._cell.call.sink.startswith("oss:"):
            return {key.removeprefix("ice/"): oss.get("records", key) for key in oss.keys("records")}
        if self._cell.call.sink.startswith("s3:"):
            return {place.removeprefix("records/ice/"): data for place, data in self._s3.objects.items()}
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.json")}

    def _envelopes(self) -> list[bytes]:
        """Return all parked events: in the folder, or in the sink."""
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
            # Otherwise two GETs of one file are made at the same time: for its content, and in place of HEAD.
            **({"ICE_RESULT_PROBE": "off"} if call.job == CAPTIONS else {}),
            **({ENDPOINTS[call.service]: NOWHERE} if broken else {}),
        }

    def _arm(self) -> None:
        fault = self._cell.fault
        if fault is not None and not self._armed:
            self._armed = True
            self._servers[self._cell.call.service].fail(fault)

    def _watch(self, passing: CallEvent) -> None:
        """Arm the fault when its moment comes, and note that it hits a call.

        An attempt has ten seconds. Where one waits for its reply once, nine of them pass at that moment: it is given up
        after a second. Every call has five attempts, so that one which a slow machine takes a second for is made again.
        """
        call = self._cell.call
        is_target = passing.service == call.service and call.operation in (None, passing.operation)
        if self._armed and not self._hit and is_target and passing.target.startswith(call.target or ""):
            self._hit = True
            self._skipped_seconds = 9.0 if self._cell.waits and not self._cell.always else 0.0
        if self._ready and passing.operation == call.after:
            self._arm()


EVERY_SDK = Cell(
    Call("", "Tablestore", sink=f"oss://records/ice,s3://records/ice,ots://{INSTANCE}", after=""), "reset", always=False
)
"""No call is hit: it imports every SDK, which takes longer than some runs have."""


def _write_longer_state(cloud: LocalCloud) -> None:
    """An earlier state of the job with more covers, so that there are rows to delete."""
    ((key_id, secret),) = cloud.credentials.items()
    credentials = Credentials()
    credentials.use(Keys(key_id, secret))
    context = SinkContext(region=cloud.region, ots_endpoint=parse_endpoint(cloud.ots.endpoint), credentials=credentials)
    sink = TablestoreSink(f"ots://{INSTANCE}", Tablestore(INSTANCE, context))
    sink.prepare(dry_run=False)
    earlier = record_versions.record(COVERS + 2, None, job_id=COVER)
    sink.commit(earlier, record_versions.manifest(COVERS + 2, COVER))
