// Package store keeps the state of a local AWS in one bbolt file.
//
// Writers that queue up during one commit share the next one and its sync to disk. A change
// that Update has acknowledged survives a kill of the process at any moment.
package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// FormatVersion is written into new files. Open refuses other versions: local data is never
// migrated; `--fresh` starts over.
const FormatVersion = "1"

var (
	// ErrInUse means that another process has the file open.
	ErrInUse = errors.New("another process is using it")
	// ErrVersion means that another version of this program wrote the file.
	ErrVersion = errors.New("it was written by another version")
	// ErrDamaged means that the file was copied during a write, cut short, or is not a
	// data file.
	ErrDamaged = errors.New("it is damaged")
	// ErrClosed is returned by Update and View after Close.
	ErrClosed = errors.New("the store is closed")
)

var (
	metaBucket = []byte("meta")
	versionKey = []byte("version")
)

// maxGroup limits a commit, so that its first writer does not wait forever.
const maxGroup = 256

// DB is one open file. It is safe for concurrent use.
type DB struct {
	bolt   *bolt.DB
	queue  chan *write
	done   chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Options of Open. The zero value is durable.
type Options struct {
	// NoSync leaves syncing to the operating system: acknowledged data survives the death
	// of the process, but not of the machine. For tests.
	NoSync bool
	// Fresh empties the file first, whatever its version, and replaces a damaged
	// one. A file in use is still refused.
	Fresh bool
}

type write struct {
	fn     func(*Tx) error
	result chan result
}

type result struct {
	err      error
	panicked any
}

// Open opens or creates the file and its folder, and reads all of it once to check it.
// Errors name the file and wrap ErrInUse, ErrVersion or ErrDamaged where they apply.
func Open(path string, opts Options) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("creating the data folder: %w", err)
	}
	b, err := openSound(path, opts)
	if opts.Fresh && errors.Is(err, ErrDamaged) {
		// A file in use would have been ErrInUse, not ErrDamaged.
		if err = os.Remove(path); err == nil {
			b, err = openSound(path, opts)
		}
	}
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("opening %s: %w", path, ErrInUse)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("opening %s: it is not writable: %w", path, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if opts.Fresh {
		err = empty(b)
	}
	if err == nil {
		err = checkVersion(b)
	}
	if err != nil {
		_ = b.Close()
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	db := &DB{
		bolt:   b,
		queue:  make(chan *write, maxGroup),
		done:   make(chan struct{}),
		closed: make(chan struct{}),
	}
	go db.commitGroups()
	return db, nil
}

func empty(b *bolt.DB) error {
	return b.Update(func(tx *bolt.Tx) error {
		var names [][]byte
		err := tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			names = append(names, bytes.Clone(name))
			return nil
		})
		for _, name := range names {
			err = errors.Join(err, tx.DeleteBucket(name))
		}
		return err
	})
}

func checkVersion(b *bolt.DB) error {
	return b.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		switch have := meta.Get(versionKey); {
		case have == nil:
			return meta.Put(versionKey, []byte(FormatVersion))
		case string(have) != FormatVersion:
			return fmt.Errorf("%w (format %q, this program writes %q)", ErrVersion, have, FormatVersion)
		}
		return nil
	})
}

// Close waits for queued writers, then closes the file. Later writers get ErrClosed.
func (db *DB) Close() error {
	db.once.Do(func() { close(db.closed) })
	<-db.done
	return db.bolt.Close()
}

// Update runs fn in a write transaction and returns once the changes are durable. If fn
// returns an error, its changes are undone and Update returns it unwrapped. If fn panics,
// so does Update. fn may run more than once: it may only use its Tx, and assign afresh
// any variable outside it.
func (db *DB) Update(fn func(*Tx) error) error {
	w := &write{fn: fn, result: make(chan result, 1)}
	select {
	case <-db.closed:
		return ErrClosed
	case db.queue <- w:
	}
	select {
	case r := <-w.result:
		return r.unwrap()
	case <-db.done:
		select {
		case r := <-w.result:
			return r.unwrap()
		default:
			return ErrClosed
		}
	}
}

func (r result) unwrap() error {
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

// View runs fn in a read transaction, concurrently with any writer.
func (db *DB) View(fn func(*Tx) error) error {
	err := db.bolt.View(func(tx *bolt.Tx) error { return fn(&Tx{tx: tx}) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

func (db *DB) commitGroups() {
	defer close(db.done)
	for {
		select {
		case w := <-db.queue:
			db.commit(db.group(w))
		case <-db.closed:
			for {
				select {
				case w := <-db.queue:
					db.commit(db.group(w))
				default:
					return
				}
			}
		}
	}
}

func (db *DB) group(first *write) []*write {
	group := []*write{first}
	for len(group) < maxGroup {
		select {
		case w := <-db.queue:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// commit runs a group in one transaction. bbolt has no savepoints: if a writer fails after
// it has written, the transaction is rolled back and the others run again without it. If
// none has written, there is nothing to sync.
func (db *DB) commit(group []*write) {
	for len(group) > 0 {
		results := make([]result, len(group))
		dirty, wrote := -1, false
		err := db.bolt.Update(func(btx *bolt.Tx) error {
			for i, w := range group {
				tx := &Tx{tx: btx}
				results[i] = run(w.fn, tx)
				if (results[i].err != nil || results[i].panicked != nil) && tx.wrote {
					dirty = i
					return errRollback
				}
				wrote = wrote || tx.wrote
			}
			if !wrote {
				return errRollback
			}
			return nil
		})
		if dirty >= 0 {
			group[dirty].result <- results[dirty]
			group = append(group[:dirty:dirty], group[dirty+1:]...)
			continue
		}
		for i, w := range group {
			if err != nil && !errors.Is(err, errRollback) && results[i].err == nil {
				results[i].err = fmt.Errorf("committing: %w", err)
			}
			w.result <- results[i]
		}
		return
	}
}

var errRollback = errors.New("rolled back")

func run(fn func(*Tx) error, tx *Tx) (r result) {
	defer func() {
		if p := recover(); p != nil {
			r.panicked = p
		}
	}()
	return result{err: fn(tx)}
}

// Tx is a transaction: a consistent snapshot plus its own writes.
type Tx struct {
	tx    *bolt.Tx
	wrote bool
}

// Bucket returns the bucket at a path, one level per name. A missing bucket reads as
// empty.
func (tx *Tx) Bucket(path ...string) Bucket {
	b := Bucket{tx: tx, path: path}
	if len(path) == 0 {
		panic("store: a bucket needs a name")
	}
	cur := tx.tx.Bucket([]byte(path[0]))
	for _, name := range path[1:] {
		if cur == nil {
			break
		}
		cur = cur.Bucket([]byte(name))
	}
	b.bucket = cur
	return b
}

// Drop deletes a bucket with everything in it. It may be missing.
func (tx *Tx) Drop(path ...string) error {
	b := tx.Bucket(path...)
	if b.bucket == nil {
		return nil
	}
	tx.wrote = true
	last := []byte(path[len(path)-1])
	if len(path) == 1 {
		return tx.tx.DeleteBucket(last)
	}
	return tx.Bucket(path[:len(path)-1]...).bucket.DeleteBucket(last)
}

// Bucket is an ordered map of bytes to bytes. Slices it returns are valid until the
// transaction ends.
type Bucket struct {
	tx     *Tx
	path   []string
	bucket *bolt.Bucket
}

// Get returns the value, or nil.
func (b Bucket) Get(key []byte) []byte {
	if b.bucket == nil {
		return nil
	}
	return b.bucket.Get(key)
}

// Put stores the value. It creates the bucket if necessary.
func (b *Bucket) Put(key, value []byte) error {
	if err := b.create(); err != nil {
		return err
	}
	b.tx.wrote = true
	return b.bucket.Put(key, value)
}

// Delete removes the key. It may be missing.
func (b Bucket) Delete(key []byte) error {
	if b.bucket == nil {
		return nil
	}
	b.tx.wrote = true
	return b.bucket.Delete(key)
}

// NextSequence returns 1, 2, 3, … for this bucket, also after restarts.
func (b *Bucket) NextSequence() (uint64, error) {
	if err := b.create(); err != nil {
		return 0, err
	}
	b.tx.wrote = true
	return b.bucket.NextSequence()
}

// Cursor walks the bucket in key order. Do not write to the bucket meanwhile: collect the
// keys first.
func (b Bucket) Cursor() *Cursor {
	if b.bucket == nil {
		return &Cursor{}
	}
	return &Cursor{cursor: b.bucket.Cursor()}
}

func (b *Bucket) create() error {
	if b.bucket != nil {
		return nil
	}
	cur, err := b.tx.tx.CreateBucketIfNotExists([]byte(b.path[0]))
	for _, name := range b.path[1:] {
		if err != nil {
			break
		}
		cur, err = cur.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return fmt.Errorf("creating bucket %v: %w", b.path, err)
	}
	b.tx.wrote = true
	b.bucket = cur
	return nil
}

// Cursor is a position in a bucket. Moves skip nested buckets and return a nil key at the
// end.
type Cursor struct{ cursor *bolt.Cursor }

// First moves to the smallest key.
func (c *Cursor) First() (key, value []byte) {
	return c.move((*bolt.Cursor).First, (*bolt.Cursor).Next)
}

// Last moves to the largest key.
func (c *Cursor) Last() (key, value []byte) { return c.move((*bolt.Cursor).Last, (*bolt.Cursor).Prev) }

// Next moves to the next larger key.
func (c *Cursor) Next() (key, value []byte) { return c.move((*bolt.Cursor).Next, (*bolt.Cursor).Next) }

// Prev moves to the next smaller key.
func (c *Cursor) Prev() (key, value []byte) { return c.move((*bolt.Cursor).Prev, (*bolt.Cursor).Prev) }

// Seek moves to the key, or to the next larger one.
func (c *Cursor) Seek(to []byte) (key, value []byte) {
	return c.move(func(bc *bolt.Cursor) ([]byte, []byte) { return bc.Seek(to) }, (*bolt.Cursor).Next)
}

func (c *Cursor) move(step, again func(*bolt.Cursor) ([]byte, []byte)) (key, value []byte) {
	if c.cursor == nil {
		return nil, nil
	}
	key, value = step(c.cursor)
	for key != nil && value == nil {
		key, value = again(c.cursor)
	}
	return key, value
}

// GetJSON decodes the value under key; found is false without one.
func GetJSON[T any](b Bucket, key string) (value T, found bool, err error) {
	raw := b.Get([]byte(key))
	if raw == nil {
		return value, false, nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return value, false, fmt.Errorf("decoding %v/%s: %w", b.path, key, err)
	}
	return value, true, nil
}

// PutJSON stores the value under key.
func PutJSON[T any](b Bucket, key string, value T) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encoding %v/%s: %w", b.path, key, err)
	}
	return b.Put([]byte(key), raw)
}

// AllJSON decodes all values of the bucket in key order.
func AllJSON[T any](b Bucket) ([]T, error) {
	var all []T
	c := b.Cursor()
	for k, v := c.First(); k != nil; k, v = c.Next() {
		var value T
		if err := json.Unmarshal(v, &value); err != nil {
			return nil, fmt.Errorf("decoding %v/%s: %w", b.path, k, err)
		}
		all = append(all, value)
	}
	return all, nil
}
