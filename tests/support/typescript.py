"""The types for TypeScript in clients/typescript: made from the schemas, and compiled."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from ice_result.cli.schemas import SCHEMAS, json_schema
from ice_result.core.types import JsonObject, JsonValue
from support.paths import ROOT
from support.schema_changes import object_of

CLIENT = ROOT / "clients" / "typescript"
TYPES = CLIENT / "index.d.ts"
DOCUMENTS = [name for name in SCHEMAS if name not in {"event", "result"}]
"""The schemas of whole documents. The result is a part of the record, and an event is stored nowhere."""
_RUN_SECONDS = 120
_CONFIGURATION: JsonObject = {
    "compilerOptions": {
        **dict.fromkeys(("strict", "noUncheckedIndexedAccess", "exactOptionalPropertyTypes", "noEmitOnError"), True),
        **dict.fromkeys(("noUnusedLocals", "noImplicitReturns", "noPropertyAccessFromIndexSignature"), True),
        "skipLibCheck": False,
        "target": "es2022",
        "module": "nodenext",
        "types": ["node"],
        "paths": {"ice-result-types": ["./index.d.ts"]},
    },
    "include": ["*.ts"],
}


def all_documents() -> JsonObject:
    """Make one schema of all documents, with all their definitions."""
    definitions: JsonObject = {}
    members: list[JsonValue] = []
    for name in DOCUMENTS:
        schema = {key: value for key, value in json_schema(name).items() if key not in {"$schema", "$id"}}
        for title, definition in {**object_of(schema.pop("$defs", {})), str(schema["title"]): schema}.items():
            assert definitions.setdefault(title, definition) == definition, f"two definitions of {title}"
        members.append({"$ref": f"#/$defs/{schema['title']}"})
    return {"title": "IceResultDocument", "oneOf": [*members], "$defs": definitions}


def first_line() -> str:
    """Return the first line of the types, with a hash of all that they are made from."""
    parts = [json.dumps(all_documents()).encode()]
    parts += [(CLIENT / name).read_bytes() for name in ("generate.mjs", "package.json")]
    return f"// Made by `make docs` from docs/schema; hash {hashlib.sha256(b''.join(parts)).hexdigest()[:16]}.\n"


def types(packages: Path) -> str:
    """Make the types with the generator in `packages`, a folder with node_modules."""
    command = ["node", str(CLIENT / "generate.mjs"), str(packages)]
    return first_line() + _output(command, CLIENT, json.dumps(all_documents()))


def compile_strictly(packages: Path, folder: Path) -> str:
    """Compile the programs in `folder` against the types that are checked in. Returns what the compiler says."""
    (folder / "node_modules").symlink_to(packages / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "tsconfig.json").write_text(json.dumps(_CONFIGURATION))
    (folder / "index.d.ts").write_bytes(TYPES.read_bytes())
    command = ["node", str(packages / "node_modules" / "typescript" / "bin" / "tsc"), "--project", str(folder)]
    done = subprocess.run(
        command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=_RUN_SECONDS, check=False
    )
    assert done.stderr == ""
    assert (done.returncode == 0) == (done.stdout == ""), done.stdout
    return done.stdout


def run(program: Path, *arguments: str) -> list[str]:
    """Run a compiled program, and return the lines that it prints."""
    return _output(["node", str(program), *arguments], program.parent, "").splitlines()


def _output(command: list[str], folder: Path, standard_input: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=_environment(),
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _environment() -> dict[str, str]:
    return {"PATH": os.environ["PATH"]}
