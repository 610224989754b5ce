// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Opening Cobblestone-256, C2SP chunked-encryption with SHA-512 and AES-256-GCM (docs/spec.md, section 3.4).

import { gcm } from "@noble/ciphers/aes.js";
import { sha512 } from "@noble/hashes/sha2.js";

import { concat, equal, label } from "./bytes.mjs";
import { Refusal, demand } from "./errors.mjs";
import { hkdfExpand } from "./hkdf.mjs";

const SALT = 24;
const COMMITMENT = 32;
const CHUNK = 16_384;
const TAG = 16;
const SEALED_CHUNK = CHUNK + TAG;

// C2SP takes the AEAD's name from IANA's registry; its text holds where section 3.4 differs from it.
const AEAD_NAME = "AEAD_AES_256_GCM";
const INFO = concat(label(`c2sp.org/chunked-encryption@v1+${AEAD_NAME}`), Uint8Array.of(0));

/** The plaintext, or `decryption`; nothing is returned before the last chunk verified. */
export function openCobblestone(key, context, sealed) {
  demand(sealed.length >= SALT + COMMITMENT + TAG, "decryption", "too short for one chunk");
  const salt = sealed.subarray(0, SALT);
  const okm = hkdfExpand(sha512, key, concat(INFO, salt, context), 76);
  const commitment = sealed.subarray(SALT, SALT + COMMITMENT);
  demand(equal(okm.subarray(44), commitment), "decryption", "the key commitment differs");
  const chunks = sealed.subarray(SALT + COMMITMENT);
  const last = chunks.length % SEALED_CHUNK;
  demand(last >= TAG, "decryption", "the last chunk is missing or cut");
  const plain = [];
  for (let i = 0; i * SEALED_CHUNK < chunks.length; i += 1) {
    const chunk = chunks.subarray(i * SEALED_CHUNK, (i + 1) * SEALED_CHUNK);
    plain.push(openChunk(okm.subarray(0, 32), chunkNonce(okm.subarray(32, 44), i), chunk));
  }
  return concat(...plain);
}

function chunkNonce(base, index) {
  const nonce = base.slice();
  const view = new DataView(nonce.buffer);
  view.setUint32(8, (view.getUint32(8) ^ index) >>> 0); // a body has fewer than 2^32 chunks
  return nonce;
}

function openChunk(key, nonce, chunk) {
  try {
    return gcm(key, nonce).decrypt(chunk);
  } catch {
    throw new Refusal("decryption", "a chunk does not verify");
  }
}
