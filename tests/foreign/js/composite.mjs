// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The composite signature ML-DSA-65 with Ed25519 (docs/spec.md, section 3.2).

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";

import { concat, label, u8 } from "./bytes.mjs";

const MLDSA_SIGNATURE = 3_309;
const MLDSA_PUBLIC = 1_952;
export const SIGNATURE_LENGTH = 3_373;
export const PUBLIC_KEY_LENGTH = 1_984;

const PREFIX = label("CompositeAlgorithmSignatures2025");
const LABEL = label("COMPSIG-MLDSA65-Ed25519-SHA512");

export const representative = (message, context) =>
  concat(PREFIX, LABEL, u8(context.length), context, sha512(message));

/** Whether both halves verify; an undecodable key or signature does not. */
export function verifyComposite(publicKey, signature, message, context) {
  if (publicKey.length !== PUBLIC_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  if (context.length < 1 || context.length > 255) return false;
  const signed = representative(message, context);
  try {
    const first = ml_dsa65.verify(signature.subarray(0, MLDSA_SIGNATURE), signed, publicKey.subarray(0, MLDSA_PUBLIC), {
      context: LABEL,
    });
    const second = ed25519.verify(signature.subarray(MLDSA_SIGNATURE), signed, publicKey.subarray(MLDSA_PUBLIC), {
      zip215: false,
    });
    return first && second;
  } catch {
    return false;
  }
}
