"""Stage four: a job and its result, normalised into a record and a manifest."""

from ice_result.records.manifest import build_manifest, content_notes, shortfall, with_content_notes
from ice_result.records.model import (
    Decode,
    Defect,
    Manifest,
    ManifestFile,
    Media,
    Note,
    ObjectFacts,
    ObjectInspector,
    Problem,
    Record,
    RecordedInput,
    RecordedOutput,
)
from ice_result.records.output_files import NotSaved, OutputFile, OutputFiles, output_files
from ice_result.records.record import build_record

__all__ = [
    "Decode",
    "Defect",
    "Manifest",
    "ManifestFile",
    "Media",
    "NotSaved",
    "Note",
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
    "content_notes",
    "output_files",
    "shortfall",
    "with_content_notes",
]
