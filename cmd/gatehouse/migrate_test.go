package main

import (
	"path/filepath"
	"testing"
)

func TestAFileOfKeysThatIsNoneIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, want := range map[string]string{dir: dir + " is a folder; give the CSV file", filepath.Join(dir, "none.csv"): "there is no file " + filepath.Join(dir, "none.csv")} {
		if _, _, err := (migrateCSVCommand{File: name}).read(); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
