// This file tests try-it: requests that the portal sends to an API for people.

package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/tryit"
)

func (p person) try(address, body string) answer {
	p.t.Helper()
	return p.do(http.MethodPost, "/api/v1/try/"+address, body)
}

func TestAPersonTriesAnOperationAndNeverSeesTheKey(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.waitForCatalog(t)
	stranger := person{t: t, base: s.PortalURL}
	const seamark = "seamark/seamark" // the demo's product and its API

	p := s.signUp(t, "ada@example.com")
	p.succeed(p.do(http.MethodPost, "/api/v1/register", ""))
	p.succeed(p.do(http.MethodPut, "/api/v1/subscriptions/"+s.Demo.API.FreePlanID, ""))
	id := decode[items[key]](p.do(http.MethodGet, "/api/v1/keys", "")).Items[0].ID
	var answers []answer
	tried := func(p person, body string) tryit.Exchange {
		t.Helper()
		a := p.try(seamark, body).want(http.StatusOK)
		answers = append(answers, a)
		return decode[tryit.Exchange](a)
	}
	keyed := tried(p, `{"method":"GET","path":"/harbours","key":"`+id+`"}`)
	if r := keyed.Response; r == nil || r.Status != http.StatusOK || r.Body.Kind != tryit.KindJSON || !strings.Contains(r.Body.Text, "\n  ") {
		t.Fatalf("with the key: %+v", keyed)
	}
	if h := keyed.Request.Headers; len(h) == 0 || h[len(h)-1] != (tryit.Header{Name: "X-Api-Key", Value: tryit.Mask}) {
		t.Errorf("the request is shown with %v", h)
	}
	for name, c := range map[string]struct {
		who        person
		body, says string
		status     int
	}{
		"without a key":           {p, `{"method":"GET","path":"/harbours"}`, "the request had none", http.StatusForbidden},
		"signed out":              {stranger, `{"method":"GET","path":"/harbours"}`, "the request had none", http.StatusForbidden},
		"with a key of their own": {stranger, `{"method":"GET","path":"/harbours","headers":[{"name":"x-api-key","value":"typed"}]}`, "the request had none", http.StatusForbidden},
	} {
		if e := tried(c.who, c.body); e.Response == nil || e.Response.Status != c.status || !strings.Contains(e.Explanation, c.says) {
			t.Errorf("%s: %+v", name, e)
		}
	}
	other := s.signUp(t, "eve@example.com")
	other.succeed(other.do(http.MethodPost, "/api/v1/register", ""))
	other.try(seamark, `{"method":"GET","path":"/harbours","key":"`+id+`"}`).want(http.StatusNotFound)
	stranger.try(seamark, `{"method":"GET","path":"/harbours","key":"`+id+`"}`).want(http.StatusUnauthorized)
	p.try("nothing/at-all", `{"method":"GET","path":"/harbours"}`).want(http.StatusNotFound)
	for _, path := range []string{"/../../../../_localaws/snapshot", "/%2e%2e/%2e%2e/x", "//169.254.169.254/latest"} {
		p.try(seamark, `{"method":"GET","path":"`+path+`","key":"`+id+`"}`).want(http.StatusBadRequest)
	}

	activity := p.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)
	if !strings.Contains(string(activity.body), `"revealed_at":null`) {
		t.Errorf("trying counts as revealing: %s", activity.body)
	}
	value := decode[struct{ Value string }](p.do(http.MethodPost, "/api/v1/keys/"+id+"/reveal", "").want(http.StatusOK)).Value
	metrics := person{t: t, base: s.OperatorsURL}.do(http.MethodGet, "/metrics", "").want(http.StatusOK)
	s.stop()
	for _, a := range append(answers, metrics) {
		if strings.Contains(string(a.body), value) {
			t.Errorf("an answer holds the key: %s", a.body)
		}
	}
	if logs := s.logs.String(); strings.Contains(logs, value) || strings.Contains(logs, value[8:28]) {
		t.Error("the log holds the key")
	}
	checkKeyPlaces(t, dataFile(t, s.dir), value)
}
