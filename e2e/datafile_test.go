// Helpers that search the data file of a local AWS that has stopped.

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"io"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// stored is a value of the data file. The path is its buckets and key.
type stored struct {
	path    string
	content []byte
}

// dataFile returns every value in the data file of a site that has stopped.
func dataFile(t *testing.T, dir string) []stored {
	t.Helper()
	db, err := bolt.Open(filepath.Join(dir, localaws.DataFile), 0o600, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var all []stored
	var walk func(path string, b *bolt.Bucket) error
	walk = func(path string, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return walk(path+"/"+string(k), b.Bucket(k))
			}
			all = append(all, stored{path + "/" + string(k), bytes.Clone(v)})
			return nil
		})
	}
	err = db.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bolt.Bucket) error { return walk(string(name), b) })
	})
	if err != nil {
		t.Fatal(err)
	}
	return withReadablePaths(t, all)
}

// withReadablePaths puts the names of tables and the keys of items into the paths.
func withReadablePaths(t *testing.T, all []stored) []stored {
	t.Helper()
	tables := map[string]string{}
	for _, f := range all {
		if name, ok := strings.CutPrefix(f.path, "dynamodb/tables/"); ok {
			var table struct{ ID string }
			if err := json.Unmarshal(f.content, &table); err != nil || table.ID == "" {
				t.Fatalf("reading table %s: %s, %v", name, f.content, err)
			}
			tables[table.ID] = name
		}
	}
	for i, f := range all {
		rest, ok := strings.CutPrefix(f.path, "dynamodb/items/")
		if !ok {
			continue
		}
		id, _, _ := strings.Cut(rest, "/")
		_, n := binary.Uvarint(f.content)
		var item struct{ PK, SK struct{ S string } }
		if err := json.Unmarshal(f.content[n:], &item); err != nil {
			t.Fatalf("reading an item of %s: %v", tables[id], err)
		}
		all[i] = stored{tables[id] + ": " + item.PK.S + " " + item.SK.S, f.content[n:]}
	}
	return all
}

// layers returns the content and everything encoded in it: strings in JSON, base64, gzip.
func layers(content []byte, depth int) [][]byte {
	all := [][]byte{content}
	if depth == 0 {
		return all
	}
	if r, err := gzip.NewReader(bytes.NewReader(content)); err == nil {
		if inner, err := io.ReadAll(r); err == nil {
			return append(all, layers(inner, depth-1)...)
		}
	}
	var value any
	if json.Unmarshal(content, &value) == nil {
		for _, text := range texts(value) {
			if text != string(content) {
				all = append(all, layers([]byte(text), depth-1)...)
			}
		}
		return all
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		if inner, err := encoding.DecodeString(string(content)); err == nil && len(inner) > 8 {
			all = append(all, layers(inner, depth-1)...)
		}
	}
	return all
}

func texts(value any) []string {
	var all []string
	switch value := value.(type) {
	case string:
		all = append(all, value)
	case []any:
		for _, element := range value {
			all = append(all, texts(element)...)
		}
	case map[string]any:
		for name, member := range value {
			all = append(append(all, name), texts(member)...)
		}
	}
	return all
}

// where returns the paths of the values that contain the text, in any encoding.
func where(all []stored, text string) []string {
	var paths []string
	for _, f := range all {
		for _, layer := range layers(f.content, 6) {
			if bytes.Contains(layer, []byte(text)) || strings.Contains(f.path, text) {
				paths = append(paths, f.path)
				break
			}
		}
	}
	return paths
}
