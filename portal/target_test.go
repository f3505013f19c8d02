package portal_test

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestAnIDIsWrittenWithItsTarget(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target  portal.Target
		id      string
		written string
	}{
		"the default target leaves the id as it is": {"", "abc123", "abc123"},
		"another target comes before a colon":       {"eu", "abc123", "eu:abc123"},
		"a target may contain colons itself":        {"123456789012:eu-west-1", "abc123", "123456789012:eu-west-1:abc123"},
	} {
		if got := c.target.Of(c.id); got != c.written {
			t.Errorf("%s: written as %q, want %q", name, got, c.written)
		}
	}
}
