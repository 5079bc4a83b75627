"""The dashboard and the alarms of examples/sls, made from the table and the queries of docs/operations.md."""

# ruff: noqa: S608  the statements are made of our own page, for SLS
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias, get_args

from ice_result.core.types import JsonObject, JsonValue
from support.paths import ROOT

FOLDER = ROOT / "examples" / "sls"
PROJECT, LOGSTORE, ACTION_POLICY = "<project>", "<logstore>", "<action policy>"
"""Places of the documents that `install.py` fills in."""
Severity: TypeAlias = Literal["critical", "high", "medium", "low"]
_SEVERITIES: dict[Severity, int] = dict(zip(get_args(Severity), (10, 8, 6, 4), strict=True))
_CHECKED_EVERY = "5m"
_DASHBOARD = "ice-result"
_WITH_DOTS = {"error_type": "error.type", "http_response_status_code": "http.response.status_code"}
"""Columns of conditions whose fields have dots in their names."""
_COLUMN = re.compile(r"\b([a-z_]+)\b(?= *(?:=|<>|in\b|not in\b))")
_WIDTH, _HEIGHT = 10, 12


class Alarm(NamedTuple):
    """One row of the table of alarms: it fires when the number of lines within the last `within` is as `fires_at`."""

    title: str
    condition: str
    fires_at: str
    within: str
    severity: Severity
    advice: str

    @property
    def name(self) -> str:
        """Name of the alarm in SLS, and of its file."""
        return f"ice-result-{self.title.replace(' ', '-')}"

    @property
    def query(self) -> str:
        """Query of SLS that counts the lines, as `lines`."""
        return f"{self._search} | select count(1) as lines from ({self._lines()}) where {self.condition}"

    @property
    def query_by_hour(self) -> str:
        """Query of SLS that counts the lines of each hour."""
        rest = f"where {self.condition} group by hour order by hour"
        lines = self._lines("date_trunc('hour', __time__) as hour, ")
        return f"{self._search} | select hour, count(1) as lines from ({lines}) {rest}"

    @property
    def _search(self) -> str:
        (kind,) = re.findall(r"^kind = '(\w+)'", self.condition)
        return f'"kind" and "{kind}"'

    def _lines(self, more: str = "") -> str:
        columns = dict.fromkeys(_COLUMN.findall(self.condition))
        fields = ", ".join(f"json_extract_scalar(line, '{_path(column)}') as {column}" for column in columns)
        time = "__time__, " if more else ""
        return f"select {more}{fields} from (select {time}regexp_extract(message, '\\{{.*\\}}') as line from log)"


def _path(column: str) -> str:
    return f'$["{_WITH_DOTS[column]}"]' if column in _WITH_DOTS else f"$.{column}"


def alarms() -> tuple[Alarm, ...]:
    """Return the alarms of the table, in its order."""
    _, _, section = _page().partition("\n## Alarms\n")
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    return tuple(_alarm([cell.strip() for cell in row.strip("|").split(" | ")]) for row in rows)


def _alarm(cells: list[str]) -> Alarm:
    title, condition, fires_at, within, severity, advice = (cell.strip("`") for cell in cells)
    known: dict[str, Severity] = {each: each for each in _SEVERITIES}
    shown = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", advice).replace("`", "")
    return Alarm(title, condition, fires_at, within, known[severity], shown)


def queries() -> dict[str, str]:
    """Return the queries of the page by their titles."""
    _, _, section = _page().partition("\n## Logs\n")
    (block,) = re.findall(r"```text\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    parts = re.split(r"^# (.+)\n", block, flags=re.MULTILINE)[1:]
    return {title: " ".join(query.split()) for title, query in zip(parts[::2], parts[1::2], strict=True)}


def _page() -> str:
    return (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def documents() -> dict[str, JsonObject]:
    """Make every document, by the name of its file."""
    return {"dashboard.json": _dashboard(), **{f"alarms/{alarm.name}.json": _rule(alarm) for alarm in alarms()}}


def written(document: JsonObject) -> str:
    """Return a document as its file has it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _rule(alarm: Alarm) -> JsonObject:
    """Make the rule of an alarm in the form of CreateAlert."""
    evaluated: JsonObject = {"condition": f"lines {alarm.fires_at}", "countCondition": ""}
    return {
        "name": alarm.name,
        "displayName": f"ice-result: {alarm.title}",
        "description": alarm.advice,
        "schedule": {"type": "FixedRate", "interval": _CHECKED_EVERY},
        "configuration": {
            "version": "2.0",
            "type": "default",
            "dashboard": _DASHBOARD,
            "queryList": [
                {
                    "storeType": "log",
                    "project": PROJECT,
                    "store": LOGSTORE,
                    "query": alarm.query,
                    "timeSpanType": "Relative",
                    "start": f"-{alarm.within}",
                    "end": "now",
                    "powerSqlMode": "auto",
                }
            ],
            "groupConfiguration": {"type": "no_group", "fields": []},
            "joinConfigurations": [],
            "severityConfigurations": [{"severity": _SEVERITIES[alarm.severity], "evalCondition": evaluated}],
            "labels": [],
            "annotations": [
                {"key": "title", "value": f"ice-result: {alarm.title}"},
                {"key": "desc", "value": f"${{lines}} lines within {alarm.within}. {alarm.advice}"},
            ],
            "autoAnnotation": True,
            "sendResolved": True,
            "threshold": 1,
            "noDataFire": False,
            "noDataSeverity": _SEVERITIES[alarm.severity],
            "policyConfiguration": {
                "alertPolicyId": "sls.builtin.dynamic",
                "actionPolicyId": ACTION_POLICY,
                "repeatInterval": "1h",
            },
        },
    }


def _dashboard() -> JsonObject:
    """Make the dashboard in the form of CreateDashboard: a table for each query, and a line for each alarm."""
    charts: list[JsonValue] = []
    for number, (title, kind, query) in enumerate(_charts()):
        row, column = divmod(number, 2)
        axes: JsonObject = {"xAxis": ["hour"], "yAxis": ["lines"]} if kind == "line" else {"xAxis": [], "yAxis": []}
        charts.append(
            {
                "title": f"{_DASHBOARD}-{number + 1}",
                "type": kind,
                "action": {},
                "search": {"logstore": LOGSTORE, "topic": "", "query": query, "start": "-86400s", "end": "now"},
                "display": {
                    **axes,
                    "xPos": column * _WIDTH,
                    "yPos": row * _HEIGHT,
                    "width": _WIDTH,
                    "height": _HEIGHT,
                    "displayName": title,
                },
            }
        )
    return {
        "dashboardName": _DASHBOARD,
        "displayName": "ice-result",
        "description": "Jobs, parked events and alarms of ice-result.",
        "attribute": {"type": "grid"},
        "charts": charts,
    }


def _charts() -> Iterator[tuple[str, Literal["table", "line"], str]]:
    for title, query in queries().items():
        if " | select " in query:  # the others find lines, and count nothing
            yield title, "table", query
    for alarm in alarms():
        yield f"alarm: {alarm.title}", "line", alarm.query_by_hour
