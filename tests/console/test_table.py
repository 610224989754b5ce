# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What ends the reading is said on every page, and nothing of it is silent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from feed_samples import delivery

from seinpost.console.marks import Marks
from seinpost.console.people import People
from seinpost.console.table import Table
from seinpost.delivery import Delivery
from seinpost_schemas.errors import UnavailableError


class Feed:
    """A connection that gives one signal and then ends as told."""

    def __init__(self, end: Exception | None) -> None:
        self._end = end

    def audience(self, _delivery: Delivery) -> list[str]:
        return []

    async def signals(self, *, from_start: bool) -> AsyncIterator[Any]:
        assert from_start
        yield delivery(1)
        if self._end is not None:
            raise self._end


@pytest.fixture
def table(tmp_path: Path) -> Any:
    marks = Marks(tmp_path, bytes(32))
    yield Table(marks, People(tmp_path, bytes(32)))
    marks.close()


@pytest.mark.parametrize(
    ("end", "said"), [(UnavailableError("no broker"), "no broker"), (None, "the feed ended")]
)
async def test_a_feed_that_ends_is_said(table: Table, end: Exception | None, said: str) -> None:
    table._connection = Feed(end)  # type: ignore[assignment]
    before = table.live.current
    await table.read()
    assert (len(table.view), table.trouble, table.reading) == (1, said, False)
    assert table.live.current != before


async def test_a_bug_is_said_without_what_it_was_about(table: Table) -> None:
    table._connection = Feed(KeyError("geheime inhoud"))  # type: ignore[assignment]
    with pytest.raises(KeyError):
        await table.read()
    assert table.trouble == "internal error: KeyError"
