# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a new version of the register changes, in sentences. Pure.

No difference gives no sentence, and every difference at least one: what has no sentence of its own is named
by its field, so that nothing changes unseen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from seinpost.texts import Texts
from seinpost_schemas.entry import from_base64
from seinpost_schemas.errors import MalformedError
from seinpost_schemas.quota import DEFAULT
from seinpost_schemas.register import Identity, Mandate, Party, Prohibition, Register, Revocation

from .fingerprint import key_fingerprint
from .words import Words

_T = TypeVar("_T", bound=msgspec.Struct)


def register_diff(old: Register, new: Register, texts: Texts, language: str) -> list[str]:
    """The sentences, in the order of the register's fields; ``language`` is nl or en."""
    return _Diff(old, new, texts, Words(texts, language)).sentences()


class _Diff:
    def __init__(self, old: Register, new: Register, texts: Texts, words: Words) -> None:
        self._old = old
        self._new = new
        self._texts = texts
        self._words = words
        self._by_field: dict[str, Callable[[], Iterator[str]]] = {
            "registrars": self._registrars,
            "log": self._log,
            "audiences": lambda: self._listed("audiences", texts("audience"), lambda a: a.name),
            "brokers": lambda: self._listed("brokers", texts("broker"), lambda b: b.name),
            "witnesses": lambda: self._listed("witnesses", texts("witness"), lambda w: w.name),
            "parties": self._parties,
            "prohibitions": self._prohibitions,
            "revocations": self._revocations,
        }

    def sentences(self) -> list[str]:
        """Every field that differs, at least once."""
        found: list[str] = []
        for field in Register.__struct_fields__:
            before, after = getattr(self._old, field), getattr(self._new, field)
            if before != after:
                own = self._by_field.get(field)
                said = list(own() if own is not None else self._top(field))
                found += said or [self._order(field)]
        return found

    # -- values -----------------------------------------------------------------------------------

    def _order(self, what: str) -> str:
        return self._texts("{what}: the same, in another order or written differently.").format(what=what)

    def _changed(self, what: str, before: object, after: object) -> str:
        return self._texts("{what}: {before} becomes {after}.").format(
            what=what, before=self._shown(before), after=self._shown(after)
        )

    def _shown(self, value: object) -> str:
        if isinstance(value, bool):
            return self._words.yes(value)
        if isinstance(value, dt.datetime):
            return self._words.moment(value)
        # A key; not the subject of a certificate.
        if isinstance(value, str) and len(value) > 64 and " " not in value and "," not in value:
            return key_fingerprint(value.encode())
        if isinstance(value, tuple):
            return self._words.listing(str(v) for v in value)
        return "-" if value is None else str(value)

    def _label(self, field: str) -> str:
        texts = self._texts
        labels = {
            "enclave": texts("The enclave's name"),
            "version": texts("The version"),
            "issued": texts("The date of issue"),
            "expires": texts("The date of expiry"),
            "ceiling": texts("ceiling"),
            "schema": texts("The section schema"),
            "quorum": texts("The number of witnesses that must cosign"),
            "current": texts("The log period that runs"),
            "next": texts("The log period that follows"),
            "retained": texts("The earlier log periods that can still be read"),
            "production": texts("In production, with real OINs"),
            "oin": texts("OIN"),
            "name_nl": texts("Dutch name"),
            "name_en": texts("English name"),
            "clearance": texts("clearance"),
            "code": texts("code"),
            "members": texts("members"),
            "sender": texts("the sender's own party is added"),
            "nats": texts("connection key"),
            "certificate": texts("connection certificate"),
            "certificate_keys": texts("keys of connection certificates"),
            "seal": texts("the certificate that seals its keys"),
            "statement": texts("key statement"),
            "succeeds": texts("succeeds"),
            "pinned": texts("Only certificates on record may connect"),
            "sender_id": texts("signing key (sender_id)"),
            "keys": texts("keys (fingerprint)"),
            "starts": texts("begins"),
            "until": texts("ends"),
            "basis": texts("basis"),
            "status": texts("status"),
            "default_audience": texts("default audience"),
            "signal_types": texts("types of signal"),
            "bytes": texts("bytes that may wait for admission"),
            "messages": texts("envelopes that may wait for admission"),
            "bytes_per_second": texts("bytes a second"),
            "connections": texts("connections at one time"),
        }
        return labels.get(field, field)

    def _fields(self, prefix: str, before: Any, after: Any, skip: Sequence[str] = ()) -> Iterator[str]:
        for field in type(before).__struct_fields__:
            old, new = getattr(before, field), getattr(after, field)
            if field not in skip and old != new:
                yield self._changed(prefix + self._label(field), old, new)

    def _top(self, field: str) -> Iterator[str]:
        before, after = getattr(self._old, field), getattr(self._new, field)
        if isinstance(before, msgspec.Struct):
            yield from self._fields("", before, after)
        else:
            yield self._changed(self._label(field), before, after)

    def _paired(
        self, old: Sequence[_T], new: Sequence[_T], key: Callable[[_T], object]
    ) -> Iterator[tuple[_T | None, _T | None]]:
        """(before, after) by key: gone, come, or both; equal ones are left out."""
        left = {key(item): item for item in old}
        right = {key(item): item for item in new}
        for k, item in left.items():
            if item != right.get(k):
                yield item, right.get(k)
        for k, item in right.items():
            if k not in left:
                yield None, item

    def _listed(self, field: str, what: str, name: Callable[[Any], str]) -> Iterator[str]:
        """Things that are named, and whose fields speak for themselves."""
        for before, after in self._paired(getattr(self._old, field), getattr(self._new, field), name):
            if before is None:
                values = ", ".join(f"{self._label(k)} {self._shown(v)}" for k, v in self._values(after))
                yield self._texts("New {what} {name}: {values}.").format(
                    what=what, name=name(after), values=values
                )
            elif after is None:
                yield self._texts("The {what} {name} is removed.").format(what=what, name=name(before))
            else:
                yield from self._fields(f"{what} {name(before)}, ", before, after)

    @staticmethod
    def _values(item: Any) -> list[tuple[str, object]]:
        fields = [(f, getattr(item, f)) for f in type(item).__struct_fields__ if f != "name"]
        return [(f, v) for f, v in fields if v is not None and v != ()]

    # -- keys of the enclave ----------------------------------------------------------------------

    def _registrars(self) -> Iterator[str]:
        before, after = self._old.registrars, self._new.registrars
        if before.threshold != after.threshold:
            yield self._texts.plural(
                "{before} registrar had to sign; from now on {after} must.",
                "{before} registrars had to sign; from now on {after} must.",
                before.threshold,
            ).format(before=before.threshold, after=after.threshold)
        for key in before.keys:
            if key not in after.keys:
                yield self._texts("The registrar {name} may no longer sign (key {fingerprint}).").format(
                    name=key.partition("+")[0], fingerprint=key_fingerprint(key.encode())
                )
        for key in after.keys:
            if key not in before.keys:
                yield self._texts("The registrar {name} may sign (key {fingerprint}).").format(
                    name=key.partition("+")[0], fingerprint=key_fingerprint(key.encode())
                )

    def _log(self) -> Iterator[str]:
        for field in ("ed25519", "mldsa44"):
            before, after = getattr(self._old.log, field), getattr(self._new.log, field)
            if before != after:
                yield self._texts(
                    "The brokers sign with another {field} log key: {before} becomes {after}."
                ).format(field=field, before=_fingerprint(before), after=_fingerprint(after))

    # -- parties ----------------------------------------------------------------------------------

    def _parties(self) -> Iterator[str]:
        for before, after in self._paired(self._old.parties, self._new.parties, lambda p: p.token):
            if after is None and before is not None:
                yield self._texts("{party} leaves the register, with all its keys and mandates.").format(
                    party=self._words.name(before)
                )
            elif before is None and after is not None:
                yield self._texts("{party} joins: OIN {oin}, clearance {level}.").format(
                    party=self._words.name(after), oin=after.oin, level=self._words.level(after.clearance)
                )
                empty = msgspec.structs.replace(after, identities=(), mandates=(), quota=DEFAULT)
                yield from self._party(empty, after)
            elif before is not None and after is not None:
                said = list(self._party(before, after))
                yield from said or [self._order(self._words.name(after))]

    def _party(self, before: Party, after: Party) -> Iterator[str]:
        name = self._words.name(after)
        yield from self._fields(f"{name}, ", before, after, skip=("identities", "mandates", "quota"))
        yield from self._fields(f"{name}, ", before.quota, after.quota)
        for old, new in self._paired(before.identities, after.identities, lambda i: i.name):
            yield from self._identity(name, old, new)
        yield from self._mandates(name, before.mandates, after.mandates)

    def _identity(self, party: str, before: Identity | None, after: Identity | None) -> Iterator[str]:
        if before is None and after is not None:
            yield self._texts("{party} gets the identity {name}, with keys {fingerprint}.").format(
                party=party, name=after.name, fingerprint=after.keys
            )
            if after.succeeds is not None:
                yield self._texts("{name} succeeds {before}, which vouched for it.").format(
                    name=after.name, before=after.succeeds
                )
            if after.statement is not None:
                yield self._texts("The keys of {name} are sealed by the certificate of {party}.").format(
                    name=after.name, party=party
                )
            if after.certificate is not None:
                yield self._texts("{name} connects with the certificate of {subject}.").format(
                    name=after.name, subject=after.certificate
                )
        elif after is None and before is not None:
            yield self._texts("{party} loses the identity {name}, with keys {fingerprint}.").format(
                party=party, name=before.name, fingerprint=before.keys
            )
        elif before is not None:
            yield from self._fields(f"{party}, {before.name}, ", before, after)

    def _mandates(self, party: str, old: Sequence[Mandate], new: Sequence[Mandate]) -> Iterator[str]:
        gone, come = _without(old, new), _without(new, old)
        for before in list(gone):
            after = next((m for m in come if _akin(before, m)), None)
            if after is not None:
                gone.remove(before)
                come.remove(after)
                yield from self._mandate(party, before, after)
        for mandate in gone:
            yield self._texts("{party} loses: {mandate}.").format(
                party=party, mandate=self._words.mandate(mandate)
            )
        for mandate in come:
            yield self._texts("{party} may: {mandate}.").format(
                party=party, mandate=self._words.mandate(mandate)
            )

    def _mandate(self, party: str, before: Mandate, after: Mandate) -> Iterator[str]:
        """One mandate that is written otherwise: what is lost and won first, then the rest."""
        words, said = self._words, 0
        ground = words.basis(after.basis, after.status)
        for ours, theirs, text in (
            (before, after, self._texts("{party} loses {themes}: no longer {actions}, {ground}.")),
            (after, before, self._texts("{party} gets {themes}: may {actions}, {ground}.")),
        ):
            themes = [t for t in ours.themes if t not in theirs.themes]
            actions = [a for a in ours.actions if a not in theirs.actions]
            if themes or actions:
                said += 1
                yield text.format(
                    party=party,
                    themes=words.themes(themes or ours.themes),
                    actions=words.actions(actions or ours.actions),
                    ground=ground if ours is after else words.basis(before.basis, before.status),
                )
        prefix = self._texts("{party}, mandate to {actions} on {themes}: ").format(
            party=party, actions=words.actions(after.actions), themes=words.themes(after.themes)
        )
        for sentence in self._fields(prefix, before, after, skip=("themes", "actions")):
            said += 1
            yield sentence
        if not said:
            yield self._order(prefix.rstrip(": "))

    # -- prohibitions and revocations -------------------------------------------------------------

    def _prohibitions(self) -> Iterator[str]:
        for prohibition in _without(self._old.prohibitions, self._new.prohibitions):
            yield self._texts("{party} is no longer prohibited to {what}.").format(
                party=self._whose(prohibition), what=self._words.prohibition(prohibition)
            )
        for prohibition in _without(self._new.prohibitions, self._old.prohibitions):
            yield self._texts("{party} must not {what}.").format(
                party=self._whose(prohibition), what=self._words.prohibition(prohibition)
            )

    def _whose(self, prohibition: Prohibition) -> str:
        return self._words.name_of(prohibition.party, self._new, self._old)

    def _revocations(self) -> Iterator[str]:
        for before, after in self._paired(
            self._old.revocations, self._new.revocations, lambda r: r.sender_id
        ):
            if before is not None:
                yield self._texts("The revocation of {identity} is withdrawn ({reason}).").format(
                    identity=self._identified(before), reason=before.reason
                )
            if after is not None:
                yield self._texts("{identity} is revoked, suspect from {suspect}: {reason}.").format(
                    identity=self._identified(after), suspect=self._suspect(after), reason=after.reason
                )

    def _identified(self, revocation: Revocation) -> str:
        for register in (self._new, self._old):
            for party in register.parties:
                for identity in party.identities:
                    if identity.sender_id == revocation.sender_id:
                        return f"{identity.name} ({self._words.name(party)})"
        return revocation.sender_id

    def _suspect(self, revocation: Revocation) -> str:
        if revocation.suspect_from is not None:
            return self._words.moment(revocation.suspect_from)
        return self._texts("entry {index} of {log}").format(
            index=revocation.suspect_index, log=revocation.suspect_log
        )


def _akin(one: Mandate, other: Mandate) -> bool:
    return set(one.actions) == set(other.actions) or set(one.themes) == set(other.themes)


def _without(items: Sequence[_T], others: Sequence[_T]) -> list[_T]:
    """The items that are not among the others, counted."""
    left = list(items)
    for other in others:
        if other in left:
            left.remove(other)
    return left


def _fingerprint(key: str) -> str:
    try:
        return key_fingerprint(from_base64(key, 4096))
    except MalformedError:
        return key
