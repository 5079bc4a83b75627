"""A new kind of message is one function and one line in envelopes.py."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import SOURCE

FUNCTION = '''
def _open_sns_notification(message: JsonObject, _options: TriggerOptions) -> Contents | None:
    """Open a notification of Amazon SNS: `{"Type": "Notification", "TopicArn", "Message", "MessageId"}`."""
    if "TopicArn" not in message:
        return None
    return (Nested(field="Message", value=message.get("Message"), message_id=short_text(message.get("MessageId"))),)
'''
LINE = '    Envelope("TopicArn (an SNS notification)", _open_sns_notification),'
PROGRAM = """
import json, sys
from ice_result import parse
for payload in json.load(sys.stdin):
    for event in parse(json.dumps(payload)).events:
        print(json.dumps([event.kind, getattr(event, "job_id", None), event.event_id, getattr(event, "reason", None)]))
"""


def with_the_new_kind(envelopes: str) -> str:
    """The page with the function before its table, and the line before the kinds that ask for the least."""
    table, manual = "# The order matters.", '    Envelope("JobId or JobIds (by hand)", _open_manual),'
    assert (envelopes.count(table), envelopes.count(manual)) == (1, 1)
    return envelopes.replace(table, f"{FUNCTION.lstrip()}\n\n{table}").replace(manual, f"{LINE}\n{manual}")


def test_one_function_and_one_line_are_a_new_envelope(tmp_path: Path) -> None:
    """GIVEN the program with a new kind WHEN messages of it come THEN they are opened, alone and inside other kinds."""
    package = shutil.copytree(SOURCE / "ice_result", tmp_path / "ice_result", ignore=shutil.ignore_patterns("*.pyc"))
    page = package / "triggers" / "envelopes.py"
    page.write_text(with_the_new_kind(page.read_text("utf-8")), "utf-8")
    event = {"EventType": "AIProduceComplete", "MessageBody": {"JobId": "cover-0001"}}
    notification = {"Type": "Notification", "TopicArn": "arn", "MessageId": "m-1", "Message": json.dumps(event)}
    in_a_queue = {"messageId": "q-1", "messageBody": json.dumps(notification)}
    empty = {"TopicArn": "arn"}

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": str(tmp_path)},
        input=json.dumps([notification, in_a_queue, empty, {"other": 1}]),
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )

    alone, queued, malformed, unknown = map(json.loads, done.stdout.splitlines())
    assert alone == ["job", "cover-0001", "m-1", None]
    assert queued == ["job", "cover-0001", "q-1", None]
    assert malformed[0] == "malformed"
    assert malformed[3].startswith("Message: found null")
    assert "TopicArn (an SNS notification)" in unknown[3]
