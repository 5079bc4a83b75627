from __future__ import annotations

import inspect
import re

import pytest

from ice_result import errors
from ice_result.errors import (
    ForbiddenError,
    IceResultError,
    ServiceError,
    SettingsError,
    ThrottledError,
    UnavailableError,
    shorten,
)

CLASSES = [item for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, IceResultError)]
ABSTRACT = {"IceResultError", "ServiceError"}


def test_every_class_is_drawn_in_the_tree_with_its_transience() -> None:
    """The tree in the docstring names every class, once, and says of each whether it is transient."""
    drawn = dict(re.findall(r"^ *[│├└─ ]*(\w+Error)\b(.*)$", str(errors.__doc__), re.MULTILINE))
    assert set(drawn) == {item.__name__ for item in CLASSES}
    for item in CLASSES:
        assert ("(transient)" in drawn[item.__name__]) == item.transient, item


def test_every_concrete_class_has_a_reason_of_its_own() -> None:
    """A reason names a folder of parked events and a metric: no two concrete classes share one, but kinds of one."""
    concrete = [item for item in CLASSES if item.__name__ not in ABSTRACT]
    reasons = [item.reason for item in concrete if item.__base__ not in concrete]
    assert len(reasons) == len(set(reasons))
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in reasons)


def test_a_service_error_tells_what_was_tried_and_what_came_back() -> None:
    """The message holds the service, the attempt, status, code, detail and request id, in that order."""
    error = ForbiddenError(
        "query job-1", service="ICE", code="NoPermission", status=403, detail="not\nallowed", request_id="R-1"
    )
    assert str(error) == "ICE: query job-1: 403 NoPermission: not allowed: request id R-1"
    assert (error.service, error.code, error.status, error.request_id) == ("ICE", "NoPermission", 403, "R-1")


def test_a_service_error_leaves_out_what_is_not_known() -> None:
    """Without an answer the message is the service and the attempt alone."""
    error = UnavailableError("query job-1", service="ICE")
    assert str(error) == "ICE: query job-1"
    assert error.retry_after_seconds is None


def test_a_service_error_redacts_what_came_from_outside() -> None:
    """What was tried, the code, detail and request id: none can carry a signature into a message."""
    signed = "http://b.oss-cn-shanghai.aliyuncs.com/k?Expires=1&Signature=s3cr3t"
    error = ThrottledError(f"get {signed}", service="OSS", code=signed, detail=signed, request_id=signed)
    assert "s3cr3t" not in str(error)
    assert str(error).startswith(
        "OSS: get http://b.oss-cn-shanghai.aliyuncs.com/k?Expires=[redacted]&Signature=[redacted]: "
    )


def test_settings_errors_list_every_problem() -> None:
    """One message names all variables that are wrong, so that one look repairs them all."""
    error = SettingsError([("A", "missing"), ("B", "not a number")])
    assert str(error) == "A: missing; B: not a number"
    assert error.problems == [("A", "missing"), ("B", "not a number")]


@pytest.mark.parametrize("length", [299, 300, 301, 5000])
def test_shorten_keeps_300_characters_on_one_line(length: int) -> None:
    """What is longer ends in an ellipsis, which counts."""
    short = shorten("x" * (length - 2) + "\n\ty")
    assert len(short) <= 300
    assert "\n" not in short
    assert short.endswith("…") == (length > 300)


def test_service_errors_are_all_caught_as_one() -> None:
    """A caller that only wants to know `a service failed` catches ServiceError."""
    kinds = {item.__name__ for item in CLASSES if issubclass(item, ServiceError)} - ABSTRACT
    assert kinds == {
        *("ThrottledError", "UnavailableError", "TimedOutError"),
        *("KeysExpiredError", "ClockSkewError", "ForbiddenError"),
        *("KeysRefusedError", "NotFoundError", "NoSuchBucketError", "NoSuchTableError", "RejectedError"),
    }
