# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A change of the register while the demonstration runs: one mandate begins, another is revoked.

Two registrars sign it and the operator brings it in force, with the commands of docs/runbooks/register.md.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from pathlib import Path

from seinpost_schemas.errors import SetupError

PARTY = "cvdm"
BEGINS, REVOKED = "parties", "debate"
"""The themes on which ``PARTY`` may publish from the change on, and no more."""
SOON = dt.timedelta(seconds=4)
"""Until the new mandate begins: by itself, on the time that the registrars wrote."""
_REGISTRARS = ("bzk-1", "nctv-1")
_MANDATE = """
[[parties.mandates]]
themes = ["{theme}"]
actions = ["publish"]
ceiling = "depv"
from = {begins:%Y-%m-%dT%H:%M:%SZ}
basis = "Besluit van de coördinatietafel (demonstratie)"
status = "default"
"""


def change(text: str, begins: dt.datetime) -> str:
    """The draft of the next version: ``PARTY`` loses publishing on one theme and gains it on another."""
    head, found, rest = text.partition(f'\ntoken = "{PARTY}"\n')
    party, next_party, tail = rest.partition("\n[[parties]]\n")
    own, *tables = party.split("\n[[parties.")
    kept = [t for t in tables if not (t.startswith("mandates]]") and '"publish"' in t)]
    if not found or len(kept) != len(tables) - 1:
        raise SetupError(
            f"the register does not give {PARTY} one mandate to publish: the demonstration needs it"
        )
    mandate = _MANDATE.format(theme=BEGINS, begins=begins)
    return f"{head}{found}{own}{mandate}{''.join(chr(10) + '[[parties.' + t for t in kept)}{next_party}{tail}"


async def publish_change(directory: Path) -> tuple[list[str], dt.datetime]:
    """Bring the change in force; what it means in words, and when the new mandate begins."""
    note, draft = directory / "register.note", directory / "register-2.toml"
    signed = directory / "register-2.note"
    await _run("seinpost", "register", "new", draft, "--from", note)
    # Whole seconds: the register knows no smaller ones.
    begins = dt.datetime.now(dt.UTC).replace(microsecond=0) + SOON
    draft.write_text(change(draft.read_text(encoding="utf-8"), begins), encoding="utf-8")
    words = await _run("seinpost", "register", "diff", note, draft)
    for registrar in _REGISTRARS:
        key = directory / "registrars" / f"{registrar}.key"
        await _run("seinpost", "register", "sign", draft, "--key", key, "--previous", note)
    await _run("seinpost_broker", "publish-register", directory, signed)
    return [line for line in words.splitlines() if PARTY in line or "Media" in line], begins


async def _run(module: str, *arguments: str | Path) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    if process.returncode:
        text = errors.decode(errors="replace").strip().splitlines()
        raise SetupError(f"{arguments[0]}: {text[-1] if text else 'failed without a word'}")
    return out.decode(errors="replace")
