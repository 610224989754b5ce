# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The second implementation, written in JavaScript from docs/spec.md alone, agrees with the test vectors."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
from collections.abc import Callable

import pytest

pytestmark = [pytest.mark.foreign]

VECTORS = importlib.resources.files("seinpost_schemas") / "vectors"
FILES = ("opening", "headers", "bodies", "statements")
Node = Callable[..., subprocess.CompletedProcess[str]]


def test_checks_itself_against_other_libraries(node: Node) -> None:
    tested = node("--test", "self.test.mjs")
    assert tested.returncode == 0, tested.stdout


def test_agrees_with_every_vector(node: Node) -> None:
    with importlib.resources.as_file(VECTORS) as directory:
        verified = node("verify.mjs", str(directory))
    assert verified.stdout, verified.stderr
    report = json.loads(verified.stdout)
    assert sorted(report) == sorted(FILES)
    disagreeing = {name: report[name]["failed"] for name in FILES if report[name]["failed"]}
    assert not disagreeing, json.dumps(disagreeing, indent=1)
    assert all(report[name]["passed"] > 0 for name in FILES), report
    assert verified.returncode == 0, verified.stderr
