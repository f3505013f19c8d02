// Package localawstest runs a local AWS for tests.
package localawstest

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

// Start runs a local AWS until the test ends, on a free port and in a temporary
// folder.
func Start(t testing.TB, adjust ...func(*localaws.Options)) *localaws.Server {
	t.Helper()
	opts := localaws.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true}
	for _, f := range adjust {
		f(&opts)
	}
	s, err := localaws.Open(opts)
	if err != nil {
		t.Fatalf("starting local AWS: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing local AWS: %v", err)
		}
	})
	return s
}
