"""`python -m alicloud_local`: the local cloud from a shell, until Ctrl-C."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

from alicloud_local.cloud import LocalCloud
from alicloud_local.faults import FAULT_KINDS, Fault
from ice_result.errors import NotJsonError


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None, stop: threading.Event | None = None) -> int:
    """Run until `stop` is set or Ctrl-C is pressed; the exit status. `--help` says what the arguments mean."""
    options = _parser().parse_args(arguments)
    try:
        cloud = _cloud(options)
        cloud.seed_outputs()
        with cloud:
            for name, value in cloud.environment.items():
                print(f"export {name}={shlex.quote(value)}")
            sys.stdout.flush()
            _wait(stop or threading.Event())
    except KeyboardInterrupt:
        return 0
    except (OSError, NotJsonError, ImportError) as error:
        print(f"alicloud_local: {error}", file=sys.stderr)
        return 1
    return 0


def _cloud(options: argparse.Namespace) -> LocalCloud:
    cloud = LocalCloud(
        jobs=options.jobs,
        latency_seconds=options.latency,
        ice_port=options.port_ice,
        oss_port=options.port_oss,
        mns_port=options.port_mns,
        tablestore=options.tablestore,
        ots_port=options.port_ots,
    )
    for name in options.bucket:
        cloud.oss.create_bucket(name)
    for name in options.queue:
        cloud.mns.create_queue(name)
    for fault in options.fault:
        for server in (cloud.ice, cloud.oss, cloud.mns, *([cloud.ots] if options.tablestore else [])):
            server.fail(fault)
    return cloud


def _wait(stop: threading.Event) -> None:
    """Wait in short steps: a signal that comes just before an endless wait would be noticed only by the next one."""
    while not stop.wait(0.2):
        pass


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m alicloud_local",
        description="Run stand-ins for ICE, OSS, MNS and Tablestore on 127.0.0.1; print what to export to use them.",
    )
    parser.add_argument("--jobs", type=_folder, metavar="DIR", help="saved responses, <job id>.json each")
    parser.add_argument("--port-ice", type=_port, default=0, metavar="N", help="port of ICE (default: any free one)")
    parser.add_argument("--port-oss", type=_port, default=0, metavar="N", help="port of OSS (default: any free one)")
    parser.add_argument("--port-mns", type=_port, default=0, metavar="N", help="port of MNS (default: any)")
    parser.add_argument("--tablestore", action="store_true", help="run Tablestore too (needs the package tablestore)")
    parser.add_argument("--port-ots", type=_port, default=0, metavar="N", help="port of Tablestore (default: any)")
    parser.add_argument("--latency", type=_seconds, default=0.0, metavar="SECONDS", help="time before every reply")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[:TIMES]",
        help="what befalls each server's next call, or next TIMES (a number, or `always`) calls: "
        + ", ".join(FAULT_KINDS),
    )
    parser.add_argument("--bucket", nargs="+", action="extend", default=[], metavar="NAME", help="buckets to create")
    parser.add_argument("--queue", nargs="+", action="extend", default=[], metavar="NAME", help="queues to create")
    return parser


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no folder {text!r}")
    return Path(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:  # noqa: PLR2004  the highest TCP port
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:  # noqa: PLR2004  an hour; more is a mistake
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 to 3600")
    return seconds


def _fault(text: str) -> Fault:
    kind, _, times = text.partition(":")
    if kind not in FAULT_KINDS:
        raise argparse.ArgumentTypeError(f"no fault {kind!r}: one of {', '.join(FAULT_KINDS)}")
    if times == "always":
        return Fault(kind, times=None)
    if times and (not times.isdecimal() or int(times) < 1):
        raise argparse.ArgumentTypeError(f"{times!r} is not a number of times, 1 or more, or `always`")
    return Fault(kind, times=int(times or "1"))


if __name__ == "__main__":
    # Also when a shell started us in the background, with SIGINT ignored, and when a supervisor sends SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
