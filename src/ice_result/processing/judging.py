"""The rules, applied to a job whose files were looked up, and the inputs that they compare its files with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ice_result.core.oss_address import ObjectAddress
from ice_result.records import ObjectFacts, OutputFiles, Record
from ice_result.rules.judge import input_addresses, judge
from ice_result.rules.model import Case, CheckedFile, Judgement, RuleChoice

if TYPE_CHECKING:
    from ice_result.contents.model import Content

_UNKNOWN = ObjectFacts(exists=None)


def inputs_to_read(record: Record, choice: RuleChoice) -> tuple[ObjectAddress, ...]:
    """Return the files in OSS that the outputs of a successful job are compared with."""
    return input_addresses(record, choice)


def judge_job(
    record: Record,
    files: OutputFiles,
    facts: Mapping[ObjectAddress, ObjectFacts],
    contents: Sequence[Content],
    choice: RuleChoice,
) -> Judgement:
    """Apply the rules to a successful job. `facts` has its files and its inputs, as far as they were looked up."""
    checked = [
        CheckedFile(file.path, file.uri, file.role, facts.get(file.address, _UNKNOWN) if file.address else _UNKNOWN)
        for file in files.files
    ]
    addresses = inputs_to_read(record, choice)
    inputs = {address: facts[address] for address in addresses if address in facts and facts[address].exists}
    return judge(Case(record, checked, inputs, contents), choice)
