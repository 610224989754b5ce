# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A difference between server and register is a sentence; what is equal is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from harness.memory import NOW_MS, shipped

from seinpost_broker.core import layout
from seinpost_broker.core.drift import consumer_differences, stream_differences, surplus

VIEW = shipped().current
STREAMS = layout.streams(VIEW.register)
CONSUMERS = layout.consumers(VIEW, NOW_MS)


def other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return ("else",) if isinstance(value, tuple) else "else"


def test_what_the_register_asks_for_is_no_difference_in_any_order() -> None:
    assert stream_differences(STREAMS, STREAMS[::-1]) == []
    assert consumer_differences(CONSUMERS, CONSUMERS[::-1]) == []
    assert surplus(CONSUMERS, CONSUMERS) == []


def test_every_stream_and_consumer_that_is_missing_or_too_many_is_named() -> None:
    for place, stream in enumerate(STREAMS):
        rest = STREAMS[:place] + STREAMS[place + 1 :]
        assert stream_differences(STREAMS, rest) == [f"stream {stream.name} is missing"]
        (line,) = stream_differences(rest, STREAMS)
        assert stream.name in line
        assert "does not ask" in line
    for place, consumer in enumerate(CONSUMERS):
        rest = CONSUMERS[:place] + CONSUMERS[place + 1 :]
        (line,) = consumer_differences(CONSUMERS, rest)
        assert line == f"consumer {consumer.name} on {consumer.stream} is missing"
        assert surplus(rest, CONSUMERS) == ([] if consumer.acks else [consumer])


@pytest.mark.parametrize("field", [f for f in layout.Stream.__struct_fields__ if f != "name"])
def test_every_setting_of_a_stream_counts(field: str) -> None:
    changed = msgspec.structs.replace(STREAMS[0], **{field: other(getattr(STREAMS[0], field))})
    (line,) = stream_differences(STREAMS, [changed, *STREAMS[1:]])
    assert line.startswith(f"stream {STREAMS[0].name}: {field} is ")


@pytest.mark.parametrize("field", ["filter_subject", "acks"])
def test_every_setting_of_a_consumer_counts(field: str) -> None:
    changed = msgspec.structs.replace(CONSUMERS[0], **{field: other(getattr(CONSUMERS[0], field))})
    (line,) = consumer_differences(CONSUMERS, [changed, *CONSUMERS[1:]])
    assert f": {field} is " in line
