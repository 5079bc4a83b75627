"""The cost of notifying one target: of loading it, and of each notification.

`PYTHONPATH=tests python bench/telling.py [--notifications 300]` prints CPU and wall time of each kind of target. The
process has loaded the clients of ICE and OSS, as the function has. The local cloud and the receiver of webhooks are
processes of their own. The notification is the example of docs/notifications.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from scale import local_cloud

from ice_result.app import notify_context, open_jobs, sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.json_text import dump
from ice_result.notify.documents import trial_notification
from ice_result.notify.registry import open_target
from ice_result.notify.urls import notify_url
from ice_result.settings import BY_HAND, Settings
from ice_result.sinks import open_sink
from support.notifications_page import sent_example
from support.webhook_receiver import WebhookReceiver

TARGETS = ("mns://told", "mns-topic://told", "eventbridge://told", "webhook")
SECRET = "127.0.0.1=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # nosec B105 # of the receiver here
RECEIVE, MEASURE = "--receive", "--measure"
BODY = "NOTIFICATION_TO_MEASURE_WITH"


def main() -> None:
    """Measure each kind of target in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--notifications", type=int, default=300)
    parser.add_argument(RECEIVE, action="store_true", help=argparse.SUPPRESS)
    parser.add_argument(MEASURE, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        receive()
        return
    if options.measure:
        measure(options.measure, options.notifications)
        return
    body = dump(sent_example())
    made = [part for kind in ("queue", "topic", "bus") for part in (f"--{kind}", "told")]
    print("| target | load, CPU | first, CPU | each, CPU | each, wall |\n| --- | --- | --- | --- | --- |", flush=True)
    with local_cloud(None, 0, *made) as environment, receiver() as url:
        told = {
            **os.environ,
            **environment,
            "ICE_RESULT_SINKS": "oss://records",
            "ICE_RESULT_NOTIFY_SECRETS": SECRET,
            BODY: body,
        }
        for target in TARGETS:
            command = [sys.executable, __file__, MEASURE, url if target == "webhook" else target]
            command += ["--notifications", str(options.notifications)]
            subprocess.run(command, env=told, check=True)


@contextmanager
def receiver() -> Iterator[str]:
    """Run a receiver of webhooks in a process of its own; its URL."""
    command = [sys.executable, __file__, RECEIVE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101  # nosec B101 # asked for above
        assert process.stdout is not None  # noqa: S101  # nosec B101 # as above
        yield process.stdout.readline().strip()
        process.stdin.close()


def receive() -> None:
    """Accept every request until standard input ends."""
    with WebhookReceiver() as running:
        print(running.url, flush=True)
        sys.stdin.read()


def measure(url: str, count: int) -> None:
    """Load a target and send notifications to it, and print a row."""
    settings = Settings.from_environment({**os.environ, "ICE_RESULT_NOTIFY": url}, BY_HAND)
    credentials = Credentials()
    open_jobs(settings, credentials).load()
    sink = open_sink(settings.sinks[0], sink_context(settings, credentials))
    sink.load()
    notification = trial_notification(settings.region)._replace(body=os.environ[BODY].encode())
    began = time.process_time()
    target = open_target(notify_url(url), notify_context(settings, credentials))
    target.load()
    loaded = time.process_time()
    target.send(notification)
    first, wall = time.process_time(), time.monotonic()
    for _ in range(count):
        target.send(notification)
    each, each_wall = time.process_time() - first, time.monotonic() - wall
    row = (loaded - began, first - loaded, each / count, each_wall / count)
    print(f"| `{url.partition(':')[0]}:` | {' | '.join(f'{seconds * 1000:.1f} ms' for seconds in row)} |", flush=True)


if __name__ == "__main__":
    main()
