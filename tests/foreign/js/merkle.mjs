// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The RFC 9162 tree over leaf hashes (docs/spec.md, section 3.5).

import { sha256 } from "@noble/hashes/sha2.js";

import { concat, u8 } from "./bytes.mjs";

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
