package store_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// open opens a new file until the test ends.
func open(t *testing.T) (db *store.DB, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "data", "test.db")
	db, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db, path
}

func put(key, value string) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		b := tx.Bucket("things")
		return b.Put([]byte(key), []byte(value))
	}
}

func write(t *testing.T, db *store.DB, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := db.Update(put(key, key)); err != nil {
			t.Fatal(err)
		}
	}
}

// keys lists the bucket's keys.
func keys(t *testing.T, db *store.DB, path ...string) []string {
	t.Helper()
	var all []string
	err := db.View(func(tx *store.Tx) error {
		all = nil
		c := tx.Bucket(path...).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			all = append(all, string(k))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAWriterThatWritesNothingLeavesTheFileAlone(t *testing.T) {
	t.Parallel()
	db, path := open(t)
	write(t, db, "a")
	content := func() []byte {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	before := content()
	refused := errors.New("refused")
	if err := db.Update(func(*store.Tx) error { return refused }); !errors.Is(err, refused) {
		t.Errorf("%v, want the writer's own error", err)
	}
	if err := db.Update(func(tx *store.Tx) error {
		_ = tx.Bucket("things").Get([]byte("a"))
		return tx.Drop("nothing")
	}); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(content(), before) {
		t.Error("the file has changed")
	}
	write(t, db, "b")
	same(t, "keys", []string{"a", "b"}, keys(t, db, "things"))
}

func TestManyConcurrentWritersAllWrite(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	const writers = 400 // more than fit into one group
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			err := db.Update(func(tx *store.Tx) error {
				b := tx.Bucket("count")
				var n uint64
				if raw := b.Get([]byte("n")); raw != nil {
					n = binary.BigEndian.Uint64(raw)
				}
				if err := b.Put([]byte("n"), binary.BigEndian.AppendUint64(nil, n+1)); err != nil {
					return err
				}
				return put(fmt.Sprint(i), "")(tx)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := len(keys(t, db, "things")); got != writers {
		t.Errorf("%d writers wrote %d keys", writers, got)
	}
	_ = db.View(func(tx *store.Tx) error {
		if n := binary.BigEndian.Uint64(tx.Bucket("count").Get([]byte("n"))); n != writers {
			t.Errorf("%d writers counted to %d", writers, n)
		}
		return nil
	})
}

var errNo = errors.New("no")

// busy opens a store and blocks its first writer until release is called. The writers
// queued meanwhile, in order, are one group. It needs a synctest bubble.
func busy(t *testing.T) (db *store.DB, path string, queue func(func(*store.Tx) error) *writer, release func()) {
	t.Helper()
	db, path = open(t)
	held := make(chan struct{})
	queue = func(fn func(*store.Tx) error) *writer {
		w := &writer{done: make(chan struct{})}
		go func() {
			defer close(w.done)
			defer func() { w.panicked = recover() }()
			w.err = db.Update(func(tx *store.Tx) error {
				w.runs++
				return fn(tx)
			})
		}()
		synctest.Wait()
		return w
	}
	first := queue(func(*store.Tx) error { <-held; return nil })
	return db, path, queue, func() {
		close(held)
		<-first.done
	}
}

// writer is a call of Update in progress.
type writer struct {
	done     chan struct{}
	runs     int
	err      error
	panicked any
}

func TestAWriterThatFailsAfterWritingLeavesNothingAndDoesNotHarmItsGroup(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*store.Tx) error{
		"an error after a write": func(tx *store.Tx) error { return errors.Join(put("spoilt", "")(tx), errNo) },
		"an error after a new bucket": func(tx *store.Tx) error {
			b := tx.Bucket("new", "nested")
			return errors.Join(b.Put([]byte("k"), nil), errNo)
		},
		"an error after a drop": func(tx *store.Tx) error { return errors.Join(tx.Drop("things"), errNo) },
		"an error after a delete": func(tx *store.Tx) error {
			return errors.Join(tx.Bucket("things").Delete([]byte("before")), errNo)
		},
		"an error after a number": func(tx *store.Tx) error {
			b := tx.Bucket("things")
			_, err := b.NextSequence()
			return errors.Join(err, errNo)
		},
		"a panic after a write": func(tx *store.Tx) error { _ = put("spoilt", "")(tx); panic(errNo) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				db, _, queue, release := busy(t)
				before, bad, after := queue(put("before", "")), queue(spoil), queue(put("after", ""))
				release()
				<-after.done
				<-bad.done
				<-before.done
				if p, _ := bad.panicked.(error); !errors.Is(errors.Join(bad.err, p), errNo) {
					t.Errorf("the failing writer got %v, panic %v", bad.err, bad.panicked)
				}
				if before.err != nil || after.err != nil || before.panicked != nil || after.panicked != nil {
					t.Errorf("the others got %v %v, %v %v", before.err, before.panicked, after.err, after.panicked)
				}
				if before.runs != 2 || after.runs != 1 || bad.runs != 1 {
					t.Errorf("they ran %d, %d and %d times, so they were not one group", before.runs, bad.runs, after.runs)
				}
				same(t, "keys", []string{"after", "before"}, keys(t, db, "things"))
				if nested := keys(t, db, "new", "nested"); len(nested) > 0 {
					t.Errorf("a bucket of the failing writer remains: %v", nested)
				}
				_ = db.Update(func(tx *store.Tx) error {
					b := tx.Bucket("things")
					if n, err := b.NextSequence(); n != 1 || err != nil {
						t.Errorf("the next number is %d, %v; want 1", n, err)
					}
					return nil
				})
				_ = db.Close()
			})
		})
	}
}

func TestAWriterThatFailsWithoutWritingCausesNoSecondRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, _, queue, release := busy(t)
		before := queue(put("before", ""))
		refused := queue(func(tx *store.Tx) error { tx.Bucket("things").Get([]byte("x")); return errNo })
		panicked := queue(func(*store.Tx) error { panic("mine") })
		after := queue(put("after", ""))
		release()
		for _, w := range []*writer{before, refused, panicked, after} {
			<-w.done
			if w.runs != 1 {
				t.Errorf("a writer ran %d times", w.runs)
			}
		}
		if refused.err != errNo { //nolint:errorlint // It must come back unwrapped.
			t.Errorf("the failing writer got %v", refused.err)
		}
		if panicked.panicked != "mine" || before.panicked != nil || after.panicked != nil {
			t.Errorf("panics reached %v, %v, %v", before.panicked, panicked.panicked, after.panicked)
		}
		same(t, "keys", []string{"after", "before"}, keys(t, db, "things"))
		_ = db.Close()
	})
}

func TestCloseWaitsForTheWritersAlreadyQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		db, path, queue, release := busy(t)
		queued := []*writer{queue(put("a", "")), queue(put("b", "")), queue(put("c", ""))}
		closed := make(chan error, 1)
		go func() { closed <- db.Close() }()
		synctest.Wait()
		select {
		case err := <-closed:
			t.Fatalf("Close returned %v while writers were queued", err)
		default:
		}
		late := queue(put("late", ""))
		release()
		if err := <-closed; err != nil {
			t.Errorf("closing: %v", err)
		}
		for _, w := range queued {
			<-w.done
			if w.err != nil {
				t.Errorf("a queued writer got %v", w.err)
			}
		}
		// A writer that comes while Close waits either gets ErrClosed or is committed with
		// the others.
		<-late.done
		want := []string{"a", "b", "c", "late"}
		if errors.Is(late.err, store.ErrClosed) {
			want = want[:3]
		} else if late.err != nil {
			t.Errorf("a writer after Close got %v", late.err)
		}
		again, err := store.Open(path, store.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		same(t, "keys", want, keys(t, again, "things"))
	})
}

func TestAClosedStoreReturnsErrClosed(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	for range 2 {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Update(put("k", "")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("writing: %v, want ErrClosed", err)
	}
	if err := db.View(func(*store.Tx) error { return nil }); !errors.Is(err, store.ErrClosed) {
		t.Errorf("reading: %v, want ErrClosed", err)
	}
}

func TestAReaderDoesNotSeeAnUnfinishedWriter(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	write(t, db, "old")
	err := db.Update(func(tx *store.Tx) error {
		if err := put("new", "")(tx); err != nil {
			return err
		}
		same(t, "keys of a reader", []string{"old"}, keys(t, db, "things"))
		if tx.Bucket("things").Get([]byte("new")) == nil {
			t.Error("the writer does not see its own write")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "keys", []string{"new", "old"}, keys(t, db, "things"))
}

// A killed process leaves its file as it is, without closing it.
func TestAcknowledgedDataIsInTheFileAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "durable.db")
	db, err := store.Open(path, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	write(t, db, "a", "b")
	left, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found := filepath.Join(t.TempDir(), "found.db")
	if err := os.WriteFile(found, left, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(found, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same(t, "keys", []string{"a", "b"}, keys(t, again, "things"))
}
