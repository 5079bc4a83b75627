"""The stage: a Result in, a typed result out, with what was odd about it."""

from __future__ import annotations

from ice_result.results import unknown
from ice_result.results.model import Decoded
from ice_result.results.registry import DECODERS
from ice_result.results.report import Report
from ice_result.values import JsonValue


def decode(function_name: str, result: JsonValue, bucket: str | None = None) -> Decoded:
    """Read what stood in the Result field of a job: usually a JSON text, sometimes null or JSON already.

    It is taken as it is: the `result` of a Job has no secrets in it. Paths in it are relative to `bucket`, the job's
    output bucket; None when it is not known.
    Never raises for what ICE sent: what cannot be read is null, or the whole undecodable, and a warning says why.
    """
    report = Report(bucket)
    decoder = DECODERS.get(function_name, unknown.decode)
    typed = decoder(result, report)
    return Decoded(status=report.status, warnings=report.warnings, result=typed)
