"""docs/commands.md, made from the help of the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ice_result.cli.main import group

_WIDTH = 100
_HEAD = """# Commands

`make docs` writes this page from the help of the commands. `ice-result COMMAND --help` prints the same.

| exit status | meaning |
| --- | --- |
| 0 | the command did everything that it was asked to do |
| 1 | something failed, was parked, is not complete, or does not exist; the help of a command says what counts for it |
| 2 | wrong usage, settings or input |
| 130 | interrupted by Ctrl-C; what was recorded stays recorded |

Results are on standard output. Errors, hints, progress and summaries are on standard error, so that the output can be
piped. The settings are in [configuration](configuration.md).

Run this to complete commands, options and function names with the Tab key in bash. In zsh, write `zsh_source`
instead of `bash_source`:

```sh
eval "$(_ICE_RESULT_COMPLETE=bash_source ice-result)"
```
"""


def commands_page() -> str:
    """Make the page: the help of the whole, and then of each command, in the order of the help."""
    return _HEAD + "".join(f"\n## {name}\n\n```text\n{text}\n```\n" for name, text in _helps(group, "ice-result"))


def command_names(command: click.Command = group, name: str = "ice-result") -> list[str]:
    """List every command with its groups: `ice-result parked list`."""
    return [name for name, _ in _helps(command, name)]


def _helps(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    context = command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH, max_content_width=_WIDTH
    )
    yield context.command_path, context.get_help()
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            found = command.get_command(context, each)
            if found and not found.hidden:
                yield from _helps(found, each, context)
