// Package dedup remembers deduplication ids for five minutes, as FIFO queues and topics do,
// even after the message is deleted. Its user must lock and store it.
package dedup

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// Length is how long an id is remembered after its first message (SQS Developer Guide, "Using
// the message deduplication ID").
const Length = 5 * time.Minute

// Entry is a message sent with a key.
type Entry struct {
	Key       string
	MessageID string
	Seq       uint64
	At        time.Time
}

// Window holds the last five minutes' entries. The zero Window is empty.
type Window struct {
	byKey map[string]Entry
	// line has the oldest first.
	line []Entry
}

// Load reads the entries of a bucket.
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

// Find returns the key's entry, unless it is too old.
func (w *Window) Find(key string, now time.Time) (Entry, bool) {
	e, ok := w.byKey[key]
	if !ok || over(e, now) {
		return Entry{}, false
	}
	return e, true
}

// Add adds an entry, not older than earlier ones.
func (w *Window) Add(e Entry) {
	if w.byKey == nil {
		w.byKey = map[string]Entry{}
	}
	w.byKey[e.Key] = e
	w.line = append(w.line, e)
}

// Expire removes old entries and returns their keys.
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

// Key returns the id within its scope: the whole queue or topic, or one of its groups. Neither
// may contain spaces.
func Key(perGroup bool, group, id string) string {
	if perGroup {
		return group + " " + id
	}
	return id
}

// ContentID returns the id for content-based deduplication: the body's SHA-256 in hexadecimal.
func ContentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}
