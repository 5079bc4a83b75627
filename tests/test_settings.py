"""Settings: everything wrong is said at once, by the name of the variable."""

from __future__ import annotations

from pathlib import Path

import pytest

from ice_result.errors import SettingsError
from ice_result.settings import DEFAULTS, VARIABLES, Settings, trigger_options

GOOD = {"ICE_RESULT_SINKS": "oss://records/ice", "ICE_RESULT_REGION": "cn-shanghai"}


def _problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(GOOD | variables)
    return [name for name, _ in caught.value.problems]


def test_only_the_sinks_and_the_region_must_be_set() -> None:
    """Everything else has the default that the README names."""
    settings = Settings.from_environment(GOOD)
    assert settings.jobs == "ice"
    assert settings.triggers.event_types == ("AIProduceComplete",)
    assert settings.triggers.job_id_paths == ("/MessageBody/JobId", "/JobId")
    assert settings.verify_outputs
    assert settings.concurrency == 8
    assert settings.oss_addressing == "virtual"


def test_every_problem_is_listed_at_once() -> None:
    """A user mends the configuration in one go."""
    names = _problems(
        ICE_RESULT_SINKS="ftp://x",
        ICE_RESULT_REGION="Shanghai",
        ICE_RESULT_JOBS="folder",
        ICE_RESULT_ICE_ENDPOINT="http://host/path",
        ICE_RESULT_CONCURRENCY="many",
        ICE_RESULT_VERIFY_OUTPUTS="maybe",
        ICE_RESULT_JOB_ID_PATHS="JobId",
        ICE_RESULT_OSS_ADDRESSING="both",
        ICE_RESULT_OSS_ENCRYPTION="ROT13",
        ICE_RESULT_S3_ADDRESSING="neither",
        ICE_RESULT_PARK_URL="nowhere",
        ICE_RESULT_PARKED_TRIES="0",
        ICE_RESULT_CALLBACK_URL="example.com",
        ICE_RESULT_LOG_LEVEL="LOUD",
    )
    assert set(names) == set(VARIABLES) - {
        "ICE_RESULT_OSS_ENDPOINT",
        "ICE_RESULT_OTS_ENDPOINT",
        "ICE_RESULT_MNS_ENDPOINT",
        "ICE_RESULT_S3_ENDPOINT",
        "ICE_RESULT_EVENT_TYPES",
        "ICE_RESULT_CALLBACK_KEYS",
    }
    assert len(names) == len(set(names))


def test_nothing_set_names_what_must_be() -> None:
    """An empty environment is explained, not guessed around."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({})
    assert [name for name, _ in caught.value.problems] == ["ICE_RESULT_SINKS", "ICE_RESULT_REGION"]


def test_a_misspelt_variable_is_a_problem_with_a_suggestion() -> None:
    """A typo would otherwise be a setting that silently does nothing."""
    with pytest.raises(SettingsError, match="ICE_RESULT_SINK: no such variable; did you mean ICE_RESULT_SINKS"):
        Settings.from_environment({**GOOD, "ICE_RESULT_SINK": "x"})


def test_the_region_of_the_function_is_the_default() -> None:
    """Function Compute sets FC_REGION."""
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "oss://records", "FC_REGION": "cn-beijing"})
    assert settings.region == "cn-beijing"


def test_saved_jobs_into_a_folder_need_no_region(tmp_path: Path) -> None:
    """Nothing is called, so nothing needs to know where."""
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "file:./out", "ICE_RESULT_JOBS": f"file:{tmp_path}"})
    assert settings.region is None


def test_a_folder_of_jobs_must_exist(tmp_path: Path) -> None:
    """A typo in the path is said before any work begins."""
    assert _problems(ICE_RESULT_JOBS=f"file:{tmp_path}/none") == ["ICE_RESULT_JOBS"]


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"ICE_RESULT_CALLBACK_URL": "https://x.example"}, "ICE_RESULT_CALLBACK_KEYS"),
        ({"ICE_RESULT_CALLBACK_KEYS": "k1"}, "ICE_RESULT_CALLBACK_URL"),
        (
            {"ICE_RESULT_CALLBACK_URL": "https://x.example", "ICE_RESULT_CALLBACK_KEYS": "a,b,c"},
            "ICE_RESULT_CALLBACK_KEYS",
        ),
        ({"ICE_RESULT_CONCURRENCY": "0"}, "ICE_RESULT_CONCURRENCY"),
        ({"ICE_RESULT_CONCURRENCY": "257"}, "ICE_RESULT_CONCURRENCY"),
    ],
)
def test_variables_that_belong_together(variables: dict[str, str], name: str) -> None:
    """Signatures need URL and keys; numbers have bounds."""
    assert _problems(**variables) == [name]


def test_lists_and_words_are_read_with_room_for_spaces() -> None:
    """Commas separate, white space does not matter, switches have more than one word."""
    settings = Settings.from_environment(
        GOOD
        | {
            "ICE_RESULT_SINKS": " file:./a , oss://records/x ,",
            "ICE_RESULT_VERIFY_OUTPUTS": "Off",
            "ICE_RESULT_OSS_ADDRESSING": "path",
            "ICE_RESULT_OSS_ENDPOINT": "http://127.0.0.1:9000/",
            "ICE_RESULT_LOG_LEVEL": "debug",
        }
    )
    assert settings.sinks == ("file:./a", "oss://records/x")
    assert not settings.verify_outputs
    assert settings.oss_addressing == "path"
    assert settings.oss_endpoint == "http://127.0.0.1:9000"
    assert settings.log_level == "DEBUG"


def test_the_first_stage_needs_only_its_own_variables() -> None:
    """`parse` works without sinks, and still refuses a broken pointer."""
    assert trigger_options({"ICE_RESULT_EVENT_TYPES": "A,B"}).event_types == ("A", "B")
    with pytest.raises(SettingsError, match="ICE_RESULT_JOB_ID_PATHS"):
        trigger_options({"ICE_RESULT_JOB_ID_PATHS": "x"})


def test_the_defaults_in_words_are_the_defaults_in_fact() -> None:
    """Setting every variable to the default the README names changes nothing."""
    words = {name: text.strip("`") for name, text in DEFAULTS.items() if text.startswith("`") and text != "`FC_REGION`"}
    assert Settings.from_environment(GOOD | words) == Settings.from_environment(GOOD)


def test_events_that_cannot_be_finished_need_a_place() -> None:
    """GIVEN sinks that are tables only THEN something must say where to park, and the sinks that could are named."""
    tables = {"ICE_RESULT_SINKS": "sqlite:./jobs.db", "ICE_RESULT_REGION": "cn-shanghai"}
    with pytest.raises(
        SettingsError, match=r"ICE_RESULT_PARK_URL: not set, and none of the sinks .*: file:, oss:, s3: do"
    ):
        Settings.from_environment(tables)

    assert Settings.from_environment({**tables, "ICE_RESULT_PARK_URL": "file:./parked"}).park_url == "file:./parked"
    assert Settings.from_environment({**tables, "ICE_RESULT_SINKS": "sqlite:./jobs.db,file:./out"}).park_url is None


def test_looking_jobs_up_needs_the_sinks_alone() -> None:
    """What concerns processing may be missing or wrong; what concerns the sinks may not."""
    settings = Settings.for_looking_up({"ICE_RESULT_SINKS": "file:./out", "ICE_RESULT_JOBS": "nonsense"})
    assert settings.sinks == ("file:./out",)

    with pytest.raises(SettingsError) as caught:
        Settings.for_looking_up({"ICE_RESULT_SINKS": "oss://records", "ICE_RESULT_S3_ENDPOINT": "http://host/path"})
    assert [name for name, _ in caught.value.problems] == ["ICE_RESULT_S3_ENDPOINT", "ICE_RESULT_REGION"]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ICE_RESULT_REGION", "oss-cn-shanghai", "did you mean cn-shanghai?"),
        ("ICE_RESULT_OSS_ENDPOINT", "https://my-records.oss-cn-shanghai.aliyuncs.com", "holds the bucket 'my-records'"),
        ("ICE_RESULT_S3_ENDPOINT", "https://my-records.s3.us-east-1.amazonaws.com", "holds the bucket 'my-records'"),
        ("ICE_RESULT_OTS_ENDPOINT", "https://other.cn-shanghai.ots.aliyuncs.com", "is that of the instance other, not"),
    ],
)
def test_what_every_call_would_fail_with_is_refused_before_the_first(variable: str, value: str, problem: str) -> None:
    """A region that is none, and endpoints of one bucket or of another instance, are told with the variable's name."""
    sinks = {"ICE_RESULT_SINKS": "oss://records,ots://my-instance"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**GOOD, **sinks, variable: value})
    ((name, explanation),) = caught.value.problems
    assert name == variable
    assert problem in explanation
