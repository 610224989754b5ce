// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The RFC 9162 tree over leaf hashes (docs/spec.md, section 3.5).

import { sha256 } from "@noble/hashes/sha2.js";

import { concat, u8 } from "./bytes.mjs";
import { demand } from "./errors.mjs";

export const leafHash = (entry) => sha256(concat(u8(0), entry));

const nodeHash = (left, right) => sha256(concat(u8(1), left, right));

/** The root over leaf hashes. */
export function treeRoot(leaves) {
  if (leaves.length === 0) return sha256(new Uint8Array());
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return nodeHash(treeRoot(leaves.slice(0, split)), treeRoot(leaves.slice(split)));
}

/** The root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); a Refusal for a proof of another length. */
export function inclusionRoot(leaf, index, size, proof) {
  demand(index < size, "root", "the leaf lies beyond the tree");
  let hash = leaf;
  let [fn, sn] = [index, size - 1];
  for (const other of proof) {
    demand(sn > 0, "root", "the proof is too long");
    if (fn % 2 === 1 || fn === sn) {
      hash = nodeHash(other, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
    } else {
      hash = nodeHash(hash, other);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  demand(sn === 0, "root", "the proof is too short");
  return hash;
}
