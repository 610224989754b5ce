# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Both implementations agree on whose cosignature counts, for registers, logs and times of every sort."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.append(str(Path(__file__).parents[1] / "unit" / "client"))

from trial.witnessed import register_of, to_witness

from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.kinds import Action
from seinpost_schemas.quorum import may_witness
from seinpost_schemas.register import Prohibition, Register

pytestmark = pytest.mark.foreign
Node = Callable[..., subprocess.CompletedProcess[str]]
LOG = LogKeys(b"\x07" * 64)
KEYS = [WitnessKeys("proef/witness/w1", b"\x01" * 64)]
START, END = dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
ORIGINS = [
    "proef/directory",
    "proef/admission",
    "other/directory",
    "proef/2026q4/stgc/process",
    "proef/nothing",
    *(f"proef/2026q4/{c}/{t}" for c, t in itertools.product(("ong", "depv"), ("process", "debate"))),
]
TIMES = [0, *(int(t.timestamp()) + n for t in (START, END) for n in (-1, 0, 1))]
SCRIPT = """
import { readFileSync } from "node:fs";
import { mayWitness } from "./witnesses.mjs";
const cases = JSON.parse(readFileSync(0, "utf-8"));
for (const { register } of cases)
  for (const { mandates } of register.parties)
    for (const m of mandates)
      for (const key of ["from", "until"]) if (m[key] !== undefined) m[key] = new Date(m[key]);
const answers = cases.map(({ register, origins, times }) =>
  origins.map((origin) => times.map((t) => mayWitness(register, register.witnesses[0], origin, BigInt(t)))));
console.log(JSON.stringify(answers));
"""


def registers(count: int) -> Sequence[Register]:
    draw = random.Random(4)

    def mandate() -> Any:
        return to_witness(
            themes=draw.choice([("all",), ("process",), ("debate", "parties")]),
            actions=draw.choice([(Action.WITNESS,), (Action.READ,), (Action.READ, Action.WITNESS)]),
            ceiling=draw.choice(["ong", "depv"]),
            starts=draw.choice([None, START]),
            until=draw.choice([None, END]),
        )

    made = []
    for _ in range(count):
        register = register_of(KEYS, LOG, 1, {"w1": [mandate() for _ in range(draw.randint(0, 3))]})
        party = msgspec.structs.replace(register.parties[0], clearance=draw.choice(["ong", "depv", "depv"]))
        prohibition = Prohibition(
            party=draw.choice(["w1", "w1", "w2"]),
            action=draw.choice([Action.WITNESS, Action.READ]),
            basis="Besluit",
            status="note",
            themes=draw.choice([(), ("process",), ("all",)]),
            signal_types=draw.choice([(), (), ("alert",)]),  # type: ignore[arg-type]
        )
        made.append(
            msgspec.structs.replace(
                register,
                parties=(party,),
                ceiling=draw.choice(["ong", "depv", "depv"]),
                prohibitions=(prohibition,) if draw.random() < 0.4 else (),
            )
        )
    return made


def test_both_count_the_same_witnesses(node: Node) -> None:
    made = registers(150)
    cases = []
    for register in made:
        table = msgspec.to_builtins(register)
        for party in table["parties"]:
            for mandate in party["mandates"]:
                for key in ("from", "until"):
                    mandate.pop(key) if mandate[key] is None else None
        cases.append({"register": table, "origins": ORIGINS, "times": TIMES})
    done = node("--input-type=module", "-e", SCRIPT, stdin=json.dumps(cases))
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout)
    ours = [
        [[may_witness(r, r.witnesses[0], origin, t * 1000) for t in TIMES] for origin in ORIGINS]
        for r in made
    ]
    assert theirs == ours
    flat = [answer for case in ours for row in case for answer in row]
    assert 0.1 < sum(flat) / len(flat) < 0.9
