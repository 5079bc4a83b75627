"""The `ice-result` command: the pipeline of the function, run on this machine."""

from ice_result.cli.main import command

__all__ = ["command"]
