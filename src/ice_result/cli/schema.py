"""`schema`: the JSON Schema of what this program writes, made from the models."""

from __future__ import annotations

import json

import click

from ice_result.schemas import SCHEMAS, json_schema


@click.command()
@click.argument("name", type=click.Choice(sorted(SCHEMAS)), required=False)
def schema(name: str | None) -> None:
    """Print the JSON Schema of a record, a manifest, a decoded result or an event; of all without a NAME."""
    shown = json_schema(name) if name else {each: json_schema(each) for each in sorted(SCHEMAS)}
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))
