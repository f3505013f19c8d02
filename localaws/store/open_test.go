package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func TestAFileKeepsItsDataUntilItIsOpenedFresh(t *testing.T) {
	t.Parallel()
	db, path := open(t)
	write(t, db, "k")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		fresh bool
		want  []string
	}{{false, []string{"k"}}, {true, nil}, {false, nil}} {
		again, err := store.Open(path, store.Options{NoSync: true, Fresh: step.fresh})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "keys", step.want, keys(t, again, "things"))
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileOfAnotherVersionIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	db, path := open(t)
	write(t, db, "k")
	_ = db.Close()
	setVersion(t, path, "0")
	_, err := store.Open(path, store.Options{NoSync: true})
	if !errors.Is(err, store.ErrVersion) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want ErrVersion and the file's name", err)
	}
	setVersion(t, path, store.FormatVersion)
	again, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "keys", []string{"k"}, keys(t, again, "things"))
	_ = again.Close()
	setVersion(t, path, "0")
	fresh, err := store.Open(path, store.Options{NoSync: true, Fresh: true})
	if err != nil {
		t.Fatalf("starting over: %v", err)
	}
	defer fresh.Close()
	if left := keys(t, fresh, "things"); len(left) > 0 {
		t.Errorf("the other version's keys remain: %v", left)
	}
}

func setVersion(t *testing.T, path, version string) {
	t.Helper()
	b, err := bolt.Open(path, 0o600, &bolt.Options{NoSync: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Update(func(tx *bolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("version"), []byte(version)) })
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestAFileInUseIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	db, path := open(t)
	write(t, db, "k")
	for _, fresh := range []bool{false, true} {
		_, err := store.Open(path, store.Options{NoSync: true, Fresh: fresh})
		if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), path) {
			t.Errorf("opened a second time, fresh %v: %v, want ErrInUse and the file's name", fresh, err)
		}
	}
	same(t, "keys", []string{"k"}, keys(t, db, "things"))
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatalf("once it is free: %v", err)
	}
	_ = again.Close()
}

func TestTheErrorNamesAPlaceThatCannotHoldTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	notADatabase := filepath.Join(dir, "text")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("not a database\n", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"in a file instead of a folder":       filepath.Join(file, "test.db"),
		"at the path of a folder":             dir,
		"at the path of another kind of file": notADatabase,
	} {
		_, err := store.Open(path, store.Options{NoSync: true})
		if err == nil || !strings.Contains(err.Error(), filepath.Base(filepath.Dir(path))) {
			t.Errorf("%s: %v, want an error that names the place", name, err)
		}
	}
}

func TestTheErrorNamesAFolderThatIsNotWritable(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "test.db")
	_, err := store.Open(path, store.Options{NoSync: true})
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want fs.ErrPermission and the file's name", err)
	}
}

// filled returns the path of a closed file with a few hundred pages.
func filled(t *testing.T) string {
	t.Helper()
	db, path := open(t)
	err := db.Update(func(tx *store.Tx) error {
		for i := range 3000 {
			b := tx.Bucket("things", strconv.Itoa(i%10))
			if err := b.Put([]byte(strconv.Itoa(i)), bytes.Repeat([]byte("x"), 200)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADamagedFileIsRefusedWithoutAPanicAndReplacedWhenStartingOver(t *testing.T) {
	t.Parallel()
	const page = 4096
	for name, damage := range map[string]func([]byte) []byte{
		"cut short":                     func(file []byte) []byte { return file[:len(file)/2/page*page] },
		"cut within the header pages":   func(file []byte) []byte { return file[:page+100] },
		"both header pages overwritten": func(file []byte) []byte { clear(file[:2*page]); return file },
		"some pages zeroed":             func(file []byte) []byte { clear(file[20*page : 60*page]); return file },
		"pages in the wrong places": func(file []byte) []byte {
			return slices.Concat(file[:10*page], file[30*page:50*page], file[30*page:])
		},
		"another kind of file": func([]byte) []byte { return bytes.Repeat([]byte("not a database\n"), 10_000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filled(t)
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(file), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = store.Open(path, store.Options{NoSync: true})
			if !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), path) {
				t.Fatalf("opening it: %v, want ErrDamaged and the file's name", err)
			}
			db, err := store.Open(path, store.Options{NoSync: true, Fresh: true})
			if err != nil {
				t.Fatalf("starting over: %v", err)
			}
			defer db.Close()
			write(t, db, "k")
			same(t, "keys", []string{"k"}, keys(t, db, "things"))
		})
	}
}

func TestACopyOfAFileInUseIsConsistent(t *testing.T) {
	t.Parallel()
	db, _ := open(t)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			// The two keys are always written together.
			_ = db.Update(func(tx *store.Tx) error {
				b := tx.Bucket("pairs")
				return errors.Join(b.Put([]byte("a"), []byte(strconv.Itoa(i))), b.Put([]byte("b"), []byte(strconv.Itoa(i))))
			})
		}
	}()
	write(t, db, "before")
	path := filepath.Join(t.TempDir(), "copy.db")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.WriteTo(file)
	close(stop)
	<-done
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(path, store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	same(t, "keys", []string{"before"}, keys(t, again, "things"))
	if err := again.View(func(tx *store.Tx) error {
		b := tx.Bucket("pairs")
		if a, b := b.Get([]byte("a")), b.Get([]byte("b")); !bytes.Equal(a, b) {
			t.Errorf("the copy has %s and %s of one transaction", a, b)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
