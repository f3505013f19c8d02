package tryit

import (
	"net/http"
	"strconv"
	"strings"
)

// Left is what is left of a quota or rate.
type Left struct {
	Remaining int64 `json:"remaining"`
	// Limit and ResetSeconds are nil if the headers do not say.
	Limit        *int64 `json:"limit,omitempty"`
	ResetSeconds *int64 `json:"reset_seconds,omitempty" doc:"Seconds until the whole limit is available again."`
}

// left reads RateLimit (draft-ietf-httpapi-ratelimit-headers, old and new forms),
// RateLimit-Remaining, or X-RateLimit-Remaining; nil if there is none.
func left(header http.Header) *Left {
	if l := leftIn(header.Get("RateLimit")); l != nil {
		return l
	}
	for _, prefix := range []string{"RateLimit-", "X-RateLimit-", "X-Rate-Limit-"} {
		remaining := number(header.Get(prefix + "Remaining"))
		if remaining == nil {
			continue
		}
		l := &Left{Remaining: *remaining, Limit: number(header.Get(prefix + "Limit"))}
		if prefix == "RateLimit-" { // the others have a time, in no form that is agreed
			l.ResetSeconds = number(header.Get(prefix + "Reset"))
		}
		return l
	}
	return nil
}

// leftIn reads `"default";r=50;t=30` or `limit=100, remaining=50, reset=5`. It takes the first of
// several limits.
func leftIn(value string) *Left {
	found := map[string]*int64{}
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ';' || r == ',' }) {
		name, text, ok := strings.Cut(strings.TrimSpace(part), "=")
		name = map[string]string{"r": "remaining", "t": "reset"}[name] + map[string]string{"remaining": "remaining", "reset": "reset", "limit": "limit"}[name]
		if n := number(text); ok && n != nil && found[name] == nil {
			found[name] = n
		}
	}
	if found["remaining"] == nil {
		return nil
	}
	return &Left{Remaining: *found["remaining"], Limit: found["limit"], ResetSeconds: found["reset"]}
}

// number reads at most 18 digits. It ignores the policy after them, as in "100, 100;w=60".
func number(text string) *int64 {
	text = strings.TrimSpace(text)
	end := 0
	for end < len(text) && text[end] >= '0' && text[end] <= '9' {
		end++
	}
	if end == 0 || end > 18 || end < len(text) && !strings.ContainsRune(",; ", rune(text[end])) {
		return nil
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	if err != nil {
		return nil
	}
	return &n
}
