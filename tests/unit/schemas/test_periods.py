# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""From one log period to the next: what a register may say of it, and which closings the directory takes."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.checkpoint import Checkpoint
from seinpost_schemas.compartment import all_compartments
from seinpost_schemas.directory import (
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    directory_object_hash,
)
from seinpost_schemas.errors import (
    BindingError,
    InvalidError,
    MalformedError,
    QuorumError,
    SignatureError,
    SplitViewError,
)
from seinpost_schemas.merkle import EMPTY_ROOT
from seinpost_schemas.subjects import log_origin
from seinpost_schemas.trusted_register import TrustedRegister, enclave_id_of

ORIGIN = "test/2026q4/depv/process"
ROOT = b"r" * 32


def text(enclave: Any, version: int, current: str, next_: str, *retained: str, quorum: int = 0) -> str:
    """The register's text with other periods."""
    made: str = enclave.text(version=version)
    kept = ", ".join(f'"{p}"' for p in retained)
    made = made.replace(
        'current = "2026q4"\nnext = "2027q1"',
        f'current = "{current}"\nnext = "{next_}"\nretained = [{kept}]',
    )
    return made.replace("quorum = 0", f"quorum = {quorum}")


class Desk:
    """A directory to which versions and closings are logged."""

    def __init__(self, enclave: Any) -> None:
        self._enclave = enclave
        self.directory = TrustedDirectory(enclave_id_of(enclave.text()))
        for party in ("ncsc", "tafel"):
            self.log(DirectoryType.KEYS, enclave.keys[party].encode())
        self.log(DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))

    def log(self, kind: DirectoryType, data: bytes) -> None:
        entry = DirectoryEntry(kind, 1_000, directory_object_hash(data)).encode()
        self.directory.advance(entry, data)

    def register(self, version: int, current: str, next_: str, *retained: str) -> None:
        note = self._enclave.sign(text(self._enclave, version, current, next_, *retained), 0, 1)
        self.log(DirectoryType.REGISTER, note)

    def note(self, size: int = 0, root: bytes = EMPTY_ROOT, origin: str = ORIGIN) -> bytes:
        made: bytes = self._enclave.log.sign(Checkpoint(origin, size, root), 1_790_000_000)
        return made

    def close(self, size: int = 0, root: bytes = EMPTY_ROOT, origin: str = ORIGIN) -> None:
        self.log(DirectoryType.CLOSING, self.note(size, root, origin))


@pytest.fixture
def desk(enclave: Any) -> Desk:
    return Desk(enclave)


@pytest.fixture
def ended(desk: Desk) -> Desk:
    """The first period is over."""
    desk.register(2, "2027q1", "2027q2", "2026q4")
    return desk


# -- the register ---------------------------------------------------------------------------------


def test_a_period_ends_and_is_retained(ended: Desk) -> None:
    periods = ended.directory.current.register.periods
    assert periods.readable == ("2026q4", "2027q1")
    assert ended.directory.periods == ("2026q4", "2027q1")
    assert ended.directory.period_before("2027q1") == "2026q4"
    assert ended.directory.period_before("2026q4") is None


@pytest.mark.parametrize(
    ("periods", "match"),
    [
        (("2027q2", "2027q3", "2026q4"), "comes 2027q1"),
        (("2027q1", "2027q2"), "must be among the retained"),
        (("2026q4", "2027q1", "2026q3"), "those that ran before"),
        (("2027q1", "2027q2", "2026q3", "2026q4"), "those that ran before"),
        (("2027q1", "2027q2", "2026q4", "2026q3"), "those that ran before"),
    ],
)
def test_other_periods_cannot_follow(enclave: Any, periods: tuple[str, ...], match: str) -> None:
    state = TrustedRegister(enclave_id_of(enclave.text()))
    state.advance(enclave.sign(enclave.text(), 0, 1))
    current, next_, *retained = periods
    with pytest.raises(BindingError, match=match):
        state.advance(enclave.sign(text(enclave, 2, current, next_, *retained), 0, 1))


def test_the_first_version_retains_nothing(enclave: Any) -> None:
    first = text(enclave, 1, "2026q4", "2027q1", "2026q3")
    with pytest.raises(BindingError, match="retains no period"):
        TrustedRegister(enclave_id_of(first)).advance(enclave.sign(first, 0, 1))


def test_a_period_is_retained_until_all_of_its_logs_are_closed(enclave: Any, ended: Desk) -> None:
    with pytest.raises(BindingError, match="until its logs are closed"):
        ended.register(3, "2027q1", "2027q2")
    for compartment in all_compartments(ended.directory.current.register.ceiling_level):
        ended.close(origin=log_origin("test", "2026q4", compartment))
    ended.register(3, "2027q1", "2027q2")
    assert ended.directory.current.register.periods.readable == ("2027q1",)
    assert ended.directory.periods == ("2026q4", "2027q1")


# -- closings -------------------------------------------------------------------------------------


def test_a_closing_says_where_a_log_ended_and_from_when_on(ended: Desk) -> None:
    assert ended.directory.closing(ORIGIN) is None
    note = ended.note(3, ROOT)
    ended.log(DirectoryType.CLOSING, note)
    closing = ended.directory.closing(ORIGIN)
    assert closing is not None
    assert (closing.checkpoint, closing.note) == (Checkpoint(ORIGIN, 3, ROOT), note)
    assert closing.directory_size == ended.directory.size == 5


def test_a_log_closed_again_in_the_same_place_changes_nothing(ended: Desk) -> None:
    ended.close(3, ROOT)
    before = ended.directory.closing(ORIGIN)
    ended.close(3, ROOT)
    assert ended.directory.closing(ORIGIN) is before


@pytest.mark.parametrize(("size", "root"), [(4, ROOT), (2, ROOT), (3, b"x" * 32)])
def test_a_log_is_not_closed_in_two_places(ended: Desk, size: int, root: bytes) -> None:
    ended.close(3, ROOT)
    with pytest.raises(SplitViewError, match="closed twice"):
        ended.close(size, root)


@pytest.mark.parametrize(
    "origin",
    [
        "test/2027q1/depv/process",
        "test/2027q2/depv/process",
        "test/2026q3/depv/process",
        "other/2026q4/depv/process",
        "test/directory",
        "test/admission",
    ],
)
def test_only_logs_of_a_period_that_is_over_are_closed(ended: Desk, origin: str) -> None:
    with pytest.raises(BindingError):
        ended.close(3, ROOT, origin)


def test_a_log_of_the_period_that_runs_is_not_closed(desk: Desk) -> None:
    with pytest.raises(BindingError, match="ran before"):
        desk.close(3, ROOT)


def test_a_closing_carries_both_of_the_logs_signatures(ended: Desk) -> None:
    note = ended.note(3, ROOT)
    size = ended.directory.size
    for bad in (note.rsplit(b"\n", 2)[0] + b"\n", note.replace(b"\n3\n", b"\n4\n"), b"whatever"):
        with pytest.raises((SignatureError, MalformedError)):
            ended.log(DirectoryType.CLOSING, bad)
    assert (ended.directory.size, ended.directory.closing(ORIGIN)) == (size, None)


def test_a_closing_needs_a_quorum(ended: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    register = ended.directory.current.register
    monkeypatch.setattr(type(register), "quorum", 1)
    monkeypatch.setattr(type(register), "cosigners", ())
    with pytest.raises((QuorumError, InvalidError)) as caught:
        ended.close(3, ROOT)
    assert caught.value.code == "quorum"
