"""Extras that are not installed: one message, wherever a package is missing."""

from __future__ import annotations

import re
import sys

import pytest

from ice_result.core import extras
from ice_result.core.extras import has_extra, require_extra
from ice_result.errors import SettingsError
from ice_result.sinks import SinkContext, open_sink
from support.paths import ROOT


@pytest.mark.parametrize(
    ("extra", "module"), [("cli", "rich"), ("queue", "mns"), ("s3", "boto3"), ("tablestore", "tablestore")]
)
def test_a_missing_package_names_its_extra(extra: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an extra whose package is not installed THEN the message names what needs it, and how to install it."""
    require_extra(extra, "this command")
    monkeypatch.setitem(sys.modules, module, None)
    assert not has_extra(extra)
    with pytest.raises(SettingsError) as caught:
        require_extra(extra, "this command")
    how = f"needs the extra {extra}: pip install '.[{extra}]' in a clone of the repository"
    assert caught.value.problems == [("this command", how)]


def test_every_extra_that_is_named_can_be_installed() -> None:
    """GIVEN the extras that the code names THEN all of them are in pyproject.toml."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (table,) = re.findall(r"^\[project\.optional-dependencies\]\n(.*?)^\[", project, flags=re.MULTILINE | re.DOTALL)
    installable = set(re.findall(r"^([a-z0-9]+) = \[", table, flags=re.MULTILINE))
    assert {*extras.MODULES} <= installable


@pytest.mark.parametrize(("url", "module"), [("s3://records/ice", "boto3"), ("ots://records", "tablestore")])
def test_a_store_without_its_sdk_is_a_problem_of_the_settings(
    url: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIVEN a sink whose SDK is not installed WHEN it is opened, also in the function THEN its URL is named."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SettingsError, match=rf"{url}: needs the extra "):
        open_sink(url, SinkContext(region="cn-shanghai"))
