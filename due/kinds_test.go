package due

import (
	"os"
	"regexp"
	"testing"
)

func TestEveryKindIsKnown(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("due.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t\w+ +Kind = "(\w+)"$`).FindAllStringSubmatch(string(source), -1)
	if len(declared) < 10 {
		t.Fatalf("found the kinds %q", declared)
	}
	for _, kind := range declared {
		if !Known(Kind(kind[1])) {
			t.Errorf("%s is not known", kind[1])
		}
	}
	if len(Kinds()) != len(declared) || Known("from_next_year") {
		t.Errorf("the kinds are %q", Kinds())
	}
}
