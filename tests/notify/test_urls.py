"""URLs of targets: their parts, their filters, and one clear line for each mistake."""

from __future__ import annotations

import pytest

from ice_result.notify.registry import TARGETS
from ice_result.notify.urls import CHECKS, Filters, notify_url


def test_every_kind_of_target_has_a_check_and_an_opener() -> None:
    """A scheme that can be written in a setting can be opened, and no other."""
    assert set(CHECKS) == set(TARGETS)


@pytest.mark.parametrize(
    ("text", "name", "scheme", "authority"),
    [
        ("mns://ice-jobs", "mns://ice-jobs", "mns", "ice-jobs"),
        ("mns-topic://T1", "mns-topic://T1", "mns-topic", "T1"),
        ("eventbridge://media", "eventbridge://media", "eventbridge", "media"),
        ("https://Example.COM/hook/1", "https://example.com/hook/1", "https", "example.com"),
        ("https://example.com:8443/a?on=dead", "https://example.com:8443/a", "https", "example.com:8443"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:9000/x", "http", "127.0.0.1:9000"),
        ("http://[::1]:9000/x", "http://[::1]:9000/x", "http", "[::1]:9000"),
        ("HTTP://localhost/x", "http://localhost/x", "http", "localhost"),
        ("https://example.com:443/a", "https://example.com/a", "https", "example.com"),
        ("https://example.com.:0443/a", "https://example.com/a", "https", "example.com"),
        ("https://example.com:80/a", "https://example.com:80/a", "https", "example.com:80"),
        ("https://example.com?on=dead", "https://example.com/", "https", "example.com"),
        ("https://example.com./", "https://example.com/", "https", "example.com"),
        ("http://[::1]:80", "http://[::1]/", "http", "[::1]"),
        ("mns://ice-jobs/", "mns://ice-jobs", "mns", "ice-jobs"),
    ],
)
def test_a_url_is_split(text: str, name: str, scheme: str, authority: str) -> None:
    """The name is the URL without its query; a webhook has one name, however its URL is spelled."""
    url = notify_url(text)
    assert (url.name, url.scheme, url.authority) == (name, scheme, authority)
    assert str(url) == text


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("https://Example.com./x", "example.com"),
        ("https://example.com:8443/x", "example.com"),
        ("http://[::1]:1/x", "::1"),
        ("mns://queue", "queue"),
    ],
)
def test_the_host_is_what_a_secret_is_looked_up_by(text: str, host: str) -> None:
    """Neither a port nor a final dot nor upper case makes another host of it."""
    assert notify_url(text).host == host


def test_without_a_query_recorded_jobs_are_told() -> None:
    """The default is every recorded job, and no parked event."""
    assert notify_url("mns://q").filters == Filters((), (), None, ("recorded",))


def test_filters_of_one_name_are_alternatives_and_filters_of_several_names_hold_together() -> None:
    """GIVEN two outcomes, a function and complete=false THEN only a job with one of each is admitted."""
    filters = notify_url(
        "mns://q?outcome=job_failed&outcome=false_success&function=Cover&complete=false&on=recorded&on=dead"
    ).filters
    assert filters == Filters(("job_failed", "false_success"), ("Cover",), False, ("recorded", "dead"))
    assert filters.admits_recorded("job_failed", "Cover", complete=False)
    assert filters.admits_recorded("false_success", "Cover", complete=False)
    assert not filters.admits_recorded("ok", "Cover", complete=False)
    assert not filters.admits_recorded("job_failed", "VideoClip", complete=False)
    assert not filters.admits_recorded("job_failed", "Cover", complete=True)
    assert not notify_url("mns://q?on=dead").filters.admits_recorded("ok", "Cover", complete=True)


def test_a_function_that_is_not_known_yet_may_be_named() -> None:
    """ICE may add functions; their jobs are recorded too. Percent-encoding is undone."""
    assert notify_url("mns://q?function=Video%20Sing&function=Neu").filters.functions == ("Video Sing", "Neu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("queue", "'queue' is not a URL such as mns://queue or https://host/path"),
        ("mns:queue", "'mns:queue' is not a URL such as mns://queue or https://host/path"),
        (
            "sns://q",
            "sns: is not a known kind of target; expected one of eventbridge:, http:, https:, mns:, mns-topic:",
        ),
        ("mns://", "mns://: has no queue; write mns://NAME"),
        ("mns://-q", "mns://-q: '-q' is not a queue's name: 1 to 120 letters, digits and hyphens, a letter or digit"),
        (f"mns://{'q' * 121}", "is not a queue's name: 1 to 120"),
        (f"mns-topic://{'q' * 256}", "is not a topic's name: 1 to 255"),
        ("mns-topic://a_b", "'a_b' is not a topic's name"),
        (f"eventbridge://{'b' * 128}", "is not a bus's name: 1 to 127"),
        ("eventbridge://default", "the bus `default` takes only events of Alibaba Cloud; name a custom bus"),
        ("eventbridge://eventbridge-reserved-x", "EventBridge reserves names that begin with eventbridge-reserved-"),
        ("mns://q/more", "mns://q/more: expected only the name of a queue, found a path"),
        ("https:///x", "https:///x: the host is invalid; write https://host/path"),
        ("https://a b/x", "must not contain characters that must be written as %xx"),
        ("https://例.cn/x", "must not contain characters that must be written as %xx"),
        ("https://h:99999/x", "99999 is not a port: 1 to 65535"),
        ("https://h:0/x", "0 is not a port: 1 to 65535"),
        ("https://h:x/x", "the host is invalid"),
        ("https://user:pass@host/x", "the URL of a target must not contain a user name or a password"),
        ("https://host/x#part", "must not contain a fragment (#)"),
        ("http://example.com/x", "http:// is only for 127.0.0.1, [::1] and localhost; use https://"),
        (f"https://host/{'x' * 2048}", "a URL must not be longer than 2048 characters"),
        (
            "mns://q?outcomes=ok",
            "mns://q: no filter is called 'outcomes'; the filters are outcome, function, complete, on",
        ),
        (
            "mns://q?outcome=failed",
            "outcome='failed' is not one of ok, job_failed, outputs_missing, false_success, undecodable",
        ),
        ("mns://q?outcome", "outcome='' is not one of ok"),
        ("mns://q?complete=no", "complete='no' is not one of true, false"),
        (
            "mns://q?complete=true&complete=false",
            "complete=true and complete=false together have no effect; remove both",
        ),
        ("mns://q?on=failed", "on='failed' is not one of recorded, parked, dead"),
        ("mns://q?function=", "function= is empty"),
        ("mns://q?function=cover", "function='cover' is not a function of ICE; did you mean Cover?"),
        ("mns://q?on=dead&outcome=ok", "outcome= filters recorded jobs, but the target has only on=dead"),
    ],
)
def test_each_mistake_is_one_clear_line(text: str, message: str) -> None:
    """The line names what is wrong and what is expected, and no password."""
    with pytest.raises(ValueError, match=r".") as raised:
        notify_url(text)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "pass@" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:hidden@hooks.example.com/hidden?x=hidden", "https://hooks.example.com: "),
        ("https://hidden@hidden@example.com/", "https://example.com: "),
        ("mns://queue#hidden", "mns://queue: "),
        ("https://example.com/hidden?on=dead#hidden", "https://example.com: "),
        ("https://example.com/片头-hidden", "https://example.com: "),
        ("https://éxample.com/hidden", "https://�xample.com: "),
        ("user:hidden@example.com/hidden", "example.com: "),
    ],
)
def test_a_refused_url_is_named_by_its_scheme_and_host(text: str, shown: str) -> None:
    """GIVEN one bad URL among several THEN the line says which, without what may be secret in it."""
    with pytest.raises(ValueError, match=r".") as raised:
        notify_url(text)
    assert str(raised.value).startswith(f"{shown}the URL of a target must not contain ")
    assert "hidden" not in str(raised.value)
