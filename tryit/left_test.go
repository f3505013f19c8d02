package tryit

import (
	"fmt"
	"net/http"
	"testing"
)

func TestWhatIsLeftIsReadFromHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers []string
		want    string
	}{
		"no header":                     {nil, "none"},
		"the standard's new form":       {[]string{"RateLimit", `"default";r=50;t=30`}, "50 of ? for 30"},
		"the standard, several limits":  {[]string{"RateLimit", `"burst";r=5;t=1, "day";r=500;t=3600`}, "5 of ? for 1"},
		"the standard's old form":       {[]string{"RateLimit", "limit=100, remaining=50, reset=5"}, "50 of 100 for 5"},
		"the oldest form":               {[]string{"RateLimit-Limit", "100, 100;w=60", "RateLimit-Remaining", "0", "RateLimit-Reset", "7"}, "0 of 100 for 7"},
		"the usual headers":             {[]string{"X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "999", "X-RateLimit-Reset", "1732700000"}, "999 of 1000 for ?"},
		"with another hyphen":           {[]string{"X-Rate-Limit-Remaining", "3"}, "3 of ? for ?"},
		"nonsense":                      {[]string{"RateLimit", "r=many", "X-RateLimit-Remaining", "lots"}, "none"},
		"a negative number":             {[]string{"X-RateLimit-Remaining", "-1"}, "none"},
		"a number without end":          {[]string{"X-RateLimit-Remaining", "9999999999999999999999"}, "none"},
		"a number with something on it": {[]string{"X-RateLimit-Remaining", "12monkeys"}, "none"},
		"a limit alone":                 {[]string{"X-RateLimit-Limit", "1000"}, "none"},
	} {
		header := http.Header{}
		for i := 0; i < len(c.headers); i += 2 {
			header.Set(c.headers[i], c.headers[i+1])
		}
		if got := text(left(header)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func text(l *Left) string {
	if l == nil {
		return "none"
	}
	or := func(n *int64) string {
		if n == nil {
			return "?"
		}
		return fmt.Sprint(*n)
	}
	return fmt.Sprintf("%d of %s for %s", l.Remaining, or(l.Limit), or(l.ResetSeconds))
}
