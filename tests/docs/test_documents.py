# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The documents: links lead somewhere, commands exist, tests that are named are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IGNORED = {".venv", "node_modules", "build", "dist", ".git"}
DOCUMENTS = sorted(p for p in ROOT.rglob("*.md") if not IGNORED & set(p.relative_to(ROOT).parts))
OWN = [p for p in DOCUMENTS if "disarm" not in p.parts]
each = pytest.mark.parametrize("path", DOCUMENTS, ids=[str(p.relative_to(ROOT)) for p in DOCUMENTS])


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings."""
    found = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in found}


@each
def test_every_link_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there.read_text()), target


def options_of(*command: str) -> str:
    done = subprocess.run([sys.executable, "-m", *command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", OWN, ids=[str(p.relative_to(ROOT)) for p in OWN])
def test_every_command_and_option_exists(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    blocks = re.findall(r"^    ((?:make|seinpost|seinpost-broker) .*)$", text, re.MULTILINE)
    blocks += re.findall(r"`((?:make|seinpost|seinpost-broker) [^`…]*)`", text)
    for line in blocks:
        words = line.split("#")[0].split()
        if words[0] == "make":
            assert words[1] in targets, line
            continue
        module = "seinpost" if words[0] == "seinpost" else "seinpost_broker"
        command = [
            w
            for w in words[1 : 3 if words[1:2] in (["audit"], ["register"], ["trial-pki"]) else 2]
            if re.fullmatch(r"[a-z-]+", w)
        ]
        shown = options_of(module, *command)
        for option in re.findall(r"(?<!\S)--[a-z-]+", line.split("#")[0]):
            assert option in shown, line


@each
def test_no_document_names_a_machine(path: Path) -> None:
    assert not re.search(r"/(home|root|work|Users|tmp)/\w", path.read_text())


def test_every_decision_is_whole_and_listed() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    records = sorted((ROOT / "docs" / "adr").glob("0*.md"))
    assert len(records) >= 8
    for number, path in enumerate(records, 1):
        text = path.read_text()
        assert path.name.startswith(f"{number:04d}-")
        headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
        assert headings == ["Status", "Context", "Decision", "Consequences"]
        assert f"]({path.name})" in index
        assert text.startswith(f"# {number:04d} ")


def test_what_stops_an_attack_and_what_shows_it_are_there() -> None:
    text = (ROOT / "docs" / "attacks.md").read_text()
    rows = [
        line
        for line in text.splitlines()
        if line.startswith("| ") and not line.startswith(("| attack", "| ---"))
    ]
    assert len(rows) >= 30
    for row in rows:
        named = re.findall(r"`([\w/.-]+\.(?:py|mjs|json))(?:::(\w+))?`", row)
        assert named, row
        for file, test in named:
            path = ROOT / file
            assert path.exists(), row
            assert not test or f"def {test}(" in path.read_text(), (file, test)
