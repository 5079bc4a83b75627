"""The callback setting of a region: ICE has one target for all event types of an account."""

from __future__ import annotations

from dataclasses import dataclass, field

from ice_result.core.types import JsonObject
from ice_result.errors import IceResultError, RejectedError
from ice_result.jobs.client import IceClient


@dataclass(frozen=True, kw_only=True, slots=True)
class CallbackSetting:
    """Setting as in GetEventCallback and SetEventCallback. `auth_key` is never shown."""

    type: str | None = None
    queue_name: str | None = None
    url: str | None = None
    event_types: tuple[str, ...] = ()
    auth_switch: str | None = None
    auth_key: str | None = field(default=None, repr=False)

    @property
    def target(self) -> str | None:
        """Target of events: the URL or the queue."""
        return self.url if self.type == "HTTP" else self.queue_name


def read_callback(client: IceClient) -> CallbackSetting:
    """Return the present setting; an empty one where none was ever made. Raises a ServiceError."""
    return client.call("GetEventCallback", {}, read=_setting)


def write_callback(client: IceClient, setting: CallbackSetting) -> None:
    """Overwrite the whole present setting. Raises a ServiceError.

    To write it again does no harm: it is retried like any other call.
    """
    parameters = {
        "CallbackType": setting.type,
        "CallbackQueueName": setting.queue_name,
        "CallbackURL": setting.url,
        "EventTypeList": ",".join(setting.event_types),
        "AuthSwitch": setting.auth_switch,
        "AuthKey": setting.auth_key,
    }
    try:
        client.call("SetEventCallback", {k: v for k, v in parameters.items() if v}, read=lambda body: body)
    except IceResultError as error:
        if setting.auth_key and setting.auth_key in str(error):  # the service may quote it
            raise RejectedError(
                "SetEventCallback", service=IceClient.service, detail="the AuthKey is not accepted"
            ) from None
        raise


def _setting(response: JsonObject) -> CallbackSetting:
    def text(name: str) -> str | None:
        value = response.get(name)
        return value if isinstance(value, str) and value else None

    types = (part.strip() for part in (text("EventTypeList") or "").split(","))
    return CallbackSetting(
        type=text("CallbackType"),
        queue_name=text("CallbackQueueName"),
        url=text("CallbackURL"),
        event_types=tuple(part for part in types if part),
        auth_switch=text("AuthSwitch"),
        auth_key=text("AuthKey"),
    )
