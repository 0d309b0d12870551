"""Converts plain Python values to the API's messages."""

from __future__ import annotations

import datetime
from typing import Any, Iterable, List, Mapping, Optional, Union

from google.protobuf import duration_pb2, timestamp_pb2
from google.protobuf.message import Message

from latchwire.v1 import tenant_service_pb2, webhook_pb2

Match = Union[str, webhook_pb2.EventMatch]
Seconds = float


def as_list(argument: str, value: Iterable[Any]) -> List[Any]:
    """The values given for a parameter that takes several.

    A single value is refused by name: Python would take a string apart into letters, and a dict into its keys.
    """
    if isinstance(value, (str, bytes, bytearray, memoryview, Mapping, Message)):
        raise TypeError(f"{argument} takes a list, not a single {type(value).__name__}: {argument}=[...]")
    try:
        return list(value)
    except TypeError:
        raise TypeError(f"{argument} takes a list, not {type(value).__name__}") from None


def match_messages(argument: str, matches: Iterable[Match]) -> List[webhook_pb2.EventMatch]:
    return [match_message(match) for match in as_list(argument, matches)]


def webhook_message(**fields: Any) -> webhook_pb2.Webhook:
    if "attempt_timeout" in fields:
        fields["timeout"] = fields.pop("attempt_timeout")
    return message(webhook_pb2.Webhook, fields)


def tenant_message(**fields: Any) -> tenant_service_pb2.Tenant:
    return message(tenant_service_pb2.Tenant, fields)


def message(kind: Any, fields: Mapping[str, Any]) -> Any:
    """A message whose durations may be given in seconds, and messages in it as dicts."""
    values = {}
    for name, value in fields.items():
        field = kind.DESCRIPTOR.fields_by_name.get(name)
        # Maps are messages too, but their values are none.
        inner = field.message_type if field and not _is_map(field) else None
        if field and value is not None and _is_repeated(field) and not _is_map(field):
            each = as_list(name, value)
            values[name] = each if inner is None else [_inner(inner, one) for one in each]
        elif inner is None:
            values[name] = value
        else:
            values[name] = _inner(inner, value)
    return kind(**values)


def _inner(descriptor: Any, value: Any) -> Any:
    if descriptor.full_name == "google.protobuf.Duration" and isinstance(value, (int, float)):
        return duration_message(value)
    if isinstance(value, Mapping):
        return message(descriptor._concrete_class, value)
    return value


def _is_map(field: Any) -> bool:
    return bool(field.message_type) and field.message_type.GetOptions().map_entry


def _is_repeated(field: Any) -> bool:
    if hasattr(field, "is_repeated"):  # protobuf 6.31 and later, which warn about `label`
        return field.is_repeated
    return field.label == field.LABEL_REPEATED


def match_message(match: Match) -> webhook_pb2.EventMatch:
    return webhook_pb2.EventMatch(type_pattern=match) if isinstance(match, str) else match


def duration_message(seconds: Seconds) -> duration_pb2.Duration:
    result = duration_pb2.Duration()
    result.FromTimedelta(datetime.timedelta(seconds=seconds))
    return result


def timestamp_message(time: Optional[datetime.datetime]) -> Optional[timestamp_pb2.Timestamp]:
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError("times need a time zone, such as datetime.timezone.utc")
    result = timestamp_pb2.Timestamp()
    result.FromDatetime(time)
    return result


def is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")
