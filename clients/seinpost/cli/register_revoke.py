# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register revoke`: identities and witnesses that no longer count, in the text of a draft."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seinpost._files import write_whole
from seinpost.registrar.draft import add_revocations, remove_witnesses
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.register import Register, Revocation, parse_table

from .register_edit import read_draft, say_done


class Suspicion(msgspec.Struct, frozen=True):
    """Why an identity is revoked, and from when or where on it is suspect."""

    reason: str
    since: dt.datetime | None
    log: str | None
    index: int | None

    @property
    def why(self) -> str:
        """Reason and beginning in one line, for people."""
        since = f"{self.since:%Y-%m-%dT%H:%M:%S%z}" if self.since else f"entry {self.index} of {self.log}"
        return f"{self.reason} (suspect from {since})"


def run_revoke(
    draft: Path, names: Sequence[str], party: str | None, suspicion: Suspicion, *, as_json: bool
) -> int:
    """Add revocations to a draft, and take witnesses out of it; 0."""
    text = read_draft(draft)
    register = parse_table(text)
    if (party is None) == (not names):
        raise MalformedError("name identities or witnesses, or a party with --party")
    if suspicion.since is not None and suspicion.since.tzinfo is None:
        raise MalformedError("a time has its offset: 2026-11-24T09:00:00Z")
    if party is not None and register.party(party) is None:
        raise SetupError(f"the register has no party {party[:40]!r}")
    place = (suspicion.log is not None, suspicion.index is not None)
    if place not in ((True, True), (False, False)) or place[0] == (suspicion.since is not None):
        raise MalformedError("say from when it is suspect: --since, or --log and --index")
    identities, witnesses = _to_revoke(register, names, party)
    known = {i.name: i for p in register.parties for i in p.identities}
    revocations = [
        Revocation(
            sender_id=known[n].sender_id,
            reason=suspicion.reason,
            suspect_from=suspicion.since,
            suspect_log=suspicion.log,
            suspect_index=suspicion.index,
        )
        for n in identities
    ]
    if revocations:
        text = add_revocations(text, revocations)
    if witnesses:
        text = remove_witnesses(text, witnesses, suspicion.why)
    write_whole(draft, text.encode())
    after = parse_table(text)
    row = {
        "revoked": identities,
        "witnesses": witnesses,
        "quorum": after.quorum,
        "left": len(after.witnesses),
    }
    say_done(as_json, row, f"{draft}: revokes {', '.join([*identities, *witnesses])}")
    if witnesses and not as_json:
        print(_about_quorum(register, after), file=sys.stderr)
    return 0


def _to_revoke(register: Register, names: Sequence[str], party: str | None) -> tuple[list[str], list[str]]:
    """The identities and the witnesses that are meant, by name; raises ``SetupError`` for one that is not there."""
    identities = [i.name for p in register.parties for i in p.identities]
    witnesses = [w.name for w in register.witnesses]
    for name in names:
        if name not in identities and name not in witnesses:
            raise SetupError(
                f"the register has no identity {name[:40]!r}, nor a witness: seinpost register show lists them"
            )
    if party is None:
        return [n for n in names if n in identities], [n for n in names if n in witnesses]
    own = [i.name for p in register.parties if p.token == party for i in register.in_force(p)]
    watching = [w.name for w in register.witnesses if w.party == party]
    if not own and not watching:
        raise SetupError(f"{party} has no identity that is in force, and no witness: nothing was changed")
    return own, watching


def _about_quorum(before: Register, after: Register) -> str:
    """What is left of witnessing, and what to do."""
    left = len(after.witnesses)
    if not left:
        return (
            "no witness is left: from this version on readers have the broker's word only, and nothing is marked "
            "audited. Have a witness added as soon as you can: seinpost keygen --witness-of, seinpost register add"
        )
    may_fail, could = (max(0, (n - 1) // 3) for n in (left, len(before.witnesses)))
    advice = (
        " (it was {could}). Have another added: seinpost keygen --witness-of, seinpost register add"
        if may_fail < could
        else ""
    )
    return (
        f"{after.quorum} of the {left} witnesses that are left must cosign; of them {may_fail} may be dishonest"
        + advice.format(could=could)
    )
