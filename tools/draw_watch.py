# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Draws docs/images/watch.svg: the terminal view of a real demonstration's signals, with one row per signal."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

import seinpost
from seinpost.cli._text import load_texts
from seinpost.cli.watch import Table

TARGET = Path(__file__).parents[1] / "docs" / "images" / "watch.svg"
ROWS = 16


async def draw(enclave: Path) -> str:
    """The view of the first signals and of what witnesses have confirmed, as SVG."""
    console = Console(record=True, width=118, file=io.StringIO(), force_terminal=True, highlight=False)
    table = Table(as_json=False, texts=load_texts("nl"), console=console)
    audited: list[seinpost.Audited] = []
    async with seinpost.connect(enclave / "tafel.toml", on_audited=audited.append) as connection:
        shown = 0
        async with contextlib.aclosing(connection.signals(from_start=True)) as deliveries:
            async for delivery in deliveries:
                table.show(delivery, connection.status(delivery))
                shown += 1
                if shown == ROWS:
                    break
            await asyncio.sleep(2)
    for item in sorted(audited, key=lambda a: a.size)[-3:]:
        table.show_audited(item)
    svg = console.export_svg(title="seinpost watch --config tafel.toml")
    # The reader's own monospaced font will do: a picture fetches nothing.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    """Run a demonstration, serve what it left once more, and draw."""
    with tempfile.TemporaryDirectory() as temporary:
        enclave = Path(temporary) / "demo"
        demo = [sys.executable, "-m", "seinpost", "demo", "--headless", "--keep", str(enclave)]
        subprocess.run(demo, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        command = [sys.executable, "-m", "seinpost_broker", "run", str(enclave)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as broker:
            if broker.stdout is None or not broker.stdout.readline().startswith(b"ready"):
                raise SystemExit("the broker did not start")
            try:
                TARGET.parent.mkdir(parents=True, exist_ok=True)
                TARGET.write_text(asyncio.run(draw(enclave)), encoding="utf-8")
            finally:
                broker.terminate()


if __name__ == "__main__":
    main()
