"""The command line as users run it: a process of its own, with nothing in its environment but what is given."""

from __future__ import annotations

import os
import subprocess
import sys

from support.paths import SOURCE


def ice_result(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`ice-result ARGUMENTS`, finished."""
    return subprocess.run(
        [sys.executable, "-m", "ice_result", *arguments],
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "PYTHONPATH": str(SOURCE),
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
            **environment,
        },
    )
