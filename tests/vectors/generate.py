# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Write the test vectors, or with ``--check`` compare them byte for byte with what this writes.

python tests/vectors/generate.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from clear_cases import body_vectors, header_vectors
from opening_cases import opening_vectors
from statement_cases import statement_vectors

DIRECTORY = Path(__file__).parents[2] / "schemas" / "seinpost_schemas" / "vectors"
FILES: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "bodies.json": body_vectors,
    "headers.json": header_vectors,
    "opening.json": opening_vectors,
    "statements.json": statement_vectors,
}


def render(vectors: list[dict[str, Any]]) -> bytes:
    """The one form of a file; raises ``ValueError`` when two vectors have one name."""
    names = [vector["name"] for vector in vectors]
    if len(set(names)) != len(names):
        raise ValueError(f"names twice: {sorted({n for n in names if names.count(n) > 1})}")
    return (json.dumps({"vectors": vectors}, indent=1, sort_keys=True) + "\n").encode("ascii")


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Write or check the test vectors.")
    parser.add_argument("--check", action="store_true", help="compare only; exit with 1 on a difference")
    check = parser.parse_args().check
    status = 0
    for name, make in FILES.items():
        path, data = DIRECTORY / name, render(make())
        if not check:
            path.write_bytes(data)
        elif not path.is_file() or path.read_bytes() != data:
            print(f"{name} is not what the generator writes", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
