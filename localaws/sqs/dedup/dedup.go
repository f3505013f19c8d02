// Package dedup remembers what was sent lately under which deduplication id, as
// FIFO queues and FIFO topics do: for five minutes, whether or not the message is
// still there. It holds no lock and writes nothing; its owner does both.
package dedup

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Length is how long an id is remembered, counted from the first message that
// carried it (SQS Developer Guide, "Using the message deduplication ID").
const Length = 5 * time.Minute

// Entry is what was sent under a key.
type Entry struct {
	Key       string
	MessageID string
	Seq       uint64
	At        time.Time
}

// Window is the entries of the last five minutes. The zero Window is empty.
type Window struct {
	byKey map[string]Entry
	// line holds the same, the oldest first.
	line []Entry
}

// Load returns the entries stored as JSON in the bucket.
func Load(bucket store.Bucket) (Window, error) {
	var w Window
	all, err := store.AllJSON[Entry](bucket)
	if err != nil {
		return w, err
	}
	slices.SortFunc(all, func(a, b Entry) int { return a.At.Compare(b.At) })
	for _, e := range all {
		w.Add(e)
	}
	return w, nil
}

// Find returns what was sent under the key within the window.
func (w *Window) Find(key string, now time.Time) (Entry, bool) {
	e, ok := w.byKey[key]
	if !ok || over(e, now) {
		return Entry{}, false
	}
	return e, true
}

// Add remembers an entry, which is no older than those before.
func (w *Window) Add(e Entry) {
	if w.byKey == nil {
		w.byKey = map[string]Entry{}
	}
	w.byKey[e.Key] = e
	w.line = append(w.line, e)
}

// Expire forgets what is too old to matter and returns the keys forgotten.
func (w *Window) Expire(now time.Time) []string {
	var keys []string
	for len(w.line) > 0 && over(w.line[0], now) {
		key := w.line[0].Key
		w.line = w.line[1:]
		if over(w.byKey[key], now) {
			delete(w.byKey, key)
			keys = append(keys, key)
		}
	}
	return keys
}

func over(e Entry, now time.Time) bool { return !e.At.Add(Length).After(now) }

// Key is the id within its scope: the whole queue or topic, or one group of it.
// Neither ids nor groups contain spaces.
func Key(perGroup bool, group, id string) string {
	if perGroup {
		return group + " " + id
	}
	return id
}

// ContentID is the id that is made of a body: its SHA-256 in hexadecimal.
func ContentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
