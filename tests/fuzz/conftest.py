# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The fuzz targets, loaded from the script that fuzzes them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parent / "fuzz_decoders.py"


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("seinpost_fuzz_decoders", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FUZZ = load_script()


@pytest.fixture(scope="session")
def fuzz() -> ModuleType:
    return FUZZ


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes ``decoder`` runs once per decoder."""
    if "decoder" in metafunc.fixturenames:
        metafunc.parametrize("decoder", sorted(FUZZ.DECODERS))
