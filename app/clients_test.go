package app

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAWSProfileThatDoesNotExistIsNamed(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_PROFILE", "nobody")
	_, err := LoadAWS(t.Context())
	if err == nil || !strings.HasPrefix(err.Error(), `there is no AWS profile "nobody". Correct AWS_PROFILE`) {
		t.Errorf("it fails with %v", err)
	}
}
