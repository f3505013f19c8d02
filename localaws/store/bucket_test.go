package store_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// inTx runs fn in a write transaction that must succeed.
func inTx(t *testing.T, db *store.DB, fn func(*store.Tx) error) {
	t.Helper()
	if err := db.Update(fn); err != nil {
		t.Fatal(err)
	}
}

func TestABucketThatWasNeverWrittenToIsEmpty(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	inTx(t, db, func(tx *store.Tx) error {
		b := tx.Bucket("a", "b")
		if key, _ := b.Cursor().Seek([]byte("x")); key != nil || b.Get([]byte("x")) != nil {
			t.Error("it is not empty")
		}
		if err := b.Delete([]byte("x")); err != nil {
			return err
		}
		return tx.Drop("a", "b")
	})
}

func TestNestedBucketsAreSeparate(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	inTx(t, db, func(tx *store.Tx) error {
		for _, path := range [][]string{{"a"}, {"a", "x"}, {"a", "x", "y"}, {"b"}} {
			b := tx.Bucket(path...)
			if err := b.Put([]byte("k"), []byte(strings.Join(path, "/"))); err != nil {
				return err
			}
		}
		return nil
	})
	value := func(path ...string) (got string) {
		_ = db.View(func(tx *store.Tx) error { got = string(tx.Bucket(path...).Get([]byte("k"))); return nil })
		return got
	}
	same(t, "values", []string{"a", "a/x", "a/x/y", "b"}, []string{value("a"), value("a", "x"), value("a", "x", "y"), value("b")})
	same(t, "keys beside a nested bucket", []string{"k"}, keys(t, db, "a"))
	inTx(t, db, func(tx *store.Tx) error { return tx.Drop("a", "x") })
	same(t, "values after dropping a/x", []string{"a", "", "", "b"}, []string{value("a"), value("a", "x"), value("a", "x", "y"), value("b")})
}

func TestACursorMovesBothWaysAndSkipsNestedBuckets(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	inTx(t, db, func(tx *store.Tx) error {
		b := tx.Bucket("things")
		for _, key := range []string{"b", "d", "f"} {
			if err := b.Put([]byte(key), []byte("value of "+key)); err != nil {
				return err
			}
		}
		for _, name := range []string{"a", "c", "e", "g"} {
			nested := tx.Bucket("things", name)
			if err := nested.Put([]byte("k"), nil); err != nil {
				return err
			}
		}
		return nil
	})
	err := db.View(func(tx *store.Tx) error {
		c := tx.Bucket("things").Cursor()
		for i, step := range []struct {
			move func() ([]byte, []byte)
			want string
		}{
			{c.First, "b"}, {c.Next, "d"}, {c.Next, "f"}, {c.Next, ""},
			{c.Last, "f"}, {c.Prev, "d"}, {c.Prev, "b"}, {c.Prev, ""},
			{func() ([]byte, []byte) { return c.Seek([]byte("d")) }, "d"},
			{func() ([]byte, []byte) { return c.Seek([]byte("e")) }, "f"},
			{func() ([]byte, []byte) { return c.Seek([]byte("g")) }, ""},
		} {
			key, value := step.move()
			if string(key) != step.want || step.want != "" && string(value) != "value of "+step.want {
				t.Errorf("step %d leads to %q, %q; want %q", i+1, key, value, step.want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAnEmptyValueIsNotAbsent(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	empty := func(tx *store.Tx) error {
		b := tx.Bucket("things")
		if b.Get([]byte("k")) == nil {
			t.Error("an empty value reads as absent")
		}
		if key, _ := b.Cursor().First(); string(key) != "k" {
			t.Errorf("the cursor finds %q", key)
		}
		return nil
	}
	inTx(t, db, func(tx *store.Tx) error {
		b := tx.Bucket("things")
		if err := b.Put([]byte("k"), []byte{}); err != nil {
			return err
		}
		return empty(tx)
	})
	if err := db.View(empty); err != nil {
		t.Fatal(err)
	}
}

func TestSequencesContinueAfterAReopen(t *testing.T) {
	t.Parallel()
	db, path := open(t)
	var got []uint64
	next := func(db *store.DB, bucket string) {
		var n uint64
		inTx(t, db, func(tx *store.Tx) (err error) {
			b := tx.Bucket(bucket)
			n, err = b.NextSequence()
			return err
		})
		got = append(got, n)
	}
	next(db, "a")
	next(db, "a")
	next(db, "b")
	_ = db.Close()
	again, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	next(again, "a")
	same(t, "numbers", []uint64{1, 2, 1, 3}, got)
}

type thing struct{ Name string }

func TestValuesAreStoredAsJSON(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	inTx(t, db, func(tx *store.Tx) error {
		for _, name := range []string{"b", "a"} {
			if err := store.PutJSON(tx.Bucket("things"), name, thing{name}); err != nil {
				return err
			}
		}
		return nil
	})
	err := db.View(func(tx *store.Tx) error {
		b := tx.Bucket("things")
		got, found, err := store.GetJSON[thing](b, "a")
		if got.Name != "a" || !found || err != nil {
			t.Errorf("a is %+v, %v, %v", got, found, err)
		}
		if _, found, err := store.GetJSON[thing](b, "c"); found || err != nil {
			t.Errorf("c, which does not exist: %v, %v", found, err)
		}
		all, err := store.AllJSON[thing](b)
		same(t, "all", []thing{{"a"}, {"b"}}, all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	inTx(t, db, put("spoilt", "{"))
	err = db.View(func(tx *store.Tx) error {
		if _, _, err := store.GetJSON[thing](tx.Bucket("things"), "spoilt"); err == nil || !strings.Contains(err.Error(), "things") {
			t.Errorf("an undecodable value: %v, want an error that names it", err)
		}
		_, err := store.AllJSON[thing](tx.Bucket("things"))
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "spoilt") {
		t.Errorf("all values, one of them undecodable: %v, want an error that names it", err)
	}
	if err := db.Update(func(tx *store.Tx) error { return store.PutJSON(tx.Bucket("things"), "c", make(chan int)) }); err == nil {
		t.Error("a value that JSON cannot represent was stored")
	}
}

func TestAReaderCannotWrite(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	write(t, db, "k")
	if err := db.View(put("new", "")); err == nil {
		t.Error("a read transaction has written")
	}
	same(t, "keys", []string{"k"}, keys(t, db, "things"))
}
