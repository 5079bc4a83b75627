"""`python -m alicloud_local`: the local cloud from a shell, until Ctrl-C."""

from __future__ import annotations

import argparse
import errno
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from typing_extensions import override

from alicloud_local.cloud import LocalCloud, PortError
from alicloud_local.faults import FAULT_KINDS, Fault

_HIGHEST_PORT = 65_535
_LONGEST_LATENCY_SECONDS = 3600
_ACCESS_KEY = ("LOCALCLOUDKEY", "secret-of-the-local-cloud")
"""The access key is the same at every start, so that variables that are exported once stay valid with the same ports.

It opens nothing but servers on 127.0.0.1.
"""
_NO_TABLESTORE = "needs the extra tablestore: pip install '.[tablestore]' in a clone of the repository"
_RUNNING = """alicloud_local: running on 127.0.0.1; Ctrl-C or `kill {process}` stops it
alicloud_local: run these `export` lines in the shell that is to use it"""
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_QUEUE = re.compile(r"[A-Za-z0-9-]{1,120}")
_TOPIC = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,254}")
_BUS = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,126}")


class _Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line."""

    @override
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None, stop: threading.Event | None = None) -> int:
    """Run until `stop` is set or Ctrl-C is pressed, and return the exit status."""
    options = _parser().parse_args(arguments)
    stop = stop or threading.Event()
    try:
        with _cloud(options) as cloud:
            variables = dict(cloud.environment)
            if options.bucket:
                variables["ICE_RESULT_SINKS"] = f"oss://{options.bucket[0]}/ice"
            print(_RUNNING.format(process=os.getpid()), file=sys.stderr, flush=True)
            lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
            sys.stdout.write("".join(lines))  # at once: a shell that waits for the file must not read a half
            sys.stdout.flush()
            while not stop.wait(0.2):  # in short steps: a signal just before an endless wait would not end it
                pass
    except KeyboardInterrupt:
        return 0
    except PortError as error:
        problem = "already in use" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
        return _fail(f"--port-{error.service.replace('_', '-')} {error.port}: {problem}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "tablestore":
            raise
        return _fail(f"--tablestore {_NO_TABLESTORE}")
    except (OSError, ValueError) as error:
        return _fail(str(error))
    return 0


def _fail(problem: str) -> int:
    print(f"alicloud_local: {problem}", file=sys.stderr)
    return 1


def _cloud(options: argparse.Namespace) -> LocalCloud:
    ports = {name.removeprefix("port_"): port for name, port in vars(options).items() if name.startswith("port_")}
    cloud = LocalCloud(
        jobs=options.jobs,
        latency_seconds=options.latency,
        region=options.region,
        ports={name: port for name, port in ports.items() if port},
        tablestore=options.tablestore,
        oss_v1=not options.oss_v4_only,
        access_key=_ACCESS_KEY,
    )
    for name in options.bucket:
        cloud.oss.create_bucket(name)
    for name in options.queue:
        cloud.mns.create_queue(name)
    cloud.seed_outputs()
    cloud.seed_inputs()
    for name in options.topic:
        cloud.mns.create_topic(name)
    for name in options.bus:
        cloud.eventbridge.create_bus(name)
    for fault in options.fault:
        for service in cloud.services.values():
            service.fail(fault)
    return cloud


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m alicloud_local",
        description="Run local servers of ICE, OSS, MNS, EventBridge, RAM, STS and Tablestore on 127.0.0.1, "
        "and print `export` lines.",
        epilog="All data is lost when the program ends. The access key is the same at every start.",
    )
    parser.add_argument(
        "--jobs",
        type=_folder,
        metavar="DIR",
        help="folder of ICE's responses, one file <job id>.json per job; their outputs and inputs are in OSS",
    )
    parser.add_argument("--region", default="cn-shanghai", help="region of every service (default: %(default)s)")
    parser.add_argument(
        "--bucket",
        type=_bucket,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="buckets to create; ICE_RESULT_SINKS names the first",
    )
    parser.add_argument(
        "--queue", type=_queue, nargs="+", action="extend", default=[], metavar="NAME", help="queues to create"
    )
    parser.add_argument(
        "--topic", type=_topic, nargs="+", action="extend", default=[], metavar="NAME", help="topics to create"
    )
    parser.add_argument(
        "--bus", type=_bus, nargs="+", action="extend", default=[], metavar="NAME", help="event buses to create"
    )
    parser.add_argument("--tablestore", action="store_true", help="run Tablestore too (needs the extra tablestore)")
    parser.add_argument("--oss-v4-only", action="store_true", help="refuse OSS's signature V1, as for newer accounts")
    names = {name: service.name for name, service in LocalCloud().services.items()} | {"ots": "Tablestore"}
    for name, title in names.items():
        parser.add_argument(
            f"--port-{name.replace('_', '-')}",
            type=_port,
            default=0,
            metavar="N",
            help=f"port of {title} (default: any free one)",
        )
    parser.add_argument("--latency", type=_seconds, default=0.0, metavar="SECONDS", help="pause before every reply")
    parser.add_argument(
        "--fault",
        type=_fault,
        action="append",
        default=[],
        metavar="KIND[:TIMES]",
        help="failure of the next call, or the next TIMES (a number, or `always`) calls, to each service: "
        + ", ".join(FAULT_KINDS),
    )
    return parser


def _folder(text: str) -> Path:
    try:
        is_folder = Path(text).is_dir()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error.strerror}") from error
    if not is_folder:
        raise argparse.ArgumentTypeError(f"no folder {text!r}")
    return Path(text)


def _bucket(text: str) -> str:
    if not _BUCKET.fullmatch(text):
        problem = "is not a bucket's name: 3 to 63 lower-case letters, digits and hyphens, no hyphen first or last"
        raise argparse.ArgumentTypeError(f"{text!r} {problem}")
    return text


def _queue(text: str) -> str:
    if not _QUEUE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a queue's name: 1 to 120 letters, digits and hyphens")
    return text


def _topic(text: str) -> str:
    if not _TOPIC.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a topic's name: 1 to 255 letters, digits and hyphens")
    return text


def _bus(text: str) -> str:
    if not _BUS.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an event bus's name: 1 to 127 letters, digits and hyphens")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to {_HIGHEST_PORT}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_LATENCY_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 to {_LONGEST_LATENCY_SECONDS}")
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
