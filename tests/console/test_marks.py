# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the console keeps on disk tells nothing without the identity's key."""

from __future__ import annotations

from pathlib import Path

import pytest
from feed_samples import delivery

from seinpost.console.marks import MAX_FILTERS, Marks, ProtectedView, SavedFilter
from seinpost_schemas.errors import SetupError

KEY = bytes(range(32))
VIEW = ProtectedView(1, "ambtenaar-7", "signaal-nummer", "/signal/2026q4/depv/process/3/0")


def test_what_was_opened_is_known_after_a_restart(tmp_path: Path) -> None:
    marks = Marks(tmp_path, KEY)
    marks.mark_read(delivery(3))
    marks.mark_read(delivery(3))
    marks.close()
    again = Marks(tmp_path, KEY)
    assert again.is_read(delivery(3))
    assert not again.is_read(delivery(4))
    again.close()


def test_the_file_is_for_its_owner_and_holds_nothing_in_the_clear(tmp_path: Path) -> None:
    marks = Marks(tmp_path, KEY)
    marks.mark_read(delivery(3))
    marks.log_view(VIEW)
    marks.close()
    assert (tmp_path / "console.db").stat().st_mode & 0o777 == 0o600
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for word in (b"ambtenaar", b"signaal", b"process", delivery(3).object_hash):
        assert word not in held


def test_views_come_back_newest_first(tmp_path: Path) -> None:
    marks = Marks(tmp_path, KEY)
    marks.log_view(VIEW)
    marks.log_view(ProtectedView(2, "ambtenaar-8", "ander", "/x"))
    assert [view.official for view in marks.views()] == ["ambtenaar-8", "ambtenaar-7"]
    marks.close()


def test_views_that_were_moved_or_are_of_another_key_are_refused(tmp_path: Path) -> None:
    marks = Marks(tmp_path, KEY)
    marks.log_view(VIEW)
    marks._db.execute("UPDATE views SET number=2")
    with pytest.raises(SetupError, match="changed"):
        marks.views()
    marks._db.execute("UPDATE views SET number=1")
    assert marks.views() == [VIEW]
    marks.close()
    other = Marks(tmp_path, bytes(32))
    with pytest.raises(SetupError, match="another identity"):
        other.views()
    other.close()


def test_saved_filters_are_an_officials_own_and_sealed(tmp_path: Path) -> None:
    marks = Marks(tmp_path, KEY)
    mine, theirs = SavedFilter("Ernstig debat", "/?theme=debate", "2041"), SavedFilter("Ander", "/", "2042")
    marks.save_filter(mine)
    marks.save_filter(theirs)
    assert [saved for _, saved in marks.filters("2041")] == [mine]
    assert marks.filters(None) == []
    number = marks.filters("2041")[0][0]
    marks.forget_filter(number, "2042")
    assert marks.filters("2041")
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Ernstig" not in held
    assert b"theme=debate" not in held
    marks.forget_filter(number, "2041")
    assert marks.filters("2041") == []
    for n in range(MAX_FILTERS + 5):
        marks.save_filter(SavedFilter(str(n), "/", "2041"))
    assert len(marks.filters("2041")) + len(marks.filters("2042")) <= MAX_FILTERS
    marks.close()
