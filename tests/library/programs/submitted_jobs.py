"""A submitter of somebody else: it notes its jobs, waits until each is recorded, and keeps the record itself."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta

from ice_result import IceResultError, Record, expect, fetch_record, open_store

url, *job_ids = sys.argv[1:]
for note in expect(job_ids, within=timedelta(minutes=30)):
    print("noted", note.rpartition("-")[0].rpartition("/")[0])
store = open_store(url)
for job_id in job_ids:
    until = time.monotonic() + 1
    while (manifest := store.manifest(job_id)) is None and time.monotonic() < until:
        time.sleep(0.2)
    print(job_id, [file.role for file in manifest.files] if manifest else "not recorded in time")
    try:
        kept = fetch_record(job_id, seconds=5).model_dump_json(by_alias=True)
    except IceResultError as error:
        print(error.reason)
    else:
        print(json.loads(kept)["schema"], Record.model_validate_json(kept).outcome)
