"""Settings: everything wrong is said at once, by the name of the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest

from ice_result.app import sink_context
from ice_result.core.credentials import Credentials
from ice_result.core.endpoints import parse_endpoint
from ice_result.errors import SettingsError
from ice_result.setting_values import up_to
from ice_result.settings import PARKING, QUEUE, STORES, STORES_AND_OUTPUTS, TRIGGERS, Section, Settings, Variable
from ice_result.sinks.object.oss import OssClient
from ice_result.triggers import TriggerOptions
from support.settings_table import BEGIN, Table, rows

GOOD = {"ICE_RESULT_SINKS": "oss://records/ice", "ICE_RESULT_REGION": "cn-shanghai"}


def _problems(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(GOOD | variables)
    return [name for name, _ in caught.value.problems]


def test_only_the_sinks_and_the_region_must_be_set() -> None:
    """Everything else has the default that the page names."""
    settings = Settings.from_environment(GOOD)
    assert settings.jobs == "ice"
    assert settings.triggers.event_types == ("AIProduceComplete",)
    assert settings.triggers.job_id_paths == ("/MessageBody/JobId", "/JobId")
    assert settings.verify_outputs
    assert settings.concurrency == 8
    assert settings.oss_addressing == "virtual"


def test_every_problem_is_listed_at_once() -> None:
    """A user can correct the configuration in one go."""
    names = _problems(
        ICE_RESULT_SINKS="ftp://x",
        ICE_RESULT_REGION="Shanghai",
        ICE_RESULT_JOBS="folder",
        ICE_RESULT_ICE_ENDPOINT="http://host/path",
        ICE_RESULT_CONCURRENCY="many",
        ICE_RESULT_VERIFY_OUTPUTS="maybe",
        ICE_RESULT_CONTENTS="some",
        ICE_RESULT_PROBE="perhaps",
        ICE_RESULT_RULES_ON="none_such",
        ICE_RESULT_RULES_OFF="none_such",
        ICE_RESULT_JOB_ID_PATHS="JobId",
        ICE_RESULT_OSS_ADDRESSING="both",
        ICE_RESULT_OSS_ENCRYPTION="ROT13",
        ICE_RESULT_S3_ADDRESSING="neither",
        ICE_RESULT_PARK_URL="nowhere",
        ICE_RESULT_PARKED_TRIES="0",
        ICE_RESULT_CALLBACK_URL="example.com",
        ICE_RESULT_NOTIFY="queue",
        ICE_RESULT_NOTIFY_SECRETS="whsec_",
        ICE_RESULT_LOG_LEVEL="LOUD",
    )
    assert set(names) == set(Settings.variables()) - {
        "ICE_RESULT_OSS_ENDPOINT",
        "ICE_RESULT_OTS_ENDPOINT",
        "ICE_RESULT_MNS_ENDPOINT",
        "ICE_RESULT_MNS_CONTROL_ENDPOINT",
        "ICE_RESULT_EVENTBRIDGE_ENDPOINT",
        "ICE_RESULT_STS_ENDPOINT",
        "ICE_RESULT_RAM_ENDPOINT",
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


INTERNAL = "https://oss-cn-beijing-internal.aliyuncs.com"


@pytest.mark.parametrize(
    ("given", "endpoint"),
    [
        ({}, INTERNAL),
        ({"FC_REGION": "cn-beijing"}, INTERNAL),
        ({"ICE_RESULT_REGION": "cn-shanghai"}, None),
        ({"DEPLOY_REGION": "cn-shanghai"}, None),
        ({"ICE_RESULT_OSS_ENDPOINT": "oss-cn-beijing.aliyuncs.com"}, "https://oss-cn-beijing.aliyuncs.com"),
        ({"ICE_RESULT_OSS_ENDPOINT": "http://127.0.0.1:9000"}, "http://127.0.0.1:9000"),
    ],
    ids=["same", "same-named", "other", "other-deployed", "public", "loopback"],
)
def test_a_function_reaches_oss_of_its_region_inside(given: dict[str, str], endpoint: str | None) -> None:
    """GIVEN a function in cn-beijing THEN jobs of cn-beijing get the internal endpoint, unless another one is set."""
    environment = {"FC_REGION": "cn-beijing", **given, "ICE_RESULT_SINKS": "oss://records"}
    settings = Settings.from_environment(environment)
    of_function = settings.of_function_in("cn-beijing")
    assert of_function.oss_endpoint == (endpoint and parse_endpoint(endpoint))
    assert of_function.model_copy(update={"oss_endpoint": settings.oss_endpoint}) == settings


def test_a_command_with_the_region_of_a_function_uses_the_public_endpoint() -> None:
    """GIVEN FC_REGION in the environment of a command THEN no endpoint is set: it may run anywhere."""
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "oss://records", "FC_REGION": "cn-beijing"})
    context = sink_context(settings, Credentials())
    assert str(OssClient(context).endpoint()) == "https://oss-cn-beijing.aliyuncs.com"


def test_the_region_of_the_deployment_is_the_default_of_each_command() -> None:
    """GIVEN the variables of a deployment THEN its region is that of the settings, unless they have one."""
    given = {"ICE_RESULT_SINKS": "oss://records", "DEPLOY_REGION": "cn-beijing"}
    assert Settings.from_environment(given).region == "cn-beijing"
    assert Settings.from_environment({**given, "ICE_RESULT_REGION": "cn-shanghai"}).region == "cn-shanghai"
    with pytest.raises(SettingsError, match="DEPLOY_REGION: 'Beijing' is not a region id"):
        Settings.from_environment({**given, "DEPLOY_REGION": "Beijing"})


def test_a_region_of_the_function_that_is_none_is_refused_by_its_name() -> None:
    """GIVEN an FC_REGION that no service knows THEN it is a problem, unless ICE_RESULT_REGION stands in its place."""
    given = {"ICE_RESULT_SINKS": "oss://records", "FC_REGION": "Shanghai"}
    with pytest.raises(SettingsError, match="FC_REGION: 'Shanghai' is not a region id"):
        Settings.from_environment(given)
    assert Settings.from_environment({**given, "ICE_RESULT_REGION": "cn-beijing"}).region == "cn-beijing"


def test_bytes_of_no_character_are_explained_too() -> None:
    """GIVEN a variable that is not UTF-8, as Python shows it THEN it is a problem like any other."""
    with pytest.raises(SettingsError, match=r"ICE_RESULT_SINKS: .* is not a bucket's name"):
        Settings.from_environment({"ICE_RESULT_SINKS": "oss://records\udcff", "ICE_RESULT_REGION": "cn-shanghai"})


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
    assert [*map(str, settings.sinks)] == ["file:./a", "oss://records/x"]
    assert not settings.verify_outputs
    assert settings.oss_addressing == "path"
    assert str(settings.oss_endpoint) == "http://127.0.0.1:9000"
    assert settings.log_level == "DEBUG"


def test_the_first_stage_needs_only_its_own_variables() -> None:
    """`parse` works without sinks, and still refuses a broken pointer."""
    settings = Settings.from_environment({"ICE_RESULT_EVENT_TYPES": "A,B", "ICE_RESULT_SINKS": "ftp://x"}, TRIGGERS)
    assert settings.triggers.event_types == ("A", "B")
    with pytest.raises(SettingsError, match="ICE_RESULT_JOB_ID_PATHS"):
        Settings.from_environment({"ICE_RESULT_JOB_ID_PATHS": "x"}, TRIGGERS)


def test_the_defaults_in_words_are_the_defaults_in_fact() -> None:
    """Setting every variable to the default that the page names changes nothing."""
    words = {row.name: row.default for row in rows() if row.default not in {"", "DEPLOY_REGION"}}
    assert Settings.from_environment(GOOD | words) == Settings.from_environment(GOOD)


def test_events_that_cannot_be_finished_need_a_place() -> None:
    """GIVEN only Tablestore THEN something must say where to park: the sinks that could are named, and a way out."""
    tables = {"ICE_RESULT_SINKS": "ots://instance", "ICE_RESULT_REGION": "cn-shanghai"}
    with pytest.raises(
        SettingsError,
        match="SINKS: no sink keeps events that cannot be finished: add one of file:, oss:, s3: or sqlite:, or set",
    ):
        Settings.from_environment(tables)

    assert (
        str(Settings.from_environment({**tables, "ICE_RESULT_PARK_URL": "file:./parked"}).park_url) == "file:./parked"
    )
    assert Settings.from_environment({**tables, "ICE_RESULT_SINKS": "ots://instance,file:./out"}).park_url is None
    alone = Settings.from_environment({**tables, "ICE_RESULT_SINKS": "sqlite:./jobs.db"})
    assert [*map(str, alone.parking_urls)] == ["sqlite:./jobs.db"]


def test_looking_jobs_up_needs_the_sinks_alone() -> None:
    """What concerns processing may be missing or wrong; what concerns the sinks may not."""
    settings = Settings.from_environment({"ICE_RESULT_SINKS": "file:./out", "ICE_RESULT_JOBS": "nonsense"}, STORES)
    assert [*map(str, settings.sinks)] == ["file:./out"]

    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(
            {"ICE_RESULT_SINKS": "oss://records", "ICE_RESULT_S3_ENDPOINT": "http://host/path"}, STORES
        )
    assert [name for name, _ in caught.value.problems] == ["ICE_RESULT_S3_ENDPOINT", "ICE_RESULT_REGION"]


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("ICE_RESULT_REGION", "oss-cn-shanghai", "did you mean cn-shanghai?"),
        (
            "ICE_RESULT_OSS_ENDPOINT",
            "https://my-records.oss-cn-shanghai.aliyuncs.com",
            "contains the bucket 'my-records'",
        ),
        ("ICE_RESULT_S3_ENDPOINT", "https://my-records.s3.us-east-1.amazonaws.com", "contains the bucket 'my-records'"),
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


@pytest.mark.parametrize("service", ["ICE", "OSS", "OTS", "MNS", "S3"])
@pytest.mark.parametrize("text", ["ftp://host", "https://host/path", "user:password@host", "a host"])
def test_an_endpoint_of_another_form_is_refused(service: str, text: str) -> None:
    """GIVEN a path, credentials or another scheme THEN the variable is named, and its value is not repeated."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**GOOD, f"ICE_RESULT_{service}_ENDPOINT": text})
    ((name, problem),) = caught.value.problems
    assert name == f"ICE_RESULT_{service}_ENDPOINT"
    assert problem == "not an endpoint: a host, host:port, or http(s)://host:port without a path"


@pytest.mark.parametrize(
    ("section", "environment", "problems"),
    [
        (STORES, {}, ["ICE_RESULT_SINKS"]),
        (STORES, {"ICE_RESULT_SINKS": "file:x", "ICE_RESULT_VERIFY_OUTPUTS": "maybe"}, []),
        (STORES_AND_OUTPUTS, {"ICE_RESULT_SINKS": "file:x", "ICE_RESULT_VERIFY_OUTPUTS": "maybe"}, ["VERIFY_OUTPUTS"]),
        (STORES, {"ICE_RESULT_SINKS": "file:x", "ICE_RESULT_PARK_URL": "ftp:"}, []),
        (PARKING, {"ICE_RESULT_PARK_URL": "file:x"}, []),
        (PARKING, {"ICE_RESULT_PARK_URL": "ots://instance"}, ["PARK_URL", "SINKS"]),
        (PARKING, {"ICE_RESULT_SINKS": "sqlite:x"}, []),
        (PARKING, {"ICE_RESULT_SINKS": "ots://instance", "ICE_RESULT_REGION": "cn-shanghai"}, ["SINKS"]),
        (QUEUE, {"ICE_RESULT_SINKS": "ftp://x", "ICE_RESULT_CONCURRENCY": "4"}, []),
        (QUEUE, {"ICE_RESULT_MNS_ENDPOINT": "a b", "ICE_RESULT_CONCURRENCY": "0"}, ["CONCURRENCY", "MNS_ENDPOINT"]),
        (TRIGGERS, {"ICE_RESULT_SINKS": "ftp://x", "ICE_RESULT_CONCURRENCY": "0"}, []),
        (TRIGGERS, {"ICE_RESULT_CALLBACK_KEYS": "k"}, ["CALLBACK_URL"]),
    ],
)
def test_a_section_needs_its_own_variables_alone(
    section: Section, environment: dict[str, str], problems: list[str]
) -> None:
    """GIVEN a wrong variable THEN the commands that read it are refused, and no others."""
    found = []
    try:
        Settings.from_environment(environment, section)
    except SettingsError as error:
        found = sorted(name.removeprefix("ICE_RESULT_") for name, _ in error.problems)
    assert found == [name.removeprefix("ICE_RESULT_") for name in problems]


def test_each_section_names_fields() -> None:
    """A section whose name fits no field would read nothing."""
    for section in (TRIGGERS, STORES, STORES_AND_OUTPUTS, PARKING, QUEUE):
        for start in section.names:
            assert any(field.startswith(start) for field in Settings.model_fields), start


def test_the_first_stage_has_the_same_defaults_alone() -> None:
    """GIVEN no variable of the first stage THEN its options are those that the library has without settings."""
    assert Settings.from_environment(GOOD).triggers == TriggerOptions()


def test_keys_are_not_shown() -> None:
    """Neither a traceback nor a log of the settings holds the keys of callbacks."""
    given = {"ICE_RESULT_CALLBACK_URL": "https://x.example", "ICE_RESULT_CALLBACK_KEYS": "hunter2"}
    assert "hunter2" not in repr(Settings.from_environment(GOOD | given))
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**GOOD, **given, "ICE_RESULT_CALLBACK_URL": "hunter2"})
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "hunter2" not in str(caught.value)


class MoreSettings(Settings):
    """The settings, and one variable more: one line."""

    retries: Annotated[int, Variable(up_to(9), "how often a call is made again, 1 to 9")] = 3


def test_a_new_variable_is_one_line() -> None:
    """GIVEN one more field THEN it is read, has a default, is refused when wrong, suggested, and documented."""
    assert MoreSettings.from_environment(GOOD).retries == 3
    assert MoreSettings.from_environment({**GOOD, "ICE_RESULT_RETRIES": " 5 "}).retries == 5
    with pytest.raises(SettingsError, match="ICE_RESULT_RETRIES: '10' is not a whole number from 1 to 9"):
        MoreSettings.from_environment({**GOOD, "ICE_RESULT_RETRIES": "10"})
    with pytest.raises(SettingsError, match=r"ICE_RESULT_RETRYS: no such variable; did you mean ICE_RESULT_RETRIES\?"):
        MoreSettings.from_environment({**GOOD, "ICE_RESULT_RETRYS": "5"})
    line = "| `ICE_RESULT_RETRIES` | how often a call is made again, 1 to 9 | `3` |"
    assert line in Table.in_english(MoreSettings).written(BEGIN, MoreSettings)
    with pytest.raises(SettingsError, match="ICE_RESULT_RETRIES: no such variable"):
        Settings.from_environment({**GOOD, "ICE_RESULT_RETRIES": "5"})


def test_every_variable_of_a_field_is_reported_when_it_is_wrong() -> None:
    """GIVEN a wrong region in both variables of the region THEN each is reported, and nothing else is raised."""
    wrong = {"ICE_RESULT_SINKS": "file:./out", "ICE_RESULT_REGION": "Shanghai", "DEPLOY_REGION": "Beijing"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(wrong)
    assert [name for name, _ in caught.value.problems] == ["ICE_RESULT_REGION", "DEPLOY_REGION"]


WEBHOOK = "https://Example.com/hook"
SECRET = "whsec_" + "A" * 32


def test_targets_are_separated_by_blanks_and_secrets_by_commas() -> None:
    """GIVEN two targets and two secrets of one host THEN all of them are read, and no secret is shown."""
    settings = Settings.from_environment(
        {
            **GOOD,
            "ICE_RESULT_NOTIFY": f" mns://jobs?outcome=job_failed \n {WEBHOOK} ",
            "ICE_RESULT_MNS_ENDPOINT": "1.mns.cn-shanghai.aliyuncs.com",
            "ICE_RESULT_NOTIFY_SECRETS": f"example.com={SECRET}, EXAMPLE.com={SECRET}",
        }
    )
    assert [url.name for url in settings.notify] == ["mns://jobs", "https://example.com/hook"]
    assert [secret.host for secret in settings.notify_secrets] == ["example.com", "example.com"]
    assert SECRET not in repr(settings)
    assert "notify_secrets" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "name", "message"),
    [
        (
            {"ICE_RESULT_NOTIFY": WEBHOOK},
            "ICE_RESULT_NOTIFY_SECRETS",
            "no secret for example.com, which https://example.com/hook needs: expected example.com=whsec_<base64>",
        ),
        (
            {"ICE_RESULT_NOTIFY": WEBHOOK, "ICE_RESULT_NOTIFY_SECRETS": ",".join([f"example.com={SECRET}"] * 3)},
            "ICE_RESULT_NOTIFY_SECRETS",
            "more than 2 secrets of example.com",
        ),
        (
            {"ICE_RESULT_NOTIFY": "mns://q"},
            "ICE_RESULT_MNS_ENDPOINT",
            "not set: mns://q needs it, as <account id>.mns.<region>.aliyuncs.com",
        ),
        (
            {"ICE_RESULT_NOTIFY": "eventbridge://b?on=dead eventbridge://b"},
            "ICE_RESULT_NOTIFY",
            "eventbridge://b is named twice: write its filters into one URL",
        ),
        (
            {
                "ICE_RESULT_NOTIFY": "https://example.com https://example.com:443/?on=dead",
                "ICE_RESULT_NOTIFY_SECRETS": f"example.com={SECRET}",
            },
            "ICE_RESULT_NOTIFY",
            "https://example.com/ is named twice: write its filters into one URL",
        ),
    ],
)
def test_targets_that_cannot_be_told_are_problems(variables: dict[str, str], name: str, message: str) -> None:
    """What a target needs is asked for before the first event."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**GOOD, **variables})
    assert [problem for problem, _ in caught.value.problems] == [name]
    assert message in caught.value.problems[0][1]


def test_a_webhook_on_this_machine_needs_no_secret() -> None:
    """A test receiver on loopback is told without one."""
    settings = Settings.from_environment({**GOOD, "ICE_RESULT_NOTIFY": "http://127.0.0.1:9/x"})
    assert settings.notify[0].host == "127.0.0.1"
