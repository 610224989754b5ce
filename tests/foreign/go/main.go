// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Checker holds what Seinpost writes against the reference implementations of the C2SP formats in Go, and makes its
// own for Seinpost to check. JSON on standard input and output; bytes in hexadecimal. Nothing here is Seinpost's code.
package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type task struct {
	Do          string            `json:"do"`
	Entries     []string          `json:"entries"`
	Note        string            `json:"note"`
	Root        string            `json:"root"`
	Log         string            `json:"log"`
	Origin      string            `json:"origin"`
	Witnesses   []string          `json:"witnesses"`
	Quorum      int               `json:"quorum"`
	Inclusion   []json.RawMessage `json:"inclusion"`
	Consistency []json.RawMessage `json:"consistency"`
	Tiles       map[string]string `json:"tiles"`
	Proof       string            `json:"proof"`
	ProofEntry  int               `json:"proof_entry"`
	Witness     string            `json:"witness"`
	LogSeed     string            `json:"log_seed"`
	WitnessSeed string            `json:"witness_seed"`
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func unhex(text string) []byte { return must(hex.DecodeString(text)) }

func hashOf(text string) (h tlog.Hash) {
	if copy(h[:], unhex(text)) != tlog.HashSize {
		log.Fatal("a hash has 32 bytes")
	}
	return h
}

func hashes(texts []string) (found []tlog.Hash) {
	for _, text := range texts {
		found = append(found, hashOf(text))
	}
	return found
}

func hexes(found []tlog.Hash) []string {
	texts := []string{}
	for _, h := range found {
		texts = append(texts, hex.EncodeToString(h[:]))
	}
	return texts
}

// tree is every stored hash of a log, in memory.
type tree []tlog.Hash

func (t tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		found[i] = t[index]
	}
	return found, nil
}

func treeOf(entries []string) (t tree) {
	for n, entry := range entries {
		t = append(t, must(tlog.StoredHashes(int64(n), unhex(entry), t))...)
	}
	return t
}

// tiles serves tiles from memory, by their path.
type tiles map[string]string

func (t tiles) ReadTiles(_ context.Context, wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, ok := t[torchwood.TilePath(tile)]
		if !ok {
			return nil, fmt.Errorf("no tile %s", torchwood.TilePath(tile))
		}
		found = append(found, unhex(data))
	}
	return found, nil
}

func (t tiles) ReadEndpoint(context.Context, string) ([]byte, error) { return nil, os.ErrNotExist }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func policyOf(given task) torchwood.Policy {
	witnesses := []torchwood.Policy{}
	for _, vkey := range given.Witnesses {
		verifier := must(torchwood.NewCosignatureVerifier(vkey))
		witnesses = append(witnesses, torchwood.SingleVerifierPolicy(verifier))
	}
	ours := torchwood.SingleVerifierPolicy(must(note.NewVerifier(given.Log)))
	quorum := torchwood.ThresholdPolicy(given.Quorum, witnesses...)
	return torchwood.ThresholdPolicy(3, torchwood.OriginPolicy(given.Origin), ours, quorum)
}

func check(given task) map[string]any {
	size, root := int64(len(given.Entries)), hashOf(given.Root)
	checkpoint, _, err := torchwood.VerifyCheckpoint(unhex(given.Note), policyOf(given))
	answer := map[string]any{
		"checkpoint": err == nil && checkpoint.Origin == given.Origin && checkpoint.Hash == root,
		"size":       checkpoint.N,
		"root":       must(tlog.TreeHash(size, treeOf(given.Entries))) == root,
	}
	included := []bool{}
	for _, raw := range given.Inclusion {
		var index int64
		var proof []string
		if err := json.Unmarshal(raw, &[]any{&index, &proof}); err != nil {
			log.Fatal(err)
		}
		if index >= size {
			included = append(included, false)
			continue
		}
		leaf := tlog.RecordHash(unhex(given.Entries[index]))
		included = append(included, tlog.CheckRecord(hashes(proof), size, root, index, leaf) == nil)
	}
	consistent := []bool{}
	for _, raw := range given.Consistency {
		var old int64
		var was string
		var proof []string
		if err := json.Unmarshal(raw, &[]any{&old, &was, &proof}); err != nil {
			log.Fatal(err)
		}
		if old == 0 { // this implementation knows no empty tree
			continue
		}
		consistent = append(consistent, tlog.CheckTree(hashes(proof), size, root, old, hashOf(was)) == nil)
	}
	answer["inclusion"], answer["consistency"] = included, consistent

	ctx := context.Background()
	logTree := tlog.Tree{N: size, Hash: root}
	reader := torchwood.TileHashReaderWithContext(ctx, logTree, tiles(given.Tiles))
	found, err := tlog.TreeHash(size, reader)
	answer["tile_root"] = err == nil && found == root
	client := must(torchwood.NewClient(tiles(given.Tiles)))
	same, next := true, int64(0)
	for index, entry := range client.AllEntries(ctx, logTree, 0) {
		same = same && index == next && bytes.Equal(entry, unhex(given.Entries[index]))
		next++
	}
	answer["entries"] = same && next == size && client.Err() == nil
	if given.Proof != "" {
		leaf := tlog.RecordHash(unhex(given.Entries[given.ProofEntry]))
		answer["tlog_proof"] = torchwood.VerifyProof(policyOf(given), leaf, unhex(given.Proof)) == nil
	}
	return answer
}

// skeyOf is the note package's form of an Ed25519 key.
func skeyOf(name string, seed []byte) string {
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	hash := sha256.Sum256(append([]byte(name+"\n\x01"), public...))
	return fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", name, hash[:4],
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)))
}

func makeOwn(given task) map[string]any {
	size, t := int64(len(given.Entries)), treeOf(given.Entries)
	root := must(tlog.TreeHash(size, t))
	text := torchwood.Checkpoint{Origin: given.Origin, Tree: tlog.Tree{N: size, Hash: root}}.String()
	signer := must(note.NewSigner(skeyOf(given.Origin, unhex(given.LogSeed))))
	witness := must(torchwood.NewCosignatureSigner(given.Witness, ed25519.NewKeyFromSeed(unhex(given.WitnessSeed))))
	signed := must(note.Sign(&note.Note{Text: text}, signer, witness))
	inclusion, consistency := [][]any{}, [][]any{}
	for index := int64(0); index < size; index += 17 {
		inclusion = append(inclusion, []any{index, hexes(must(tlog.ProveRecord(size, index, t)))})
	}
	for old := int64(1); old < size; old += 13 {
		consistency = append(consistency, []any{old, hexes(must(tlog.ProveTree(size, old, t)))})
	}
	made := map[string]string{}
	for _, tile := range tlog.NewTiles(height, 0, size) {
		made[torchwood.TilePath(tile)] = hex.EncodeToString(must(tlog.ReadTileData(tile, t)))
		if tile.L != 0 {
			continue
		}
		var bundle []byte
		for n := tile.N << height; n < tile.N<<height+int64(tile.W); n++ {
			bundle = must(torchwood.AppendTileEntry(bundle, unhex(given.Entries[n])))
		}
		tile.L = -1
		made[torchwood.TilePath(tile)] = hex.EncodeToString(bundle)
	}
	first := must(tlog.ProveRecord(size, 0, t))
	return map[string]any{
		"note": hex.EncodeToString(signed), "root": hex.EncodeToString(root[:]), "tiles": made,
		"inclusion": inclusion, "consistency": consistency,
		"proof": hex.EncodeToString(torchwood.FormatProof(0, first, signed)),
	}
}

func main() {
	log.SetFlags(0)
	var given task
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		log.Fatal(err)
	}
	answer := map[string]func(task) map[string]any{"check": check, "make": makeOwn}[given.Do](given)
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		log.Fatal(err)
	}
}
