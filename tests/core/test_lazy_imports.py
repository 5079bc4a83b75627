"""Deferred imports: nothing is loaded before it is used, and everything still works."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from support.paths import SOURCE


def run(program: str, folder: Path | None = None) -> str:
    """A new interpreter, since what is imported stays imported."""
    paths = os.pathsep.join(str(path) for path in (SOURCE, folder) if path)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def package(folder: Path) -> Path:
    """`user` imports `heavy`, takes a class out of `heavy.deep`, and says when `heavy` is really run."""
    (folder / "heavy").mkdir()
    (folder / "heavy" / "__init__.py").write_text("print('heavy')\nANSWER = 42\nclass Answer: pass\n")
    (folder / "heavy" / "deep.py").write_text("class Thing:\n    def __init__(self, size): self.size = size\n")
    (folder / "user.py").write_text(
        "import heavy\nfrom heavy.deep import Thing\n"
        "def make(size): return Thing(size).size\n"
        "def answer() -> heavy.Answer: return heavy.ANSWER\n"
    )
    return folder


def test_a_deferred_module_is_loaded_when_it_is_used(tmp_path: Path) -> None:
    """GIVEN a module that names another in an annotation WHEN it is imported THEN the other is not run until used."""
    shown = run(
        """
        from ice_result.core.lazy_imports import deferred
        with deferred("heavy"):
            import user
        print("imported")
        print(user.answer(), user.make(3))
        """,
        package(tmp_path),
    )
    assert shown.split() == ["imported", "heavy", "42", "3"]


def test_others_import_the_real_module_afterwards(tmp_path: Path) -> None:
    """Nothing of the stand-in stays in the import system, not even as an attribute of a package."""
    shown = run(
        """
        import sys
        from ice_result.core.lazy_imports import deferred
        with deferred("heavy"):
            import user
        assert not [name for name in sys.modules if name.startswith("heavy")]
        import heavy
        from heavy.deep import Thing
        print(heavy.ANSWER, Thing(1).size)
        """,
        package(tmp_path),
    )
    assert shown.split() == ["heavy", "42", "1"]


def test_what_is_loaded_already_is_left_alone(tmp_path: Path) -> None:
    """A program that uses the module anyway keeps the one it has."""
    shown = run(
        """
        import heavy
        from ice_result.core.lazy_imports import deferred
        with deferred("heavy"):
            import user
        assert user.heavy is heavy
        """,
        package(tmp_path),
    )
    assert shown.split() == ["heavy"]


def test_what_is_called_while_it_is_imported_is_loaded_then(tmp_path: Path) -> None:
    """A module that makes something of a deferred class at once gets the real one; the others stay deferred."""
    (tmp_path / "eager.py").write_text("from heavy.deep import Thing\nTHING = Thing(5)\n")
    shown = run(
        """
        from ice_result.core.lazy_imports import deferred
        with deferred("heavy", "json"):
            import eager
        print(eager.THING.size, type(eager.THING).__module__)
        """,
        package(tmp_path),
    )
    assert shown.split() == ["heavy", "5", "heavy.deep"]


def test_the_sdk_of_ice_still_has_its_models_and_its_asynchronous_side() -> None:
    """What we never call works for those who do."""
    shown = run(
        """
        import sys
        from ice_result.core.lazy_imports import deferred
        with deferred("aiohttp", "apscheduler", "alibabacloud_ice20201109.models"):
            from alibabacloud_ice20201109.client import Client
        assert "aiohttp" not in sys.modules
        from alibabacloud_ice20201109.models import QueryIProductionJobRequest
        print(QueryIProductionJobRequest(job_id="a").to_map())
        import darabonba.core
        print(darabonba.core.aiohttp.ClientTimeout(sock_read=1).sock_read)
        """
    )
    assert shown.split("\n")[:2] == ["{'JobId': 'a'}", "1"]
