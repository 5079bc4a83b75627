"""The `ice-result` command: the same pipeline as in the function, here."""

from ice_result.cli.main import command

__all__ = ["command"]
