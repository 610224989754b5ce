# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An identity's prekeys: a new one every day, the old one destroyed when nothing can need it any more.

``plan`` decides, without a clock or a disk; ``Prekeys`` does it while the identity reads. A private key is on
disk before its public half leaves this machine, and its statement goes out byte for byte until the directory
holds it. What a stolen key opens is then what was sealed to it in its day, and nothing before (specification,
section 8.4).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from seinpost_schemas.errors import RefusedError, UnavailableError
from seinpost_schemas.limits import MAX_CLOCK_SKEW_MS, PREKEY_AGE_MS, PREKEY_KEPT_MS
from seinpost_schemas.policy import Prekey
from seinpost_schemas.statements import PrekeyStatement
from seinpost_schemas.subjects import directory_ingress_subject

from ._directory import DirectoryFollower, wall_ms
from ._keyring import HeldPrekey, Keyring
from ._transport import Transport
from .delivery import Alarm

_LOOK_SECONDS = 15.0
_LOGGED_SECONDS = 60.0
_log = logging.getLogger("seinpost")


class Plan(msgspec.Struct, frozen=True):
    """What is to be done now: a statement to send (again), or a new key to make with this number; keys to destroy."""

    send: HeldPrekey | None = None
    make: int | None = None
    destroy: tuple[bytes, ...] = ()


def plan(
    newest: Prekey | None,
    held: Sequence[HeldPrekey],
    succeeded_ms: Mapping[bytes, int],
    read_to_ms: int | None,
    now_ms: int,
) -> Plan:
    """What an identity does about its prekeys.

    ``newest`` is what the directory holds of it, ``held`` what is here, by rising number. ``succeeded_ms`` says when
    another key took a held one's place; ``read_to_ms`` up to when every log was read and cosigned (``None``: not
    known). Times in Unix milliseconds.
    """
    number = newest.number if newest is not None else 0
    waiting = next((h for h in reversed(held) if h.number > number), None)
    # Never logged, and overtaken: no one can have sealed to it.
    unused = tuple(
        h.key_id for h in held if h is not waiting and h.key_id not in succeeded_ms and not _is(newest, h)
    )
    old = tuple(
        key_id
        for key_id, since_ms in succeeded_ms.items()
        if read_to_ms is not None and read_to_ms >= since_ms + PREKEY_KEPT_MS
    )
    own = next((h for h in held if _is(newest, h)), None)
    # By the earlier of two clocks: a broker's that was ahead must not make a key last.
    due = newest is None or own is None or now_ms - min(newest.logged_ms, own.made_ms) >= PREKEY_AGE_MS
    return Plan(
        send=waiting,
        make=number + 1 if due and waiting is None else None,
        destroy=unused + old,
    )


def _is(newest: Prekey | None, held: HeldPrekey) -> bool:
    return newest is not None and newest.key_id == held.key_id


class Prekeys:
    """Keeps one identity's prekeys while it reads; one process at a time does, under its reading lock."""

    def __init__(
        self,
        keyring: Keyring,
        directory: DirectoryFollower,
        transport: Transport,
        read_to_ms: Callable[[], int | None],
        on_alarm: Callable[[Alarm], None],
    ) -> None:
        self._on_alarm = on_alarm
        self._failing = False
        self._identity = keyring.identity
        self._keyring = keyring
        self._directory = directory
        self._transport = transport
        self._read_to_ms = read_to_ms
        self._told = False

    async def run(self) -> None:
        """Look after them until cancelled."""
        while True:
            try:
                wait_seconds = await self._look()
            except (UnavailableError, RefusedError) as error:
                # Signals go on under the key that is in force; the next look tries again.
                _log.debug("the directory does not take a prekey now: %s", error)
                wait_seconds = _LOOK_SECONDS
            except Exception as error:
                self._say_failing(error)
                wait_seconds = _LOOK_SECONDS
            else:
                self._failing = False
            await asyncio.sleep(wait_seconds)

    def _say_failing(self, error: Exception) -> None:
        """Signals go on being opened; but a key that no other follows opens more of the past each day.

        Said once, with nothing but the type: this is about keys.
        """
        if self._failing:
            return
        self._failing = True
        message = f"this identity's KEM keys are not replaced now ({type(error).__name__}); it is tried again"
        self._on_alarm(Alarm(code="keys-stand-still", message=message, compartment="directory"))

    async def _look(self) -> float:
        directory, keyring = self._directory.directory, self._keyring
        keyring.keep_periods(self._directory.view.register.periods.readable)
        newest = directory.newest_prekey(self._identity.sender_id)
        held = keyring.prekeys()
        keyring.wipe()
        gave_way = {h.key_id: self._gave_way_ms(h.key_id) for h in held}
        todo = plan(
            newest, held, {k: t for k, t in gave_way.items() if t is not None}, self._read_to_ms(), wall_ms()
        )
        gone = todo.destroy + self._outlived()
        if gone:
            keyring.destroy(gone)
            _log.info("%d old KEM keys destroyed", len(gone))
        waiting = todo.send or (self._make(todo.make) if todo.make is not None else None)
        if waiting is None:
            return _LOOK_SECONDS
        await self._transport.send(
            directory_ingress_subject(self._identity.party), waiting.statement, waiting.key_id.hex()
        )
        return await self._until_logged(waiting)

    def _gave_way_ms(self, key_id: bytes) -> int | None:
        """When another key took this one's place: as the directory says, or now if that is in the future.

        A broker whose clock was far ahead must not make old keys last; brokers refuse what is sealed to them then.
        """
        since_ms, now_ms = self._directory.directory.succeeded_ms(key_id), wall_ms()
        if since_ms is None or since_ms <= now_ms + MAX_CLOCK_SKEW_MS:
            return since_ms
        return self._keyring.ended_ms(key_id, now_ms)

    def _outlived(self) -> tuple[bytes, ...]:
        """Keys of identities that this one succeeds, to which nothing can be sealed that was not read yet."""
        read_to_ms = self._read_to_ms()
        gone: list[bytes] = []
        for sender_id, held in self._keyring.past_prekeys():
            ended_ms = None
            if not self._in_force(sender_id):
                ended_ms = self._keyring.ended_ms(sender_id, wall_ms())
            for key in held:
                since_ms = self._gave_way_ms(key.key_id) or ended_ms
                if (
                    since_ms is not None
                    and read_to_ms is not None
                    and read_to_ms >= since_ms + PREKEY_KEPT_MS
                ):
                    gone.append(key.key_id)
        return tuple(gone)

    def _in_force(self, sender_id: bytes) -> bool:
        try:
            self._directory.view.member(sender_id)
        except RefusedError:
            return False
        return True

    def _make(self, number: int) -> HeldPrekey:
        key, seed = self._keyring.make_prekey()
        statement = PrekeyStatement(
            self._directory.directory.enclave_id, self._identity.sender_id, number, key.public
        ).sign(self._identity.signing)
        held = HeldPrekey(key.key_id, number, statement, wall_ms())
        self._keyring.keep_prekey(held, seed)
        return held

    async def _until_logged(self, waiting: HeldPrekey) -> float:
        def logged() -> bool:
            newest = self._directory.directory.newest_prekey(self._identity.sender_id)
            return newest is not None and newest.number >= waiting.number

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOGGED_SECONDS):
                await self._directory.wait_until(logged)
                self._told = False
                return 0.0
        if not self._told:
            self._told = True
            _log.warning(
                "the broker has not taken this identity's new KEM key for %d s; senders go on with the one before",
                _LOGGED_SECONDS,
            )
        return _LOGGED_SECONDS
