package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// openSound opens the file unless it is damaged. bbolt panics at a wrong page, or reads
// past the end. So openSound first reads the whole file.
func openSound(path string, opts Options) (*bolt.DB, error) {
	if file, err := os.Stat(path); err == nil && file.Mode().IsRegular() && file.Size() > 0 {
		if err := examine(path); err != nil {
			return nil, err
		}
	}
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, NoSync: opts.NoSync, FreelistType: bolt.FreelistMapType})
}

// lockTimeout is how long to wait for another process with the file.
const lockTimeout = 250 * time.Millisecond

// examine opens the file read-only: for writing, bbolt would first read the list of free
// pages, and may panic over it.
func examine(path string) (err error) {
	// A read past the end of the file then panics instead of killing the process.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if found := recover(); found != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, found)
		}
	}()
	b, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, ReadOnly: true})
	damages := []error{berrors.ErrInvalid, berrors.ErrChecksum, berrors.ErrVersionMismatch}
	switch {
	case slices.ContainsFunc(damages, func(damage error) bool { return errors.Is(err, damage) }),
		err != nil && !errors.Is(err, berrors.ErrTimeout) && isCut(path):
		return fmt.Errorf("%w (%w)", ErrDamaged, err)
	case err != nil:
		return err
	}
	defer b.Close()
	return b.View(func(tx *bolt.Tx) error { return verify(path, tx) })
}

func isCut(path string) bool {
	file, err := os.Stat(path)
	return err == nil && file.Size() < 4*int64(os.Getpagesize())
}

func verify(path string, tx *bolt.Tx) error {
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	if file.Size() < tx.Size() {
		return fmt.Errorf("%w (it has %d bytes of %d)", ErrDamaged, file.Size(), tx.Size())
	}
	// This comes before Check, whose goroutine's panics cannot be caught.
	if err := tx.ForEach(func(_ []byte, b *bolt.Bucket) error { return readAll(b) }); err != nil {
		return err
	}
	var found error
	for damage := range tx.Check() {
		if found == nil {
			found = fmt.Errorf("%w (%w)", ErrDamaged, damage)
		}
	}
	return found
}

func readAll(b *bolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v != nil {
			return nil
		}
		inner := b.Bucket(k)
		if inner == nil {
			return fmt.Errorf("%w (bucket %q cannot be read)", ErrDamaged, k)
		}
		return readAll(inner)
	})
}

// WriteTo writes a consistent copy of the file while others read and write. The file cannot
// reuse freed space meanwhile, so w should be fast, such as a local file.
func (db *DB) WriteTo(w io.Writer) (n int64, err error) {
	err = db.View(func(tx *Tx) error {
		n, err = tx.tx.WriteTo(w)
		return err
	})
	return n, err
}
