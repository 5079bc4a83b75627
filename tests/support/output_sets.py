"""Jobs with the bytes of their outputs and inputs, and the manifests that they get: the whole way, without a socket."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from alicloud_local import LocalCloud
from ice_result.contents.model import Larger, NotRead
from ice_result.core.oss_address import ObjectAddress, parse_address
from ice_result.core.types import JobId, JsonObject, JsonValue
from ice_result.jobs.model import Job
from ice_result.processing.judging import FoundFiles, JobJudge, RulesInUse
from ice_result.processing.process_job import record_of
from ice_result.processing.read_contents import read_contents
from ice_result.records import Manifest, OutputFiles, Record, build_manifest
from ice_result.records.model import ObjectFacts
from ice_result.rules.model import RuleChoice
from ice_result.rules.registry import RULES
from support.media_files import probed
from support.paths import SAMPLE_JOBS

ALL_ON = RuleChoice(on=frozenset(rule.name for rule in RULES))


class OutputSet(NamedTuple):
    """A successful job, and the objects that it wrote and read, by their `oss://` addresses."""

    response: JsonObject
    outputs: Mapping[str, bytes]
    inputs: Mapping[str, bytes]

    def with_output(self, uri: str, data: bytes) -> OutputSet:
        """Return the set with another content of one output."""
        return self._replace(outputs={**self.outputs, uri: data})

    def with_result(self, result: object) -> OutputSet:
        """Return the set with another Result."""
        return self._replace(response={**self.response, "Result": json.dumps(result)})


class _Contents(NamedTuple):
    files: Mapping[ObjectAddress, bytes]

    def load(self) -> None:
        """Have everything."""

    def read(self, address: ObjectAddress, most_bytes: int) -> bytes | Larger | NotRead:
        """Return the bytes of a file, or its size where it is larger than the limit."""
        data = self.files[address]
        return data if len(data) <= most_bytes else Larger(len(data))


class _Files(NamedTuple):
    files: Mapping[ObjectAddress, bytes]

    def load(self) -> None:
        """Have everything."""

    def facts(self, address: ObjectAddress) -> ObjectFacts:
        """Return the facts of a file that is there."""
        data = self.files.get(address)
        return ObjectFacts(False, problem="not_found") if data is None else facts_of(address.key, data)


def sample_job(name: str, *, output: str | None = None, source: str | None = None) -> JsonObject:
    """Return the sample job `NAME-0001`, with other extensions of its outputs and of its input where they are given."""
    job: JsonObject = json.loads((SAMPLE_JOBS / f"{name}-0001.json").read_text("utf-8"))
    given, target, files, urls = job["Input"], job["Output"], job["OutputFiles"], job["OutputUrls"]
    assert isinstance(given, dict)
    assert isinstance(target, dict)
    assert isinstance(files, list)
    assert isinstance(urls, list)
    if source is not None:
        job["Input"] = {**given, "Media": _with_extension(given["Media"], source)}
    if output is not None:
        job["Output"] = {**target, **{name: _with_extension(target[name], output) for name in ("Media", "OutputUrl")}}
        job["OutputFiles"] = [_with_extension(file, output) for file in files]
        job["OutputUrls"] = [_with_extension(url, output) for url in urls]
        for file in files:
            job["Result"] = str(job["Result"]).replace(str(file), _with_extension(file, output))
    return job


def _with_extension(path: JsonValue, extension: str) -> str:
    return re.sub(r"\.\w+(?=\?|\Z)", f".{extension}", str(path), count=1)


def valid_set(response: JsonObject) -> OutputSet:
    """Return a job with the files that the local cloud makes for it."""
    cloud = LocalCloud()
    cloud.ice.put(str(response["JobId"]), response)
    outputs, inputs = (
        {uri: _bytes(cloud, uri) for uri in uris} for uris in (cloud.seed_outputs(), cloud.seed_inputs())
    )
    return OutputSet(response, outputs, inputs)


def manifest_of(job: OutputSet, choice: RuleChoice = ALL_ON) -> Manifest:
    """Return the manifest that a job gets when its files are probed, its contents are read, and the rules applied."""
    record, files = _recorded(json.dumps(job.response))
    there = {address(uri): data for uri, data in {**job.outputs, **job.inputs}.items()}
    wanted = [file.address for file in files.files if file.address]
    judge = JobJudge(RulesInUse(choice, _Files(there)))
    facts = {each: facts_of(each.key, there[each]) for each in wanted if each in there}
    read = read_contents(_Contents(there), record, files, lambda: None)
    _, found = judge.judge(FoundFiles(record, files, facts, judge.look_up_inputs(record), read.contents))
    return build_manifest(record, files, facts, (*read.notes, *found.notes), found.problems)


@lru_cache(maxsize=4)
def _recorded(text: str) -> tuple[Record, OutputFiles]:
    response: JsonObject = json.loads(text)
    return record_of(Job.from_response(JobId(str(response["JobId"])), response), "cn-shanghai")


@lru_cache(maxsize=32)
def facts_of(key: str, data: bytes) -> ObjectFacts:
    """Return what a store and a reader tell of an object. Those of inputs are asked for again and again."""
    told = probed(data, key)
    etag = hashlib.md5(data, usedforsecurity=False).hexdigest()
    known = {name: value for name, value in told._asdict().items() if name in ObjectFacts._fields}
    return ObjectFacts(True, len(data), etag, **known, is_read=True)


def findings(manifest: Manifest) -> Sequence[str]:
    """Return each problem and note as a line."""
    problems = [f"{problem.code} {problem.message}" for problem in manifest.problems]
    return [*problems, *(f"{note.code} {note.message}" for note in manifest.notes)]


def address(uri: str) -> ObjectAddress:
    """Parse the address of an object."""
    parsed = parse_address(uri)
    assert parsed is not None
    return ObjectAddress(parsed.bucket, parsed.key)


def _bytes(cloud: LocalCloud, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("oss://").partition("/")
    return cloud.oss.get(bucket, key)
