# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Whose a KEM key is, and which key counts, at any size of the directory (specification, section 8.4)."""

from __future__ import annotations

import bisect
from collections.abc import Container, Iterable, Mapping, Sequence

from .errors import MalformedError, Reason, RefusedError
from .keys import KeyObject
from .limits import DAY_MS, MAX_CLOCK_SKEW_MS, MAX_PREKEYS_A_DAY, PREKEY_GRACE_MS
from .policy import Prekey
from .register import Identity
from .statements import PrekeyStatement


class KemKeys:
    """What the directory said so far of KEM keys: those of key objects, and those that identities stated since."""

    def __init__(self) -> None:
        self._stated: dict[bytes, list[Prekey]] = {}
        self._logged: set[bytes] = set()
        # Whose a key is; and for sizes before keys became another's, whose all of them were.
        self._owners: dict[bytes, bytes] = {}
        self._owners_before: list[tuple[int, dict[bytes, bytes]]] = []
        # By KEM key id and whose it was: the size from which on another took its place, and when that was logged. What
        # one who stated another's key did next says nothing of that key in the hands of whose it is.
        self._succeeded: dict[tuple[bytes, bytes], tuple[int, int]] = {}

    def newest(self, sender_id: bytes) -> Prekey | None:
        """What a 16-byte sender_id stated last, revoked or not."""
        stated = self._stated.get(sender_id)
        return stated[-1] if stated else None

    def newest_at(self, sender_id: bytes, size: int) -> Prekey | None:
        """What a 16-byte sender_id had stated last when the directory had ``size`` entries."""
        stated = self._stated.get(sender_id, [])
        place = bisect.bisect_right(stated, size, key=lambda p: p.size)
        return stated[place - 1] if place else None

    def owners_at(self, size: int) -> Mapping[bytes, bytes]:
        """The 16-byte sender_id that each 16-byte kem_key_id is of; keys that came later do no harm in it."""
        place = bisect.bisect_right(self._owners_before, size, key=lambda before: before[0])
        return self._owners_before[place][1] if place < len(self._owners_before) else self._owners

    def succeeded_ms(self, kem_key_id: bytes, size: int | None = None) -> int | None:
        """When another key took this one's place, as known at a directory size (now, if ``None``)."""
        owner = (self._owners if size is None else self.owners_at(size)).get(kem_key_id, b"")
        found = self._succeeded.get((kem_key_id, owner))
        return found[1] if found is not None and (size is None or found[0] <= size) else None

    def verify_next(self, statement: PrekeyStatement) -> None:
        """Raise ``RefusedError`` (``replay``) unless the number rises and the key was never anyone's."""
        newest = self.newest(statement.sender_id)
        if newest is not None and statement.number <= newest.number:
            raise RefusedError(
                Reason.REPLAY, f"prekey {statement.number} is not above {newest.number}, the newest one"
            )
        # Keys that were logged for a version that is still to come are someone's too.
        if statement.kem_key_id in self._owners or statement.kem_key_id in self._logged:
            raise RefusedError(Reason.REPLAY, "a prekey is a key that was never used before")

    def verify_rate(self, sender_id: bytes, at_ms: int, taken_ms: Sequence[int] = ()) -> None:
        """Raise ``RefusedError`` (``quota``) for more statements than anyone needs: the directory is kept for good.

        ``taken_ms`` is when this broker took the identity's last ones, by its own clock: all that there is to go by
        while the directory's times are ahead of it.
        """
        stated = self._stated.get(sender_id, [])
        # What is dated ahead of this clock was logged under a wrong one: it must not hold up keys until then.
        recent = [p for p in stated[-MAX_PREKEYS_A_DAY:] if p.logged_ms <= at_ms + MAX_CLOCK_SKEW_MS]
        for times in ([p.logged_ms for p in recent], taken_ms[-MAX_PREKEYS_A_DAY:]):
            if len(times) >= MAX_PREKEYS_A_DAY and at_ms - times[0] < DAY_MS:
                raise RefusedError(Reason.QUOTA, f"{MAX_PREKEYS_A_DAY} prekeys a day are enough")

    def verify_fresh(self, slot_ids: tuple[bytes, ...], size: int, at_ms: int) -> None:
        """Raise ``RefusedError`` (``stale-directory``) for an epoch wrapped to a key that gave way an hour ago."""
        for key_id in slot_ids:
            since_ms = self.succeeded_ms(key_id, size)
            if since_ms is None:
                continue
            # Known at that size and dated long after: a clock was wrong, and no hour can be counted from it.
            if at_ms - since_ms > PREKEY_GRACE_MS or since_ms - at_ms > MAX_CLOCK_SKEW_MS:
                raise RefusedError(
                    Reason.STALE_DIRECTORY, "the epoch is sealed to a key that gave way over an hour ago"
                )

    def verify_free(self, identity: Identity, keys: KeyObject, in_force: Container[bytes]) -> None:
        """Raise ``MalformedError`` for a KEM key, or a newest prekey, that is another identity's.

        Anyone who sees a request can state its KEM key as a prekey of its own, without the private key, and so keep it
        out of the register. Who does so shows itself: the version that revokes it may name the key for whose it is.
        Not while it is in force: whoever asks for a place with another's prekey must not take that from it.
        """
        owner = self._owners.get(keys.kem_key_id, keys.sender_id)
        if owner != keys.sender_id:
            if not any(p.key_id == keys.kem_key_id for p in self._stated.get(owner, ())):
                raise MalformedError(f"the KEM key of {identity.name} is, or was, another identity's")
            if owner in in_force:
                raise MalformedError(
                    f"the KEM key of {identity.name} was stated as its own by the identity {owner.hex()}: "
                    "revoke that one in this version, or take in a new request"
                )
        newest = self.newest(keys.sender_id)
        if (
            newest is not None
            and keys.sender_id in in_force
            and self._owners[newest.key_id] != keys.sender_id
        ):
            raise MalformedError(f"the newest KEM key of {identity.name} is another identity's by now")

    def log(self, keys: KeyObject) -> None:
        """A key object was logged."""
        self._logged.add(keys.kem_key_id)

    def name(self, named: Iterable[KeyObject], size: int) -> None:
        """A register version that makes the directory this size named these; each is free."""
        owners = {keys.kem_key_id: keys.sender_id for keys in named}
        if any(self._owners.get(key_id, owner) != owner for key_id, owner in owners.items()):
            # Whoever reads what was sent before this must go on seeing whose slots those were.
            self._owners_before.append((size, self._owners))
            self._owners = dict(self._owners)
        self._owners.update(owners)

    def state(self, statement: PrekeyStatement, before: bytes, size: int, logged_ms: int) -> None:
        """An identity stated its next key in the entry that makes the directory this size; ``before`` gave way."""
        prekey = Prekey(statement.number, statement.kem, statement.kem_key_id, size, logged_ms)
        self._stated.setdefault(statement.sender_id, []).append(prekey)
        self._owners[prekey.key_id] = statement.sender_id
        self._succeeded[before, statement.sender_id] = (size, logged_ms)
