# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave with a batch of audited signals, and proofs of them as files."""

from __future__ import annotations

import json
from pathlib import Path

from .enclave import Enclave, run
from .samples import line, table

PARTIES = ("ncsc", "ibd", "ap", "toezicht", "tafel")
SECRET = "een bron die niemand mag zien"


class Made:
    """An enclave with a batch of signals, and the proof of one of them."""

    def __init__(self, enclave: Enclave, folder: Path) -> None:
        self.enclave = enclave
        self.folder = folder
        rows = []
        for number in range(5):
            row = table(f"Signaal {number}")
            row["indicators"] = [{"type": "domain-name", "value": f"n{number}.example"}]
            row["protected"] = {"source_description": SECRET}
            rows.append(json.dumps(row).encode())
        source = folder / "five.jsonl"
        source.write_bytes(b"\n".join(rows) + b"\n" + line("Zonder bron"))
        done = enclave.publish(
            "ncsc", source, "--theme", "process", "--classification", "depv", "--audited", "--json"
        )
        assert done.status == 0, done
        self.ids = [r["signal"] for r in done.rows if r["verdict"] == "admitted"]
        self.config = enclave.config("tafel")
        self.enclave_id = enclave.trusted_directory().enclave_id

    def prove(self, number: int, *more: str) -> Path:
        target = self.folder / f"{number}-{'-'.join(more)}.json".replace("/", "").replace(",", "")
        done = run("proof", self.ids[number], "--config", self.config, "--out", target, *more)
        assert done.status == 0, done
        return target
