package branding_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/branding"
)

func TestChangesShowAfterASecondAndBrokenOnesAreLogged(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var log bytes.Buffer
	dir := folder(t, "branding.yaml", "name: First\n")
	source, err := branding.Open(dir, own(t), zerolog.New(&log), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	shows := func(want string) {
		t.Helper()
		if got := source.Current().Name; got != want {
			t.Errorf("the name is %q, want %q", got, want)
		}
	}
	shows("First")
	write(t, dir, "branding.yaml", "name: The second\n")
	now = now.Add(900 * time.Millisecond)
	shows("First")
	now = now.Add(100 * time.Millisecond)
	shows("The second")

	write(t, dir, "branding.yaml", "naam: Broken, and no longer used\n")
	now = now.Add(time.Second)
	shows("The second")
	now = now.Add(time.Second)
	shows("The second")
	if got := strings.Count(log.String(), `unknown key \"naam\"`); got != 1 {
		t.Errorf("the fault is logged %d times, want once:\n%s", got, &log)
	}

	write(t, dir, "branding.yaml", "name: The third one\n")
	now = now.Add(time.Second)
	shows("The third one")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second)
	shows("The third one")
	if !strings.Contains(log.String(), "does not exist") {
		t.Errorf("the missing folder is not logged:\n%s", &log)
	}
}

func TestABrokenFolderIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	if _, err := branding.Open(folder(t, "branding.yaml", "naam: A\n"), own(t), zerolog.Nop(), nil); err == nil {
		t.Error("it is accepted")
	}
}
