package main

import (
	"strings"
	"testing"
)

// A wrong name is told before anything is read, so also if there are no keys to delete.
func TestPurgingKeysOfAnotherInstallationIsRefused(t *testing.T) {
	t.Parallel()
	env := []string{"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_ENDPOINT_URL=http://127.0.0.1:1"}
	code, _, stderr := said(t, env, "keys", "purge", "--yes", "--confirm", "other")
	if code != 2 || !strings.Contains(stderr, "--confirm other: the installation's prefix is gatehouse") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}
