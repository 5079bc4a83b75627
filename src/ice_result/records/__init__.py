"""Stage four: a job and its result, normalised into a record and a manifest."""

from ice_result.records.build import build_record
from ice_result.records.files import NotSaved, OutputFile, OutputFiles, output_files
from ice_result.records.manifest import build_manifest, shortfall
from ice_result.records.model import (
    Decode,
    Manifest,
    ManifestFile,
    ObjectFacts,
    ObjectInspector,
    Problem,
    Record,
    RecordedInput,
    RecordedOutput,
)

__all__ = [
    "Decode",
    "Manifest",
    "ManifestFile",
    "NotSaved",
    "ObjectFacts",
    "ObjectInspector",
    "OutputFile",
    "OutputFiles",
    "Problem",
    "Record",
    "RecordedInput",
    "RecordedOutput",
    "build_manifest",
    "build_record",
    "output_files",
    "shortfall",
]
