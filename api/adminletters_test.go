package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
)

func TestWhatADryRunChoosesCanBeOrderedExactly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"all":true,"dry_run":true}`:                                                          "before 2026-11-22T09:00:00Z; open",
		`{"cause":"failed","after":"2026-11-21T09:00:00.5Z","dry_run":true}`:                   "cause failed, since 2026-11-21T09:00:00Z, before 2026-11-22T09:00:00Z; open",
		`{"queue":"commands","before":"2026-11-21T10:00:00+01:00","dry_run":true}`:             "queue commands, before 2026-11-21T09:00:00Z; open",
		`{"type":"RegisterUser","before":"2026-12-24T09:00:00Z","dry_run":true,"all":false}`:   "type RegisterUser, before 2026-11-22T09:00:00Z; open",
		`{"letter":"l-1","cause":"ignored","before":"2026-12-24T09:00:00Z","dry_run":true}`:    "l-1",
		`{"account":"account-grace","before":"2026-11-21T09:00:00.123456789Z","dry_run":true}`: "account account-grace, before 2026-11-21T09:00:00Z; open",
	} {
		s := siteOf(t, full(), &root)
		for path, verb := range map[string]string{"/admin/dead-letter-replays": "replay ", "/admin/dead-letter-discards": "discard "} {
			reason := map[string]any{}
			if verb == "discard " {
				reason["reason"] = "Sent by hand."
			}
			dry := s.do(http.MethodPost, path, strings.NewReader(with(t, body, reason))).want(http.StatusOK).json().(map[string]any)
			shown := s.asked[len(s.asked)-1]
			choice, err := json.Marshal(dry["choice"])
			if err != nil {
				t.Fatal(err)
			}
			s.do(http.MethodPost, path, strings.NewReader(with(t, string(choice), reason))).want(http.StatusOK)
			ordered := s.asked[len(s.asked)-1]
			if shown.Name != verb+want || !strings.HasPrefix(ordered.Name, verb+want) {
				t.Errorf("%s of %s shows %q, and its choice %s orders %q", verb, body, shown.Name, choice, ordered.Name)
			}
		}
	}
}

// with returns the JSON object with these members, too.
func with(t *testing.T, object string, members map[string]any) string {
	t.Helper()
	all := map[string]any{}
	if err := json.Unmarshal([]byte(object), &all); err != nil {
		t.Fatal(err)
	}
	maps.Copy(all, members)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
