package library

import (
	"strings"
	"testing"
)

func TestExcerptsAreFreeOfMarkdown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ have, want string }{
		"headings and lists lose their marks": {"# Tides\n- one\n* two", "Tides one two"},
		"bold, italic and code lose theirs":   {"**High** and *low* `GET /tides`", "High and low GET /tides"},
		"links keep their texts":              {"[errors](b.md#c)", "errors"},
		"tables lose their rules":             {"| a | b |\n|---|---|\n| c | d |", "a b c d"},
		"a sentence stays as it is":           {"High water, in UTC.", "High water, in UTC."},
		"a fence goes, the code stays":        {"```sh\ncurl x\n```", "curl x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := strings.Join(strings.Fields(readable(c.have)), " "); got != c.want {
				t.Errorf("%q becomes %q, want %q", c.have, got, c.want)
			}
		})
	}
}
