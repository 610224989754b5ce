# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A portable proof of misbehaviour: two signed checkpoints of one log that cannot both be true.

Of one size with different roots; or of two sizes, with a path which shows that the tree under the larger one begins
with another root at the smaller size.

JSON (specification, section 8.10). It holds the register that names the log's keys, so that whoever trusts the
enclave_id, or reads it from the file, needs nothing else.
"""

from __future__ import annotations

import msgspec

from .checkpoint import Checkpoint, LogPublicKeys, parse_checkpoint, verify_checkpoint
from .cosignature import cosigned
from .directory import log_keys_of
from .directory_material import DirectoryItem, verify_directory_material
from .entry import from_base64
from .errors import BindingError, MalformedError, ProofError
from .merkle import HASH_BYTES, verify_consistency
from .note import parse_note
from .register import Hex16
from .witnessing import MAX_HASHES

FORMAT = "seinpost-split-view/1"
MAX_SPLIT_VIEW_BYTES = 64 * 1024 * 1024


class SplitView(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The file."""

    format: str
    enclave: Hex16
    directory: tuple[DirectoryItem, ...]
    first: str
    """The smaller one, if they are of different sizes."""
    second: str
    root: str = ""
    """Of different sizes: the root at the first's size under the second, in base64."""
    consistency: tuple[str, ...] = ()
    """Of different sizes: the RFC 9162 consistency proof from that root to the second's, in base64."""

    def extended(self, root: str, consistency: tuple[str, ...]) -> SplitView:
        """With what joins two sizes."""
        return msgspec.structs.replace(self, root=root, consistency=consistency)

    def encode(self) -> bytes:
        """JSON, indented, ending in a newline."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"


class Misbehaviour(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven: the log signed two roots for its first ``tree_size`` entries; ``witnesses`` cosigned both."""

    enclave_id: bytes
    origin: str
    tree_size: int
    roots: tuple[bytes, bytes]
    witnesses: tuple[str, ...]


_DECODER = msgspec.json.Decoder(SplitView, strict=True)


class _Format(msgspec.Struct):
    format: str


def is_split_view(data: bytes) -> bool:
    """Whether a file says that it is one; nothing is verified."""
    try:
        return msgspec.json.decode(data[:MAX_SPLIT_VIEW_BYTES], type=_Format).format == FORMAT
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def decode_split_view(data: bytes) -> SplitView:
    """Raises ``MalformedError``; nothing is verified yet."""
    if len(data) > MAX_SPLIT_VIEW_BYTES:
        raise MalformedError(f"a proof of {len(data)} bytes is over the limit of {MAX_SPLIT_VIEW_BYTES}")
    try:
        split = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise MalformedError("not a proof of a split view, or it was changed") from None
    if split.format != FORMAT:
        raise MalformedError(f"a proof of another format than {FORMAT}")
    return split


def verify_split_view(split: SplitView, enclave_id: bytes | None = None) -> Misbehaviour:
    """What the two checkpoints prove; raises an ``InvalidError`` when they prove nothing."""
    root = bytes.fromhex(split.enclave)
    if enclave_id is not None and root != enclave_id:
        raise BindingError("the proof is of another enclave")
    directory = verify_directory_material(split.directory, root)
    register = directory.current.register
    keys = LogPublicKeys(*log_keys_of(register))
    origin = parse_checkpoint(parse_note(split.first.encode())).origin
    if not origin.startswith(register.enclave + "/"):
        raise BindingError("the checkpoints are of another enclave's log")
    first, _ = verify_checkpoint(split.first.encode(), origin, keys)
    second, _ = verify_checkpoint(split.second.encode(), origin, keys)
    other = _root_under(second, first.tree_size, split)
    if other == first.root_hash:
        raise ProofError("the two checkpoints can both be true: they prove nothing")
    once = cosigned(parse_note(split.first.encode()), first, register.cosigners)
    again = cosigned(parse_note(split.second.encode()), second, register.cosigners)
    return Misbehaviour(
        enclave_id=root,
        origin=origin,
        tree_size=first.tree_size,
        roots=(first.root_hash, other),
        witnesses=tuple(sorted(once.keys() & again.keys())),
    )


def _root_under(second: Checkpoint, size: int, split: SplitView) -> bytes:
    """The root that the tree under ``second`` has at ``size``, by the proof's own path; raises ``ProofError``."""
    if size == second.tree_size:
        if split.root or split.consistency:
            raise ProofError("two checkpoints of one size need no path between them")
        return second.root_hash
    if len(split.consistency) > MAX_HASHES:
        raise MalformedError(f"a consistency proof has at most {MAX_HASHES} hashes")
    root = from_base64(split.root, HASH_BYTES)
    path = [from_base64(text, HASH_BYTES) for text in split.consistency]
    if len(root) != HASH_BYTES:
        raise MalformedError(f"a root has {HASH_BYTES} bytes")
    verify_consistency(size, second.tree_size, path, root, second.root_hash)
    return root
