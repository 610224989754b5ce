// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Reader's keys and HPKE base mode over MLKEM768-X25519 (docs/spec.md, sections 3.1 and 3.3).

import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { x25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { sha3_256 } from "@noble/hashes/sha3.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";

import { concat, label } from "./bytes.mjs";

const KEM_SEED = 64;
const MLKEM_CIPHERTEXT = 1_088;
export const SEED_LENGTH = 96;
export const ENCAPSULATION_LENGTH = 1_120;
const COMBINER = label("\\.//^\\");

/** A reader's key pair from its 96-byte seed: ML-KEM-768 seed d‖z 64 ‖ X25519 private key 32. */
export function readerKeys(seed) {
  if (seed.length !== SEED_LENGTH) throw new TypeError("a reader's seed has 96 bytes");
  const mlkem = ml_kem768.keygen(seed.slice(0, KEM_SEED));
  const x25519Private = seed.slice(KEM_SEED);
  const x25519Public = x25519.getPublicKey(x25519Private);
  const publicKey = concat(mlkem.publicKey, x25519Public);
  const kemKeyId = sha256(concat(label("seinpost/kem-key/v1"), publicKey)).slice(0, 16);
  return { mlkemPrivate: mlkem.secretKey, x25519Private, x25519Public, publicKey, kemKeyId };
}

/** The X-Wing shared secret of an encapsulation. */
export function decapsulate(keys, encapsulation) {
  const ciphertext = encapsulation.slice(0, MLKEM_CIPHERTEXT);
  const ephemeral = encapsulation.slice(MLKEM_CIPHERTEXT);
  const first = ml_kem768.decapsulate(ciphertext, keys.mlkemPrivate);
  const second = x25519.getSharedSecret(keys.x25519Private, ephemeral);
  return sha3_256(concat(first, second, ephemeral, keys.x25519Public, COMBINER));
}

// What @hpke/core asks of a KEM, for the opening side only; the key is what readerKeys returns.
const kem = {
  id: 0x647a,
  secretSize: 32,
  encSize: ENCAPSULATION_LENGTH,
  publicKeySize: 1_216,
  privateKeySize: SEED_LENGTH,
  async decap({ recipientKey, enc }) {
    return decapsulate(recipientKey, new Uint8Array(enc)).buffer;
  },
};

/** Open a single-shot HPKE ciphertext (encapsulation ‖ AEAD ciphertext) with empty AAD; throws when it does not open. */
export async function openHpke(keys, info, ciphertext) {
  const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const enc = ciphertext.slice(0, ENCAPSULATION_LENGTH);
  const sealed = ciphertext.slice(ENCAPSULATION_LENGTH);
  return new Uint8Array(await suite.open({ recipientKey: keys, enc, info }, sealed));
}
