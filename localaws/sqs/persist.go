package sqs

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs/dedup"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Buckets within "sqs". The second kind has one per queue id. Receipts are separate, so that a
// receive does not write the body again.
const (
	queuesBucket    = "queues"    // key -> settings
	deletedBucket   = "deleted"   // key -> when the queue was deleted
	sequencesBucket = "sequences" // queue id -> last sequence number
	tasksBucket     = "tasks"     // task id -> moveTask

	messagesBucket = "messages" // sequence number -> sent
	receiptsBucket = "receipts" // sequence number -> receipt; none before the first receive
	dedupBucket    = "dedup"    // deduplication key -> dedup.Entry
	attemptsBucket = "attempts" // attempt id -> attempt
)

// write is one change of the file. A nil value deletes the key, a nil key the bucket.
type write struct {
	bucket     []string
	key, value []byte
}

func (r *round) put(value []byte, key []byte, bucket ...string) {
	r.writes = append(r.writes, write{append([]string{"sqs"}, bucket...), key, value})
}

func (r *round) putJSON(value any, key string, bucket ...string) {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // this package's types cannot fail
	}
	r.put(raw, []byte(key), bucket...)
}

func (r *round) apply(tx *store.Tx) error {
	for _, w := range r.writes {
		bucket := tx.Bucket(w.bucket...)
		var err error
		switch {
		case w.key == nil:
			err = tx.Drop(w.bucket...)
		case w.value == nil:
			err = bucket.Delete(w.key)
		default:
			err = bucket.Put(w.key, w.value)
		}
		if err != nil {
			return fmt.Errorf("writing %v: %w", w.bucket, err)
		}
	}
	for _, record := range r.records {
		if err := record(tx); err != nil {
			return err
		}
	}
	return nil
}

func (r *round) putSettings(q *queue) { r.putJSON(q.settings, q.key(), queuesBucket) }

func (r *round) putMessage(q *queue, m *message) {
	r.put(seqKey(q.last), []byte(q.ID), sequencesBucket)
	raw, err := json.Marshal(m.sent)
	if err != nil {
		panic(err) // strings, bytes and times of the years 0 to 9999 cannot fail
	}
	r.put(raw, seqKey(m.seq), messagesBucket, q.ID)
	if m.Count > 0 {
		r.putReceipt(q, m)
	}
}

func (r *round) putReceipt(q *queue, m *message) {
	r.put(m.receipt.encode(), seqKey(m.seq), receiptsBucket, q.ID)
}

func (r *round) deleteMessage(q *queue, m *message) {
	r.put(nil, seqKey(m.seq), messagesBucket, q.ID)
	if m.Count > 0 {
		r.put(nil, seqKey(m.seq), receiptsBucket, q.ID)
	}
}

func (r *round) dropMessages(q *queue) {
	r.put(nil, nil, messagesBucket, q.ID)
	r.put(nil, nil, receiptsBucket, q.ID)
}

func (r *round) dropQueue(q *queue) {
	r.dropMessages(q)
	r.put(nil, nil, dedupBucket, q.ID)
	r.put(nil, nil, attemptsBucket, q.ID)
	r.put(nil, []byte(q.ID), sequencesBucket)
	r.put(nil, []byte(q.key()), queuesBucket)
}

func load(tx *store.Tx, env wire.Env) (*queues, error) {
	all := &queues{env: env, byName: map[string]*queue{}, deleted: map[string]time.Time{}}
	var err error
	if all.tasks, err = store.AllJSON[*moveTask](tx.Bucket("sqs", tasksBucket)); err != nil {
		return nil, err
	}
	settingsOfAll, err := store.AllJSON[settings](tx.Bucket("sqs", queuesBucket))
	if err != nil {
		return nil, err
	}
	for _, s := range settingsOfAll {
		if s.access, err = parsePolicy(s.Policy); err != nil {
			return nil, fmt.Errorf("reading queue %s: %w", s.Name, err)
		}
		q := newQueue(s, all.arn(s))
		if err := q.load(tx, env.Now()); err != nil {
			return nil, fmt.Errorf("reading queue %s: %w", s.Name, err)
		}
		all.byName[s.key()] = q
	}
	deleted := tx.Bucket("sqs", deletedBucket).Cursor()
	for name, at := deleted.First(); name != nil; name, at = deleted.Next() {
		var when time.Time
		if err := json.Unmarshal(at, &when); err != nil {
			return nil, fmt.Errorf("reading deleted queue %s: %w", name, err)
		}
		all.deleted[string(name)] = when
	}
	return all, nil
}

func (q *queue) load(tx *store.Tx, now time.Time) error {
	if raw := tx.Bucket("sqs", sequencesBucket).Get([]byte(q.ID)); raw != nil {
		q.last = binary.BigEndian.Uint64(raw)
	}
	receipts := tx.Bucket("sqs", receiptsBucket, q.ID)
	messages := tx.Bucket("sqs", messagesBucket, q.ID).Cursor()
	for key, raw := messages.First(); key != nil; key, raw = messages.Next() {
		m := &message{seq: binary.BigEndian.Uint64(key)}
		if err := json.Unmarshal(raw, &m.sent); err != nil {
			return fmt.Errorf("decoding message %d: %w", m.seq, err)
		}
		if received := receipts.Get(key); received != nil {
			var err error
			if m.receipt, err = decodeReceipt(received); err != nil {
				return err
			}
		}
		m.hideUntil(now)
		q.insert(m)
	}
	if groups, ok := q.order.(*fifoOrder); ok {
		groups.resume()
	}
	attempts, err := store.AllJSON[attempt](tx.Bucket("sqs", attemptsBucket, q.ID))
	for _, a := range attempts {
		q.attempts[a.ID] = a
	}
	if err != nil {
		return err
	}
	q.deduplication, err = dedup.Load(tx.Bucket("sqs", dedupBucket, q.ID))
	return err
}

// hideUntil derives hidden from the times.
func (m *message) hideUntil(now time.Time) {
	switch {
	case m.Count == 0 && m.Delayed.After(now):
		m.hidden, m.Until = delayed, m.Delayed
	case m.Until.After(now):
		m.hidden = inFlight
	default:
		m.hidden = visible
	}
}

func (m *message) shown() time.Time {
	switch {
	case m.Count > 0:
		return m.Until
	case m.Delayed.After(m.At):
		return m.Delayed
	}
	return m.At
}
