# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A million signals in bounded memory, while they come and after a restart.

They are put into the index by its own functions: a million envelopes are not sealed and verified for it. Each step
is a process of its own that has imported all that a console imports.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "bench"))

from console_index import run_step

MANY = 1_000_000
MEGABYTES = 300
"""What docs/console.md promises."""


@pytest.mark.timeout(900)
def test_a_million_signals_need_less_than_three_hundred_megabytes(tmp_path: Path) -> None:
    filled = run_step("fill", tmp_path, str(MANY))
    assert filled["MB"] < MEGABYTES
    # On disk, where they are: a bound in memory that holds because nothing was kept would be none.
    assert filled["disk"] > 1_000
    measured = run_step("measure", tmp_path)
    print(filled, measured)
    assert measured["memory"] < MEGABYTES
    assert measured["first page"] < 1_000
    assert measured["last page"] < 2_000
    assert measured["begin"] < 30_000
