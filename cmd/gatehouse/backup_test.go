package main

import (
	"path/filepath"
	"testing"
)

func TestABackupOfTablesThatDoNotAnswerSaysSo(t *testing.T) {
	t.Parallel()
	env := []string{"AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=y", "AWS_REGION=us-east-1", "AWS_MAX_ATTEMPTS=1"}
	for _, to := range []string{filepath.Join(t.TempDir(), "b.gz"), "s3://kept/b.gz"} {
		code, stdout, stderr := said(t, env, "backup", to)
		if code != 1 || stdout != "" {
			t.Errorf("%s: exit code %d\n%s", to, code, stdout)
		}
		checkSays(t, stderr, "AWS does not answer: connection refused. Check AWS_REGION, AWS_ENDPOINT_URL and the network.")
	}
}
