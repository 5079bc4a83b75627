"""Installs the dashboard and the alarms of this folder in a project of SLS, and replaces those that are there.

    pip install alibabacloud_sls20201230
    python install.py --region cn-shanghai --project my-logs --logstore function-log

The keys are those that Alibaba Cloud's SDKs find, such as ALIBABA_CLOUD_ACCESS_KEY_ID and
ALIBABA_CLOUD_ACCESS_KEY_SECRET. They need the permissions to create and to update dashboards and alert rules.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

try:
    from alibabacloud_credentials.client import Client as Credentials
    from alibabacloud_credentials.exceptions import CredentialException
    from alibabacloud_sls20201230 import models
    from alibabacloud_sls20201230.client import Client
    from alibabacloud_tea_openapi.models import Config
    from Tea.exceptions import TeaException, UnretryableException
except ModuleNotFoundError as error:
    sys.exit(f"install.py: {error.name} is not installed: pip install alibabacloud_sls20201230")

FOLDER = Path(__file__).parent
NO_KEYS = "no access keys found: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"


def main() -> None:
    """Install everything; exit with 1 and one line when SLS refuses something."""
    parser = argparse.ArgumentParser(description="Install the dashboard and the alarms in a project of SLS.")
    parser.add_argument("--region", required=True, help="region of the project, such as cn-shanghai")
    parser.add_argument("--project", required=True, help="project of SLS that has the Logstore")
    parser.add_argument("--logstore", required=True, help="Logstore with the log of the function")
    parser.add_argument(
        "--action-policy", default="sls.builtin", help="id of the action policy, which says who is notified"
    )
    parser.add_argument("--endpoint", help="endpoint of SLS; by default the public one of the region, over HTTPS")
    options = parser.parse_args()
    scheme, _, host = (options.endpoint or f"https://{options.region}.log.aliyuncs.com").rpartition("://")
    logging.disable()  # the SDK logs tracebacks of what is one line here
    try:
        credentials = Credentials()
        credentials.get_credential()
        config = Config(credential=credentials, region_id=options.region, protocol=scheme or "https", endpoint=host)
        client = Client(config)
        for path in (FOLDER / "dashboard.json", *sorted((FOLDER / "alarms").glob("*.json"))):
            document = filled(path, options.project, options.logstore, options.action_policy)
            install = install_dashboard if path.name == "dashboard.json" else install_alarm
            print(f"{install(client, options.project, document)}  {path.relative_to(FOLDER)}")
    except CredentialException:
        sys.exit(f"install.py: {NO_KEYS}")
    except (TeaException, UnretryableException) as error:
        message = " ".join(str(error).split())
        sys.exit(f"install.py: {getattr(error, 'code', None) or type(error).__name__}: {message}")


def filled(path: Path, project: str, logstore: str, action_policy: str) -> dict[str, object]:
    """Read a document, with these names in the places that are left for them."""
    text = path.read_text(encoding="utf-8")
    for place, name in (("<project>", project), ("<logstore>", logstore), ("<action policy>", action_policy)):
        text = text.replace(json.dumps(place), json.dumps(name))
    document: dict[str, object] = json.loads(text)
    return document


def install_dashboard(client: Client, project: str, document: dict[str, object]) -> str:
    """Create the dashboard, or replace the one with its name."""
    try:
        client.create_dashboard(project, models.CreateDashboardRequest(body=models.Dashboard().from_map(document)))
    except TeaException as error:
        if not is_there(error):
            raise
        request = models.UpdateDashboardRequest().from_map(document)
        client.update_dashboard(project, str(document["dashboardName"]), request)
        return "replaced"
    return "created "


def install_alarm(client: Client, project: str, document: dict[str, object]) -> str:
    """Create an alarm, or replace the one with its name."""
    try:
        client.create_alert(project, models.CreateAlertRequest().from_map(document))
    except TeaException as error:
        if not is_there(error):
            raise
        client.update_alert(project, str(document["name"]), models.UpdateAlertRequest().from_map(document))
        return "replaced"
    return "created "


def is_there(error: TeaException) -> bool:
    """Tell if SLS refuses to create something because it exists already."""
    return str(error.code).endswith("AlreadyExist")


if __name__ == "__main__":
    main()
