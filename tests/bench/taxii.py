# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A TAXII 2.1 server to compare with: OASIS' medallion, with its memory back end, in an environment of its own.

It must live apart: its dependencies are years older than ours. The first benchmark installs it, from the pins in
`taxii-requirements.lock`; where that cannot be done, the rows say why and are left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

from http_ends import TAXII_PASSWORD, TAXII_USER

_HERE = Path(__file__).parent
_LOCK = _HERE / "taxii-requirements.lock"
_INSTALL_SECONDS = 180
_COLLECTION_ID = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def install(folder: Path) -> tuple[Path | None, str]:
    """(the `medallion` command, or why there is none); installs it into ``folder`` once."""
    command = folder / "bin" / "medallion"
    if command.exists():
        return command, ""
    try:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run(
            [str(folder / "bin" / "pip"), "install", "--quiet", "--require-hashes", "-r", str(_LOCK)],
            check=True,
            timeout=_INSTALL_SECONDS,
            stdout=sys.stderr,
        )
    except (subprocess.SubprocessError, OSError) as error:
        return None, f"medallion could not be installed: {type(error).__name__}"
    return (command, "") if command.exists() else (None, "medallion has no command of that name")


def write_config(folder: Path) -> Path:
    """Its configuration and its empty data, for one collection."""
    information = {
        "title": "Signals",
        "description": "",
        "versions": ["application/taxii+json;version=2.1"],
        "max_content_length": 104_857_600,
    }
    collection = {
        "id": _COLLECTION_ID,
        "title": "Signals",
        "description": "",
        "can_read": True,
        "can_write": True,
        "media_types": ["application/stix+json;version=2.1"],
        "objects": [],
        "manifest": [],
    }
    data = {
        "/discovery": {"title": "bench", "description": "", "contact": "", "api_roots": ["/signals/"]},
        "signals": {"information": information, "status": [], "collections": [collection]},
    }
    (folder / "data.json").write_text(json.dumps(data))
    config = {
        "backend": {
            "module": "medallion.backends.memory_backend",
            "module_class": "MemoryBackend",
            "filename": str(folder / "data.json"),
        },
        "users": {TAXII_USER: TAXII_PASSWORD},
        "taxii": {"max_page_size": 1_000},
    }
    path = folder / "medallion.json"
    path.write_text(json.dumps(config))
    return path
