# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The book of names: sealed, local, and for one's own officials only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from seinpost.cli._text import load_texts
from seinpost.console.called import Called
from seinpost.console.people import MAX_PEOPLE, People
from seinpost_broker.core.founding import PARTIES
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.register import Party

KEY = bytes(range(32))


def test_a_name_is_there_after_a_restart_and_not_in_the_clear(tmp_path: Path) -> None:
    People(tmp_path, KEY).put("2041", "  J.   de Vries ")
    book = People(tmp_path, KEY)
    assert book.names == {"2041": "J. de Vries"}
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    for secret in (b"Vries", b"2041"):
        assert secret not in file.read_bytes()
    book.drop("2041")
    assert People(tmp_path, KEY).numbers == []


def test_a_number_without_a_name_can_be_given_signals_too(tmp_path: Path) -> None:
    book = People(tmp_path, KEY)
    book.put("2050", "")
    assert (book.numbers, book.names) == (["2050"], {})


def test_another_identity_or_a_changed_file_is_noticed(tmp_path: Path) -> None:
    People(tmp_path, KEY).put("2041", "J. de Vries")
    with pytest.raises(SetupError, match="another identity"):
        People(tmp_path, bytes(32))
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SetupError):
        People(tmp_path, KEY)


@pytest.mark.parametrize("number", ["", "a b", "x" * 41, "2041\n", "../x"])
def test_what_cannot_be_a_number_is_refused(tmp_path: Path, number: str) -> None:
    with pytest.raises(MalformedError):
        People(tmp_path, KEY).put(number, "iemand")


def test_the_book_has_an_end(tmp_path: Path) -> None:
    book = People(tmp_path, KEY)
    book._names = {str(n): "" for n in range(MAX_PEOPLE)}
    with pytest.raises(MalformedError, match="at most"):
        book.put("one-more", "")
    book.put("1", "iemand")


def called(language: str = "nl") -> Called:
    parties = tuple(
        Party(token=f.token, oin="0" * 20, name_nl=f.name_nl, name_en=f.name_en, clearance="ong")
        for f in PARTIES
    )
    register = SimpleNamespace(parties=parties)
    return Called(register, "tafel", {"2041": "J. de Vries"}, language, load_texts(language))  # type: ignore[arg-type]


def test_officials_go_by_name_only_where_they_are_our_own() -> None:
    names = called()
    assert names.official("2041", "tafel") == "J. de Vries (ambtenaar 2041)"
    assert names.official("2041", "bzk") == "ambtenaar 2041"
    assert names.official("2042", "tafel") == "ambtenaar 2042"
    assert names.official(None) == ""


def test_parties_have_a_short_name_and_a_whole_one() -> None:
    names = called()
    assert (names.short("ncsc"), names.full("ncsc")) == ("NCSC", "Nationaal Cyber Security Centrum")
    assert names.short("kiesraad") == "Kiesraad"
    assert names.short("unknown") == "unknown"
    assert names.several(["ncsc", "bzk", "politie"]) == "NCSC, BZK en Politie"
    assert called("en").several(["politie", "kiesraad"]) == "Police and Electoral Council"
    assert names.witness("proef/witness/ap-witness") == "AP"
