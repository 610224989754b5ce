# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A PKCS#11 token in software (SoftHSM2), one for the whole process: its module reads its settings once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN = "480915"
LABEL = "seinpost-test"
MISSING = "SoftHSM2 is not installed here: apt-get install softhsm2"
available = pytest.mark.skipif(shutil.which("softhsm2-util") is None or not MODULE.exists(), reason=MISSING)


class SoftToken:
    """The token, its PIN in a file, and how to empty it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tokens").mkdir()
        config = folder / "softhsm2.conf"
        config.write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(config)
        self.pin_file = folder / "pin.txt"
        self.pin_file.write_text(PIN + "\n")
        self.pin_file.chmod(0o600)
        words = ["--init-token", "--free", "--label", LABEL, "--so-pin", "12345678", "--pin", PIN]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True, timeout=30)

    @property
    def objects(self) -> int:
        """How many keys it holds, public and private ones."""
        return len(list((self.folder / "tokens").rglob("*.object"))) - 1


_made: list[SoftToken] = []


def soft_token(factory: pytest.TempPathFactory) -> SoftToken:
    """The token of this process."""
    if not _made:
        _made.append(SoftToken(factory.mktemp("softhsm")))
    return _made[0]
