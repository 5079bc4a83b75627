"""Rules: what must hold of the output files of a job, from its parameters, its result and its input."""

from ice_result.rules.judge import judge
from ice_result.rules.model import Case, CheckedFile, Finding, Judgement, Rule, RuleChoice

__all__ = ["Case", "CheckedFile", "Finding", "Judgement", "Rule", "RuleChoice", "judge"]
