// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The categories with which a reader refuses (docs/spec.md, section 11).

export const CATEGORIES = Object.freeze([
  "malformed",
  "too-large",
  "signature",
  "binding",
  "bad-slot",
  "commitment",
  "decryption",
  "root",
  "update-needed",
]);

/** A refusal: its category is what implementations must agree on, its message is for people. */
export class Refusal extends Error {
  constructor(category, message) {
    if (!CATEGORIES.includes(category)) throw new TypeError(`no such category: ${category}`);
    super(message);
    this.name = "Refusal";
    this.category = category;
  }
}

/** Refuse with a category unless the condition holds. */
export function demand(condition, category, message) {
  if (!condition) throw new Refusal(category, message);
}
