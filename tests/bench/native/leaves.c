// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2
//
// A prototype that is measured and not shipped (docs/adr/0014-native-core.md): the leaf hashes and the tree of a batch,
// with the SHA instructions of x86-64. Same inputs and results as seinpost_schemas.leaf.leaf_hashes and
// seinpost_schemas.merkle.root_hash for well-formed input; whoever calls it has checked that the processor can.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <immintrin.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HASH 32
#define SECTIONS 4
#define PROTECTED 3

static const uint32_t ROUND_KEYS[64] __attribute__((aligned(64))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static const uint32_t START[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

typedef struct {
    __m128i abef, cdgh;
    uint64_t length;
    unsigned held;
    uint8_t block[64];
} Sha256;

static inline __m128i byte_order(void) { return _mm_set_epi64x(0x0c0d0e0f08090a0bULL, 0x0405060700010203ULL); }

static inline void sha_begin(Sha256 *c) {
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)START), 0xB1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(START + 4)), 0x1B);
    c->abef = _mm_alignr_epi8(low, high, 8);
    c->cdgh = _mm_blend_epi16(high, low, 0xF0);
    c->length = 0;
    c->held = 0;
}

static void sha_blocks(Sha256 *c, const uint8_t *data, size_t count) {
    const __m128i order = byte_order();
    __m128i a = c->abef, b = c->cdgh;
    for (; count--; data += 64) {
        __m128i a0 = a, b0 = b, w[4], k;
        for (int i = 0; i < 4; i++) w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), order);
#pragma GCC unroll 16
        for (int r = 0; r < 16; r++) {
            if (r >= 4) {
                __m128i x = _mm_sha256msg1_epu32(w[r & 3], w[(r + 1) & 3]);
                x = _mm_add_epi32(x, _mm_alignr_epi8(w[(r + 3) & 3], w[(r + 2) & 3], 4));
                w[r & 3] = _mm_sha256msg2_epu32(x, w[(r + 3) & 3]);
            }
            k = _mm_add_epi32(w[r & 3], _mm_load_si128((const __m128i *)(ROUND_KEYS + 4 * r)));
            b = _mm_sha256rnds2_epu32(b, a, k);
            a = _mm_sha256rnds2_epu32(a, b, _mm_shuffle_epi32(k, 0x0E));
        }
        a = _mm_add_epi32(a, a0);
        b = _mm_add_epi32(b, b0);
    }
    c->abef = a;
    c->cdgh = b;
}

static void sha_add(Sha256 *c, const void *data, size_t size) {
    const uint8_t *from = data;
    c->length += size;
    if (c->held) {
        size_t more = 64 - c->held;
        if (more > size) more = size;
        memcpy(c->block + c->held, from, more);
        c->held += (unsigned)more;
        from += more;
        size -= more;
        if (c->held < 64) return;
        sha_blocks(c, c->block, 1);
        c->held = 0;
    }
    if (size >= 64) {
        sha_blocks(c, from, size / 64);
        from += size & ~(size_t)63;
        size &= 63;
    }
    memcpy(c->block, from, size);
    c->held = (unsigned)size;
}

static void sha_end(Sha256 *c, uint8_t *out) {
    uint64_t bits = c->length * 8;
    c->block[c->held++] = 0x80;
    if (c->held > 56) {
        memset(c->block + c->held, 0, 64 - c->held);
        sha_blocks(c, c->block, 1);
        c->held = 0;
    }
    memset(c->block + c->held, 0, 56 - c->held);
    for (int i = 0; i < 8; i++) c->block[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
    sha_blocks(c, c->block, 1);
    __m128i low = _mm_shuffle_epi32(c->abef, 0x1B), high = _mm_shuffle_epi32(c->cdgh, 0xB1);
    __m128i first = _mm_blend_epi16(low, high, 0xF0), second = _mm_alignr_epi8(high, low, 8);
    _mm_storeu_si128((__m128i *)out, _mm_shuffle_epi8(first, byte_order()));
    _mm_storeu_si128((__m128i *)(out + 16), _mm_shuffle_epi8(second, byte_order()));
}

typedef struct {
    Py_buffer sender, epoch, slots, protected_slots, label, prefix;
} Shared;

// One signal's leaf and its d3; -1 with an exception set when a row is not of its form.
static int leaf_of(const Shared *s, PyObject *row, PyObject *given, Py_ssize_t i, uint8_t *leaf, uint8_t *d3) {
    PyObject *id, *sections;
    if (!PyTuple_Check(row) || PyTuple_GET_SIZE(row) != 2) goto wrong;
    id = PyTuple_GET_ITEM(row, 0);
    sections = PyTuple_GET_ITEM(row, 1);
    if (!PyBytes_Check(id) || !PyTuple_Check(sections) || PyTuple_GET_SIZE(sections) != SECTIONS) goto wrong;
    uint8_t digests[SECTIONS][HASH];
    for (int j = 0; j < SECTIONS; j++) {
        const Py_buffer *slots = j == PROTECTED ? &s->protected_slots : &s->slots;
        const uint8_t *slot = (const uint8_t *)slots->buf + (SECTIONS * i + j) * HASH;
        PyObject *section = PyTuple_GET_ITEM(sections, j);
        if (j == PROTECTED && given != NULL) {
            PyObject *digest = PyList_GET_ITEM(given, i);
            if (!PyBytes_Check(digest) || PyBytes_GET_SIZE(digest) != HASH) goto wrong;
            memcpy(digests[j], PyBytes_AS_STRING(digest), HASH);
        } else if (section == Py_None) {
            memcpy(digests[j], slot, HASH);
        } else {
            if (!PyBytes_Check(section)) goto wrong;
            Sha256 c;
            uint8_t number = (uint8_t)j;
            sha_begin(&c);
            sha_add(&c, s->label.buf, (size_t)s->label.len);
            sha_add(&c, &number, 1);
            sha_add(&c, slot, HASH);
            sha_add(&c, PyBytes_AS_STRING(section), (size_t)PyBytes_GET_SIZE(section));
            sha_end(&c, digests[j]);
        }
    }
    Sha256 c;
    sha_begin(&c);
    sha_add(&c, s->prefix.buf, (size_t)s->prefix.len);
    sha_add(&c, PyBytes_AS_STRING(id), (size_t)PyBytes_GET_SIZE(id));
    sha_add(&c, s->sender.buf, (size_t)s->sender.len);
    sha_add(&c, s->epoch.buf, (size_t)s->epoch.len);
    sha_add(&c, digests, sizeof digests);
    sha_end(&c, leaf);
    memcpy(d3, digests[PROTECTED], HASH);
    return 0;
wrong:
    PyErr_SetString(PyExc_TypeError, "a row is (id, four sections), each bytes or None");
    return -1;
}

// leaf_hashes(signals, sender_id, epoch_id, slots, protected_slots, given_d3 or None, section label, leaf prefix)
static PyObject *leaf_hashes(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *signals, *given, *rows = NULL, *known = NULL, *leaves = NULL, *d3s = NULL, *result = NULL;
    Shared s;
    if (!PyArg_ParseTuple(arguments, "Oy*y*y*y*Oy*y*", &signals, &s.sender, &s.epoch, &s.slots, &s.protected_slots,
                          &given, &s.label, &s.prefix))
        return NULL;
    if ((rows = PySequence_List(signals)) == NULL) goto out;
    if (given != Py_None && (known = PySequence_List(given)) == NULL) goto out;
    Py_ssize_t count = PyList_GET_SIZE(rows);
    if (s.slots.len != SECTIONS * HASH * count || s.protected_slots.len != s.slots.len ||
        (known != NULL && PyList_GET_SIZE(known) != count)) {
        PyErr_SetString(PyExc_ValueError, "as many slots and digests as signals");
        goto out;
    }
    if ((leaves = PyList_New(count)) == NULL || (d3s = PyList_New(count)) == NULL) goto out;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *leaf = PyBytes_FromStringAndSize(NULL, HASH), *d3 = PyBytes_FromStringAndSize(NULL, HASH);
        if (leaf == NULL || d3 == NULL ||
            leaf_of(&s, PyList_GET_ITEM(rows, i), known, i, (uint8_t *)PyBytes_AS_STRING(leaf),
                    (uint8_t *)PyBytes_AS_STRING(d3)) < 0) {
            Py_XDECREF(leaf);
            Py_XDECREF(d3);
            goto out;
        }
        PyList_SET_ITEM(leaves, i, leaf);
        PyList_SET_ITEM(d3s, i, d3);
    }
    result = PyTuple_Pack(2, leaves, d3s);
out:
    Py_XDECREF(rows);
    Py_XDECREF(known);
    Py_XDECREF(leaves);
    Py_XDECREF(d3s);
    PyBuffer_Release(&s.sender);
    PyBuffer_Release(&s.epoch);
    PyBuffer_Release(&s.slots);
    PyBuffer_Release(&s.protected_slots);
    PyBuffer_Release(&s.label);
    PyBuffer_Release(&s.prefix);
    return result;
}

// root_hash(leaves): the RFC 9162 tree hash of at least one leaf of 32 bytes; an odd one out moves up a level as it is.
static PyObject *root_hash(PyObject *module, PyObject *arguments) {
    (void)module;
    PyObject *leaves = PySequence_List(arguments);
    if (leaves == NULL) return NULL;
    Py_ssize_t count = PyList_GET_SIZE(leaves);
    uint8_t *level = count > 0 ? malloc((size_t)count * HASH) : NULL;
    if (level == NULL) {
        Py_DECREF(leaves);
        return PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *leaf = PyList_GET_ITEM(leaves, i);
        if (!PyBytes_Check(leaf) || PyBytes_GET_SIZE(leaf) != HASH) {
            free(level);
            Py_DECREF(leaves);
            PyErr_SetString(PyExc_ValueError, "a leaf hash has 32 bytes");
            return NULL;
        }
        memcpy(level + HASH * i, PyBytes_AS_STRING(leaf), HASH);
    }
    Py_DECREF(leaves);
    while (count > 1) {
        Py_ssize_t next = 0;
        for (Py_ssize_t i = 0; i + 1 < count; i += 2) {
            Sha256 c;
            uint8_t node = 1;
            sha_begin(&c);
            sha_add(&c, &node, 1);
            sha_add(&c, level + HASH * i, 2 * HASH);
            sha_end(&c, level + HASH * next++);
        }
        if (count & 1) {
            memmove(level + HASH * next, level + HASH * (count - 1), HASH);
            next++;
        }
        count = next;
    }
    PyObject *root = PyBytes_FromStringAndSize((const char *)level, HASH);
    free(level);
    return root;
}

static PyMethodDef METHODS[] = {
    {"leaf_hashes", leaf_hashes, METH_VARARGS, "Leaf hashes and d3 digests of a batch."},
    {"root_hash", root_hash, METH_O, "The tree hash of leaf hashes."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "leaves", NULL, -1, METHODS, NULL, NULL, NULL, NULL};
PyMODINIT_FUNC PyInit_leaves(void) { return PyModule_Create(&MODULE); }
