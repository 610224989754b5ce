// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// HKDF-Expand of RFC 5869, section 2.3, for keys of any length: Cobblestone-256 (docs/spec.md, section 3.4)
// has a 32-byte key under SHA-512, which @noble/hashes refuses as shorter than a hash.

import { hmac } from "@noble/hashes/hmac.js";

import { concat, u8 } from "./bytes.mjs";

export function hkdfExpand(hash, key, info, length) {
  let block = new Uint8Array();
  let out = new Uint8Array();
  for (let i = 1; out.length < length; i += 1) {
    block = hmac(hash, key, concat(block, info, u8(i)));
    out = concat(out, block);
  }
  return out.slice(0, length);
}
