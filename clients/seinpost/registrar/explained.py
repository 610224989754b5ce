# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An explanation or a register as lines of text, in words of officials. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from seinpost.texts import Texts
from seinpost_schemas.compartment import Compartment, Theme
from seinpost_schemas.kinds import Action
from seinpost_schemas.policy import View
from seinpost_schemas.quota import DEFAULT, Quota
from seinpost_schemas.register import Identity, Register

from .explain import Answer, Explanation, Reader
from .fingerprint import grouped, key_fingerprint
from .words import Words


def explanation_lines(view: View, explanation: Explanation, texts: Texts, language: str) -> list[str]:
    """What a party may, what it will, and what it may not, each with its basis."""
    words = Words(texts, language)
    party = view.party(explanation.party)
    lines = [
        texts("{party}, OIN {oin}, cleared for {level}").format(
            party=words.name(party), oin=party.oin, level=words.level(party.clearance)
        )
    ]
    lines.append(quota_line(party.quota, words, texts))
    lines += [_connects(i, texts) for i in view.in_force(party)]
    for action, answers in _by_action(explanation.answers, allowed=True):
        lines += _grouped(texts("MAY {what}"), action, answers, words, texts)
    lines += [
        texts("WILL: {mandate}").format(mandate=words.mandate(mandate)) for mandate in explanation.later
    ]
    lines += [
        texts("MUST NOT {what}").format(what=words.prohibition(prohibition))
        for prohibition in explanation.prohibitions
    ]
    for action, answers in _by_action(explanation.answers, allowed=False):
        lines += _grouped(texts("MAY NOT {what}"), action, answers, words, texts)
    return lines


def quota_line(quota: Quota, words: Words, texts: Texts) -> str:
    """How much of the servers and brokers a party may take."""
    parts = [
        texts("{size} may wait for admission").format(size=words.size(quota.bytes)),
        texts.plural("at most {count} envelope", "at most {count} envelopes", quota.messages).format(
            count=quota.messages
        )
        if quota.messages is not None
        else "",
        texts("{size} a second").format(size=words.size(quota.bytes_per_second)),
        texts.plural(
            "{count} connection at one time", "{count} connections at one time", quota.connections
        ).format(count=quota.connections),
    ]
    return texts("QUOTA: {parts}").format(parts=", ".join(p for p in parts if p))


def _connects(identity: Identity, texts: Texts) -> str:
    """How the server knows an identity."""
    if identity.certificate is None:
        return texts("{name} connects with its own connection key").format(name=identity.name)
    return texts("{name} connects with the certificate of {subject}").format(
        name=identity.name, subject=identity.certificate
    )


def _sealed(identity: Identity, texts: Texts) -> str:
    """Whether the party's certificate says that the keys are its own."""
    if identity.statement is None:
        return texts("its keys are not sealed by the party's certificate")
    return texts("its keys are sealed, key statement {fingerprint}").format(
        fingerprint=grouped(identity.statement[:32])
    )


def _by_action(answers: Sequence[Answer], *, allowed: bool) -> list[tuple[Action, list[Answer]]]:
    found = [(a, [x for x in answers if x.action is a and x.allowed is allowed]) for a in Action]
    return [(action, group) for action, group in found if group]


def _grouped(line: str, action: Action, answers: Sequence[Answer], words: Words, texts: Texts) -> list[str]:
    """One line per ground, however many compartments it covers."""
    grounds: dict[tuple[object, ...], list[Compartment]] = {}
    for answer in answers:
        ground = (answer.basis, answer.status, answer.until, answer.reason)
        grounds.setdefault(ground, []).append(Compartment.parse(answer.compartment))
    lines = []
    for (basis, status, until, reason), places in grounds.items():
        parts = [
            texts("{actions} in {places}").format(
                actions=words.actions([action]), places=_places(places, words)
            )
        ]
        if until is not None:
            parts.append(texts("until {day}").format(day=words.moment(until)))  # type: ignore[arg-type]
        if reason is not None:
            parts.append(_reason(str(reason), texts))
        if basis is not None:
            parts.append(words.basis(str(basis), str(status)) if status else f"“{basis}”")
        lines.append(line.format(what=", ".join(parts)))
    return lines


def _places(places: Sequence[Compartment], words: Words) -> str:
    """Compartments, by the levels they have in common."""
    by_theme: dict[Theme, list[str]] = {}
    for place in places:
        by_theme.setdefault(place.theme, []).append(place.classification.token)
    by_levels: dict[tuple[str, ...], list[str]] = {}
    for theme, levels in by_theme.items():
        by_levels.setdefault(tuple(levels), []).append(theme.token)
    return "; ".join(
        f"{words.themes(themes)} ({words.listing(words.level(t) for t in levels)})"
        for levels, themes in by_levels.items()
    )


def _reason(reason: str, texts: Texts) -> str:
    reasons = {
        "mandate": texts("it has no mandate for it"),
        "prohibited": texts("it is prohibited"),
        "ceiling": texts("its mandate does not go that far"),
        "classification": texts("it is not cleared for it"),
    }
    return reasons.get(reason, reason)


def reader_lines(
    view: View, compartment: Compartment, readers: Sequence[Reader], texts: Texts, language: str
) -> list[str]:
    """Who reads a compartment, one line each; that nobody does is a line too."""
    words = Words(texts, language)
    place = _places([compartment], words)
    if not readers:
        return [texts("Nobody can read {place}.").format(place=place)]
    said = texts.plural("{count} party can read {place}:", "{count} parties can read {place}:", len(readers))
    lines = [said.format(count=len(readers), place=place)]
    for reader in readers:
        parts = [words.name_of(reader.party, view.register)]
        if reader.protected:
            parts.append(texts("the protected section too"))
        if reader.until is not None:
            parts.append(texts("until {day}").format(day=words.moment(reader.until)))
        if not reader.identities:
            parts.append(texts("has no identity yet"))
        parts.append(f"“{reader.basis}”")
        lines.append("  " + ", ".join(parts))
    return lines


def register_lines(register: Register, texts: Texts, language: str) -> list[str]:
    """A whole register: its dates, registrars, parties with keys and mandates, prohibitions, revocations."""
    words = Words(texts, language)
    lines = [
        texts("Register of {enclave}, version {version}, issued {issued}, expires {expires}").format(
            enclave=register.enclave,
            version=register.version,
            issued=words.moment(register.issued),
            expires=words.moment(register.expires),
        ),
        texts.plural(
            "ceiling {level}; periods {current} and {next}; witnesses: {witnesses}, of whom {quorum} must cosign",
            "ceiling {level}; periods {current} and {next}; witnesses: {witnesses}, of whom {quorum} must cosign",
            register.quorum,
        ).format(
            level=words.level(register.ceiling),
            current=register.periods.current,
            next=register.periods.next,
            quorum=register.quorum,
            witnesses=len(register.witnesses),
        ),
        texts("in production: every OIN is real")
        if register.production
        else texts("a trial: not in production, test OINs are allowed"),
        texts.plural(
            "{threshold} of these registrars must sign:",
            "{threshold} of these registrars must sign:",
            register.registrars.threshold,
        ).format(threshold=register.registrars.threshold),
    ]
    lines += [f"  {k.partition('+')[0]}  {key_fingerprint(k.encode())}" for k in register.registrars.keys]
    for party in register.parties:
        lines.append(f"{words.name(party)}, OIN {party.oin}, {words.level(party.clearance)}")
        if party.seal is not None:
            lines.append(
                "  " + texts("seals its keys with the certificate of {subject}").format(subject=party.seal)
            )
        for identity in party.identities:
            revoked = register.revocation(identity.sender_id)
            mark = texts("REVOKED: {reason}").format(reason=revoked.reason) if revoked else identity.keys
            lines.append(f"  {identity.name}  {mark}")
            if identity.certificate is not None and not revoked:
                lines.append("    " + _connects(identity, texts))
            if identity.succeeds is not None:
                lines.append("    " + texts("succeeds {before}").format(before=identity.succeeds))
            if party.seal is not None and not revoked:
                lines.append("    " + _sealed(identity, texts))
        if party.quota != DEFAULT:
            lines.append("  " + quota_line(party.quota, words, texts))
        lines += ["  " + texts("may {mandate}").format(mandate=words.mandate(m)) for m in party.mandates]
        lines += [
            "  " + texts("MUST NOT {what}").format(what=words.prohibition(p))
            for p in register.prohibitions
            if p.party == party.token
        ]
    return lines
