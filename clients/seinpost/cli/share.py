# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost share`: the past, for an identity that came later."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import msgspec

from seinpost._share_plan import SharePlan
from seinpost.config import load_config
from seinpost.connection import Connection
from seinpost_schemas.compartment import Classification, Compartment, Theme, all_compartments
from seinpost_schemas.errors import SetupError

from ._output import saying
from ._passphrase import unlock
from ._tty import clean, fail, show_progress


class Wanted(msgspec.Struct, frozen=True):
    """What is to be shared; ``None`` is all."""

    theme: str | None
    classification: str | None
    since: dt.datetime | None

    def compartments(self) -> set[Compartment] | None:
        """The compartments meant; raises ``MalformedError`` for a theme or level that does not exist."""
        theme = Theme.parse(self.theme) if self.theme is not None else None
        level = Classification.parse(self.classification) if self.classification is not None else None
        if theme is None and level is None:
            return None
        return {
            c
            for c in all_compartments(Classification.DEPV)
            if theme in (None, c.theme) and level in (None, c.classification)
        }

    def since_ms(self) -> int:
        """Unix milliseconds; raises ``SetupError`` for a time without its offset."""
        if self.since is None:
            return 0
        if self.since.tzinfo is None:
            raise SetupError("--since needs a time zone, such as 2026-11-24T09:00:00Z")
        return int(self.since.timestamp() * 1000)


async def run(
    reader: str,
    wanted: Wanted,
    config_file: Path,
    passphrase_file: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Share it; 0 when every share was admitted, 1 when secrets of some of it are not held here."""
    compartments, since_ms = wanted.compartments(), wanted.since_ms()
    config = load_config(config_file)
    identity = unlock(config, passphrase_file)
    async with Connection(
        config, identity, on_waiting=fail, on_progress=show_progress, receipts=False
    ) as post:
        plans = await post.share(reader, compartments, since_ms=since_ms, dry_run=dry_run)
    with saying("nothing was shared" if dry_run else "what could be shared is shared"):
        for plan in plans:
            row = _json if as_json else _line
            print(row(reader, plan, shared=not dry_run))
        if not plans and not as_json:
            print(f"nothing to share: {clean(reader)} is in no audience that it was not in then")
    missing = sum(p.missing for p in plans)
    if missing:
        fail(
            f"{missing} epochs cannot be shared: their secrets are not held by {identity.name}; "
            "ask another identity that read them then"
        )
    return 1 if missing else 0


def _line(reader: str, plan: SharePlan, *, shared: bool) -> str:
    verb = "shared" if shared else "to be shared"
    before = f", {plan.before} were before" if plan.before else ""
    return f"{plan.compartment}: {len(plan.epochs)} epochs {verb} with {clean(reader)}{before}"


def _json(reader: str, plan: SharePlan, *, shared: bool) -> str:
    return json.dumps(
        {
            "reader": reader,
            "compartment": str(plan.compartment),
            "epochs": len(plan.epochs),
            "shared": shared,
            "before": plan.before,
            "missing": plan.missing,
        }
    )
