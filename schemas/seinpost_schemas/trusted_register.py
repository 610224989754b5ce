# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The register's trust state: eats note bytes, holds the newest version accepted.

The rules between versions, as in TUF (specification, section 8.3):

1. Version 1 is known by the enclave_id, the labelled hash of its text; it is signed by its own threshold.
2. A later version is exactly one higher, of the same enclave, and signed by a threshold of the
   registrars of the version before it *and* of its own.
3. The same version with the same text changes nothing; with another text it is refused.
"""

from __future__ import annotations

import hashlib

from . import labels
from .errors import BindingError, MalformedError, SignatureError
from .note import Note, parse_note, verify_composite
from .register import Periods, Register, Registrars, parse_register


def enclave_id_of(note_text: str) -> bytes:
    """The 16-byte enclave_id: labelled hash of the text of register version 1."""
    return hashlib.sha256(labels.ENCLAVE + note_text.encode()).digest()[:16]


class TrustedRegister:
    """Holds the newest accepted register of one enclave; ``enclave_id`` 16 bytes is the root of trust."""

    def __init__(self, enclave_id: bytes) -> None:
        if len(enclave_id) != 16:
            raise MalformedError("an enclave_id has 16 bytes")
        self.enclave_id = enclave_id
        self._register: Register | None = None
        self._text = ""

    @property
    def register(self) -> Register | None:
        """The newest version accepted, if any."""
        return self._register

    def advance(self, data: bytes) -> Register:
        """Accept the next version's note and return it, or raise and stay as it was.

        Raises ``MalformedError``, ``SignatureError``, or ``BindingError`` for another enclave or version.
        """
        note = parse_note(data)
        if self._register is not None and note.text == self._text:
            return self._register
        # Known or signed first, parsed after: TOML can be made slow to read.
        if self._register is None:
            if enclave_id_of(note.text) != self.enclave_id:
                raise BindingError("this is not version 1 of the register that this side trusts")
        else:
            _verify_threshold(note, self._register.registrars, "the previous version's")
        register = parse_register(note)
        if self._register is None:
            _verify_first(register)
        else:
            _verify_next(register, self._register)
        _verify_threshold(note, register.registrars, "its own")
        self._register, self._text = register, note.text
        return register


def _verify_first(register: Register) -> None:
    if register.version != 1:
        raise BindingError("this is not version 1 of the register that this side trusts")
    if register.periods.retained:
        raise BindingError("version 1 of a register retains no period: none ran before it")


def _verify_next(register: Register, before: Register) -> None:
    if register.enclave != before.enclave:
        raise BindingError("the register is of another enclave")
    if register.version != before.version + 1:
        raise BindingError(
            f"register version {register.version} cannot follow version {before.version}: versions rise by one"
        )
    if before.production and not register.production:
        raise BindingError("a production register stays one: its parties are who their OINs say")
    _verify_periods(register.periods, before.periods)


def _verify_periods(periods: Periods, before: Periods) -> None:
    """Raise unless the same period runs, or the announced one does and the one before it can still be read.

    Its logs must be closed before anything is logged after them: nobody could tell that they lost their ends.
    """
    if periods.current not in (before.current, before.next):
        raise BindingError(
            f"after {before.current} comes {before.next}, which was announced as the next period"
        )
    if before.current not in periods.readable:
        raise BindingError(f"{before.current} must be among the retained periods: its logs are to be closed")
    ran = before.readable if periods.current == before.current else (*before.readable, periods.current)
    if periods.readable != ran[-len(periods.readable) :]:
        raise BindingError(
            "the retained periods are those that ran before, in order, but for the oldest ones"
        )


def _verify_threshold(note: Note, registrars: Registrars, whose: str) -> None:
    signed = verify_composite(note, registrars.keys)
    if len(signed) < registrars.threshold:
        raise SignatureError(
            f"the register carries {len(signed)} valid signatures of {whose} registrars; "
            f"{registrars.threshold} are needed"
        )
