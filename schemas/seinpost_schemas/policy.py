# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What the register allows: mandates, prohibitions, ceilings and audiences, in one place.

The same functions run at the sender, at the broker and at every reader, with the register version and
the time that apply there. Nothing is allowed by default: no mandate, no right. Each raises
``RefusedError`` with the reason and, where the register names one, the basis.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

import msgspec

from .compartment import Classification, Compartment, all_compartments, refuse_state_secret
from .errors import MalformedError, Reason, RefusedError
from .keys import KeyObject
from .kinds import ACTIONS, Action, Kind
from .limits import EXPIRY_WARNING_DAYS
from .register import Audience, Identity, Mandate, Party, Prohibition, Register, Revocation
from .signing import VerifyingKey


class Prekey(msgspec.Struct, frozen=True):
    """A KEM key that an identity stated: ``kem`` 1,216 bytes, ``key_id`` 16; since which directory size, and when."""

    number: int
    kem: bytes
    key_id: bytes
    size: int
    logged_ms: int


class Member(msgspec.Struct, frozen=True):
    """An identity of a party, with its logged keys; what is sent to it is sealed to its newest KEM key."""

    party: Party
    identity: Identity
    keys: KeyObject
    verifying: VerifyingKey
    prekey: Prekey | None = None

    @property
    def kem(self) -> bytes:
        """1,216 bytes: the newest prekey, or the key object's while there is none."""
        return self.prekey.kem if self.prekey is not None else self.keys.kem

    @property
    def kem_key_id(self) -> bytes:
        """16 bytes, of ``kem``."""
        return self.prekey.key_id if self.prekey is not None else self.keys.kem_key_id


class View:
    """One register version together with what identities said since: what a directory size means.

    ``owners`` gives the sender_id, 16 bytes, of every KEM key id that there ever was; keys that came later do no
    harm in it. ``own_revocations`` are those that identities made themselves.
    """

    def __init__(
        self,
        register: Register,
        enclave_id: bytes,
        members: list[Member],
        owners: Mapping[bytes, bytes] | None = None,
        own_revocations: Sequence[Revocation] = (),
    ) -> None:
        self.register = register
        self.enclave_id = enclave_id
        # The registrars' word first: where they and the identity differ, theirs says from when it is suspect.
        self._revocations = {r.sender_id: r for r in (*own_revocations, *register.revocations)}
        revoked = self._revocations
        self._owners = owners if owners is not None else {m.kem_key_id: m.keys.sender_id for m in members}
        self.known_members = members
        """Those that were revoked too."""
        self.members = [m for m in members if m.keys.sender_id.hex() not in revoked]
        self._by_sender = {m.keys.sender_id: m for m in members}
        verify_one_kem_each(members)
        self._parties = {p.token: p for p in register.parties}
        self._audiences = {a.name: a for a in register.audiences}
        self._audience_codes = {a.code: a for a in register.audiences}
        self._boundaries = sorted(_boundaries(register))
        self._audience_cache: dict[tuple[int, int, str, Compartment], dict[bytes, Member]] = {}

    def member(self, sender_id: bytes) -> Member:
        """The identity behind a 16-byte sender_id; refused as ``revoked`` or ``unknown-sender``."""
        revocation = self.revocation(sender_id.hex())
        if revocation is not None:
            raise RefusedError(
                Reason.REVOKED,
                f"the sending identity is revoked since register version {self.register.version} or before; "
                "a new one is needed",
                revocation.reason,
            )
        return self.known_member(sender_id)

    def revocation(self, sender_id: str) -> Revocation | None:
        """The revocation of an identity, by its sender_id in hexadecimal: the registrars', or its own."""
        return self._revocations.get(sender_id)

    def in_force(self, party: Party) -> tuple[Identity, ...]:
        """A party's identities that count: not revoked."""
        return tuple(i for i in party.identities if i.sender_id not in self._revocations)

    def owner(self, kem_key_id: bytes) -> bytes | None:
        """The 16-byte sender_id of the identity that a KEM key is, or was, of."""
        return self._owners.get(kem_key_id)

    def readers_are(self, members: Mapping[bytes, Member], slot_ids: Sequence[bytes]) -> bool:
        """Whether slots are of exactly these members, each under the key that it has now or one that it had."""
        if len(members) != len(slot_ids):
            return False
        if tuple(members) == tuple(slot_ids):
            return True
        return {self.owner(k) for k in slot_ids} == {m.keys.sender_id for m in members.values()}

    def known_member(self, sender_id: bytes) -> Member:
        """The identity behind a 16-byte sender_id, revoked or not: whose something was, not what it may."""
        try:
            return self._by_sender[sender_id]
        except KeyError:
            raise RefusedError(
                Reason.UNKNOWN_SENDER,
                "the sending identity is not in the register; ask a registrar to add it",
            ) from None

    def named(self, name: str) -> Member:
        """The identity with this name; refused as ``unknown-sender`` or ``revoked``."""
        found = next((m for m in self.known_members if m.identity.name == name), None)
        if found is None:
            raise RefusedError(
                Reason.UNKNOWN_SENDER, f"no identity is called {name[:60]!r}; see 'seinpost register show'"
            )
        if (revocation := self.revocation(found.keys.sender_id.hex())) is not None:
            # Not in the words for a sender: who asks for another by its name is not the one that is out.
            raise RefusedError(Reason.REVOKED, f"{name} is revoked", revocation.reason)
        return found

    def is_of(self, party: Party, sender_id: bytes) -> bool:
        """Whether a 16-byte sender_id is an identity of this party, revoked or not."""
        member = self._by_sender.get(sender_id)
        return member is not None and member.party.token == party.token

    def party(self, token: str) -> Party:
        """The party with this token; refused as ``unknown-sender``."""
        try:
            return self._parties[token]
        except KeyError:
            raise RefusedError(
                Reason.UNKNOWN_SENDER, f"the party {token[:40]!r} is not in the register"
            ) from None

    def audience(self, name: str) -> Audience:
        """The audience with this name; refused as ``audience`` with the names there are."""
        try:
            return self._audiences[name]
        except KeyError:
            names = ", ".join(self._audiences)
            raise RefusedError(
                Reason.AUDIENCE, f"no audience is called {name[:40]!r}; the register has {names}"
            ) from None

    def audience_of_code(self, code: int) -> Audience:
        """The audience with this wire code; refused as ``audience``."""
        try:
            return self._audience_codes[code]
        except KeyError:
            raise RefusedError(Reason.AUDIENCE, f"the register has no audience with code {code}") from None

    def audience_members(
        self, audience: Audience, sender: Party, compartment: Compartment, at_ms: int
    ) -> dict[bytes, Member]:
        """``audience_members`` below, remembered until a mandate begins or ends; do not change it."""
        key = (bisect.bisect_right(self._boundaries, at_ms), audience.code, sender.token, compartment)
        members = self._audience_cache.get(key)
        if members is None:
            members = self._audience_cache[key] = audience_members(self, audience, sender, compartment, at_ms)
        return members

    def next_change_ms(self, at_ms: int) -> float | None:
        """The next moment after ``at_ms`` (Unix milliseconds) at which a mandate begins or ends, if there is one."""
        later = bisect.bisect_right(self._boundaries, at_ms)
        return self._boundaries[later] if later < len(self._boundaries) else None


def verify_one_kem_each(members: Sequence[Member]) -> None:
    """Raise ``MalformedError`` for two with one KEM key: one could not read what the register says is sent to it."""
    if len({m.keys.kem_key_id for m in members}) != len(members):
        raise MalformedError("two identities in the register have one KEM key")


def _boundaries(register: Register) -> set[float]:
    """The moments, in Unix milliseconds, at which a mandate begins or ends."""
    mandates = [m for p in register.parties for m in p.mandates]
    return {t.timestamp() * 1000 for m in mandates for t in (m.starts, m.until) if t is not None}


def verify_not_expired(register: Register, at_ms: int) -> None:
    """Raise ``RefusedError`` (``register-expired``) when the register no longer holds."""
    if at_ms >= register.expires.timestamp() * 1000:
        raise RefusedError(
            Reason.REGISTER_EXPIRED,
            f"register version {register.version} expired on {register.expires:%Y-%m-%d}; "
            "nothing can be published until the registrars sign a new one",
        )


def days_to_expiry(register: Register, at_ms: int) -> int | None:
    """Whole days that the register still holds, when that is few enough to warn; else ``None``."""
    days = int((register.expires.timestamp() * 1000 - at_ms) // 86_400_000)
    return max(days, 0) if days < EXPIRY_WARNING_DAYS else None


def suspicion(view: View, sender_id: bytes, log: str, index: int, admitted_ms: int) -> Revocation | None:
    """The revocation that makes an entry suspect: by its time, or by its place in a log (2026q4/depv/process)."""
    revocation = view.revocation(sender_id.hex())
    if revocation is None:
        return None
    if revocation.suspect_from is not None:
        late = admitted_ms >= revocation.suspect_from.timestamp() * 1000
    else:
        late = revocation.suspect_log == log and index >= (revocation.suspect_index or 0)
    return revocation if late else None


def verify_ceiling(register: Register, party: Party, compartment: Compartment) -> None:
    """Raise unless the enclave carries the compartment and the party is cleared for it."""
    level = compartment.classification
    refuse_state_secret(level)
    if not register.ceiling_level.dominates(level):
        raise RefusedError(
            Reason.CEILING, f"{level.dutch} is above this enclave's ceiling ({register.ceiling_level.dutch})"
        )
    clearance = Classification.parse(party.clearance)
    if not clearance.dominates(level):
        raise RefusedError(
            Reason.CLASSIFICATION, f"{party.token} is cleared for {clearance.dutch}, not for {level.dutch}"
        )


def verify_mandate(view: View, party: Party, action: Action, compartment: Compartment, at_ms: int) -> Mandate:
    """The mandate under which ``party`` may do ``action`` in ``compartment`` now.

    A read mandate implies feedback in the same compartment. Raises ``RefusedError`` with reason
    ``prohibited``, ``ceiling``, ``classification`` or ``mandate``.
    """
    return mandate_under(view.register, party, action, compartment, at_ms)


def mandate_under(
    register: Register, party: Party, action: Action, compartment: Compartment, at_ms: int
) -> Mandate:
    """As ``verify_mandate``, by a register's text alone: for what no identity does, such as witnessing."""
    verify_ceiling(register, party, compartment)
    prohibition = _prohibition(register, party, action, compartment, None)
    if prohibition is not None:
        raise RefusedError(
            Reason.PROHIBITED,
            f"{party.token} must not {action} on {compartment.theme.token}",
            prohibition.basis,
        )
    ceiling_only = None
    for mandate in party.mandates:
        if not _covers(mandate, action, compartment, at_ms):
            continue
        if Classification.parse(mandate.ceiling).dominates(compartment.classification):
            return mandate
        ceiling_only = mandate
    if ceiling_only is not None:
        raise RefusedError(
            Reason.CEILING,
            f"{party.token} may {action} on {compartment.theme.token} up to {ceiling_only.ceiling} only",
            ceiling_only.basis,
        )
    raise RefusedError(
        Reason.MANDATE, f"{party.token} has no mandate to {action} on {compartment.theme.token}"
    )


def _covers(mandate: Mandate, action: Action, compartment: Compartment, at_ms: int) -> bool:
    implied = action in mandate.actions or (action is Action.FEEDBACK and Action.READ in mandate.actions)
    in_theme = _names(mandate.themes, compartment)
    started = mandate.starts is None or mandate.starts.timestamp() * 1000 <= at_ms
    ended = mandate.until is not None and mandate.until.timestamp() * 1000 <= at_ms
    return implied and in_theme and started and not ended


def _names(themes: tuple[str, ...], compartment: Compartment) -> bool:
    return "all" in themes or compartment.theme.token in themes


def _prohibition(
    register: Register, party: Party, action: Action, compartment: Compartment, signal_type: str | None
) -> Prohibition | None:
    for prohibition in register.prohibitions:
        applies = prohibition.party == party.token and prohibition.action is action
        in_theme = not prohibition.themes or _names(prohibition.themes, compartment)
        of_type = (
            not prohibition.signal_types if signal_type is None else signal_type in prohibition.signal_types
        )
        if applies and in_theme and of_type:
            return prohibition
    return None


def verify_signal_type(
    view: View, party: Party, compartment: Compartment, signal_type: str, at_ms: int
) -> Mandate:
    """The mandate under which ``party`` may publish this type of signal; only sender and reader can know it.

    Whatever the order of its mandates: one that covers the type is enough. Raises ``RefusedError``.
    """
    prohibition = _prohibition(view.register, party, Action.PUBLISH, compartment, signal_type)
    if prohibition is not None:
        raise RefusedError(
            Reason.PROHIBITED,
            f"{party.token} must not publish signals of type {signal_type}",
            prohibition.basis,
        )
    first = verify_mandate(view, party, Action.PUBLISH, compartment, at_ms)
    for mandate in party.mandates:
        of_type = not mandate.signal_types or signal_type in mandate.signal_types
        ceiling = Classification.parse(mandate.ceiling)
        if (
            of_type
            and _covers(mandate, Action.PUBLISH, compartment, at_ms)
            and ceiling.dominates(compartment.classification)
        ):
            return mandate
    raise RefusedError(
        Reason.MANDATE,
        f"{party.token} has no mandate for signals of type {signal_type} on {compartment.theme.token}",
        first.basis,
    )


def may(view: View, party: Party, action: Action, compartment: Compartment, at_ms: int) -> bool:
    """Whether a mandate exists; for lists of readers only, never in place of ``verify_mandate``."""
    try:
        verify_mandate(view, party, action, compartment, at_ms)
    except RefusedError:
        return False
    return True


def audits(view: View, party: Party, at_ms: int) -> bool:
    """Whether a party may audit anything, and so the admission log."""
    compartments = all_compartments(view.register.ceiling_level)
    return any(may(view, party, Action.AUDIT, c, at_ms) for c in compartments)


def audits_everything(view: View, party: Party, at_ms: int) -> bool:
    """Whether a party may audit every compartment, so that no log is hidden from it, nor how large it is."""
    compartments = all_compartments(view.register.ceiling_level)
    return all(may(view, party, Action.AUDIT, c, at_ms) for c in compartments)


def audience_members(
    view: View, audience: Audience, sender: Party, compartment: Compartment, at_ms: int
) -> dict[bytes, Member]:
    """The identities, by 16-byte kem_key_id, that an epoch for this audience has slots for, sorted.

    Always a subset of the compartment's readers. Refused as ``audience`` when it is empty.
    """
    named = (
        {p.token for p in view.register.parties} if audience.members == "readers" else set(audience.members)
    )
    if audience.sender:
        named.add(sender.token)
    members: dict[bytes, Member] = {}
    for member in view.members:
        if member.party.token in named and may(view, member.party, Action.READ, compartment, at_ms):
            members[member.kem_key_id] = member
    if not members:
        raise RefusedError(
            Reason.AUDIENCE,
            f"the audience {audience.name} has no readers in {compartment} for {sender.token}",
        )
    return dict(sorted(members.items()))


def verify_audience_use(kind: Kind, audience: Audience) -> None:
    """Audience ``own`` carries table acts only, and table acts only ``own``."""
    own = audience.members == () and audience.sender
    if kind is Kind.TABLE_ACT and not own:
        raise RefusedError(Reason.AUDIENCE, "a table act is sealed to the own party only")
    if kind is not Kind.TABLE_ACT and own:
        raise RefusedError(Reason.AUDIENCE, f"the audience {audience.name} carries table acts only")


def action_of(kind: int, claimed: Action | None = None) -> frozenset[Action]:
    """The actions under which a kind may be sent; raises ``MalformedError`` for an unknown kind."""
    try:
        actions = ACTIONS[Kind(kind)]
    except ValueError:
        raise MalformedError(f"kind {kind} is not known to this version") from None
    if claimed is not None and claimed not in actions:
        raise RefusedError(Reason.MANDATE, f"a {Kind(kind).name.lower()} cannot be sent under {claimed}")
    return actions
