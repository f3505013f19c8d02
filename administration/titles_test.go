package administration

import (
	"testing"

	"github.com/gatehouse-portal/gatehouse/events"
)

func TestEveryFactHasATitleOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, kind := range events.FactTypes() {
		name := events.Name(kind)
		title, ok := factTitles[name]
		if other, twice := seen[title]; !ok || twice {
			t.Errorf("%s has the title %q, and so has %q", name, title, other)
		}
		seen[title] = name
	}
	if got := FactTitle("KeyFrozen"); got != "Key frozen" {
		t.Errorf("a fact of a later version is called %q", got)
	}
}
