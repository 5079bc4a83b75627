"""The forty lines that users write today: one call after the other, everything imported at the top.

The baseline of the benchmarks. It does what ice-result does for a Cover job (query, look up each file, write a record
and a manifest), with the official SDKs, and nothing for the day on which something goes wrong.
"""

from __future__ import annotations

import json
import os

import oss2
from alibabacloud_ice20201109.client import Client
from alibabacloud_ice20201109.models import QueryIProductionJobRequest
from alibabacloud_tea_openapi.models import Config
from measured import measure

KEYS = os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
REGION = os.environ["ICE_RESULT_REGION"]
PROTOCOL, _, HOST = os.environ["ICE_RESULT_ICE_ENDPOINT"].partition("://")
CA = os.environ.get("REQUESTS_CA_BUNDLE")
ice = Client(Config(*KEYS, region_id=REGION, endpoint=HOST, protocol=PROTOCOL.upper(), ca=CA))


def bucket(name: str) -> oss2.Bucket:
    """A bucket, path style as on loopback."""
    endpoint = os.environ["ICE_RESULT_OSS_ENDPOINT"]
    return oss2.Bucket(oss2.AuthV4(*KEYS), endpoint, name, region=REGION, is_path_style=True)


outputs, records = bucket("example-output"), bucket("records")


if "ICE_RESULT_OTS_ENDPOINT" in os.environ:
    import tablestore

    table = tablestore.OTSClient(os.environ["ICE_RESULT_OTS_ENDPOINT"], *KEYS, "ice-bench", region=REGION)
    table.connection.pool.connection_pool_kw["ca_certs"] = CA


def put_row(job_id: str, status: str) -> None:
    """One row a job, of the columns of a first try."""
    row = tablestore.Row([("job_id", job_id)], [("status", status)])
    table.put_row("ice_jobs", row, tablestore.Condition(tablestore.RowExistenceExpectation.IGNORE))


def handler(event: bytes) -> int:
    """Handle `{"JobIds": [...]}`; the number of jobs written."""
    job_ids = json.loads(event)["JobIds"]
    for job_id in job_ids:
        job = ice.query_iproduction_job(QueryIProductionJobRequest(job_id=job_id)).body
        covers = json.loads(job.result)
        files = [{"key": key, "size": outputs.head_object(key).content_length} for key in job.output_files]
        record = {"job_id": job.job_id, "status": job.status, "covers": covers, "raw": job.to_map()}
        records.put_object(f"naive/records/{job_id}.json", json.dumps(record))
        if "ICE_RESULT_OTS_ENDPOINT" in os.environ:
            put_row(job_id, job.status)
        records.put_object(f"naive/manifests/{job_id}.json", json.dumps({"job_id": job_id, "files": files}))
    return len(job_ids)


if __name__ == "__main__":
    measure(handler)
