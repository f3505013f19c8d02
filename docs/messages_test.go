package docs_test

import (
	"os"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
)

func TestMessagesDescribesEveryType(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("messages.md")
	if err != nil {
		t.Fatal(err)
	}
	requests, facts, ok := strings.Cut(string(page), "\n## Facts\n")
	if !ok {
		t.Fatal("messages.md has no section about facts")
	}
	fact := map[string]bool{}
	for _, name := range events.FactTypes() {
		fact[name] = true
	}
	for _, eventType := range events.Types() {
		name := events.Name(eventType)
		switch {
		case fact[eventType] && !strings.Contains(facts, "\n| `"+name+"`"):
			t.Errorf("messages.md has no row for the fact %s", name)
		case !fact[eventType] && !strings.Contains(requests, "\n### "+name+"\n"):
			t.Errorf("messages.md has no section about the request %s", name)
		case !fact[eventType] && !strings.Contains(requests, "`"+name+"`"):
			t.Errorf("messages.md does not say which queue the request %s goes to", name)
		}
	}
}
