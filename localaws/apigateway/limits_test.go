package apigateway

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// small returns a service whose account has smaller quotas than on AWS.
func small(t *testing.T, l limits) *Service {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "db"), store.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s := New(wire.Env{DB: db, Now: time.Now, Account: "000000000000", Region: "us-east-1"})
	s.limits = l
	return s
}

func send(s *Service, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.ServeControl(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func TestTheQuotasOfTheAccountAreEnforced(t *testing.T) {
	t.Parallel()
	s := small(t, limits{plans: 2, plansPerKey: 1})
	s.SetKeyLimit(2)
	exceeded := func(method, path, body string) {
		t.Helper()
		if w := send(s, method, path, body); w.Code != http.StatusTooManyRequests || w.Header().Get("X-Amzn-Errortype") != "LimitExceededException" {
			t.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	for i := range 2 {
		send(s, "POST", "/apikeys", fmt.Sprintf(`{"name": "k%d"}`, i))
		send(s, "POST", "/usageplans", fmt.Sprintf(`{"name": "p%d"}`, i))
	}
	exceeded("POST", "/apikeys", `{"name": "k"}`)
	exceeded("POST", "/usageplans", `{"name": "p"}`)

	var keys, plans []string
	if err := s.env.DB.View(func(tx *store.Tx) error {
		keys, plans = keysOf(bucket(tx, "keys")), keysOf(bucket(tx, "plans"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	attach := fmt.Sprintf(`{"keyId": %q, "keyType": "API_KEY"}`, keys[0])
	if w := send(s, "POST", "/usageplans/"+plans[0]+"/keys", attach); w.Code != http.StatusCreated {
		t.Errorf("attaching: %d %s", w.Code, w.Body)
	}
	exceeded("POST", "/usageplans/"+plans[1]+"/keys", attach)

	send(s, "DELETE", "/apikeys/"+keys[0], "")
	if w := send(s, "POST", "/apikeys", `{"name": "k"}`); w.Code != http.StatusCreated {
		t.Errorf("creating a key after one was deleted: %d %s", w.Code, w.Body)
	}
}

func TestUnknownRoutesAndQueriesAreNotImplemented(t *testing.T) {
	t.Parallel()
	s := small(t, limits{})
	for _, path := range []string{"GET /vpclinks", "POST /restapis?mode=clone", "DELETE /nothing"} {
		method, target, _ := strings.Cut(path, " ")
		w := send(s, method, target, "")
		if w.Code != http.StatusNotImplemented || w.Header().Get("X-Amzn-Errortype") != "NotImplementedException" || !strings.Contains(w.Body.String(), `"message"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestACallIsMatchedToTheMostSpecificResource(t *testing.T) {
	t.Parallel()
	with := func(path string, verbs ...string) resource {
		res := resource{Path: path, PathPart: path[strings.LastIndex(path, "/")+1:]}
		for _, verb := range verbs {
			res.put(method{HTTPMethod: verb, OperationName: verb + " " + path})
		}
		return res
	}
	root := buildTree([]resource{
		with("/", "GET"), with("/pets", "GET", "ANY"), with("/pets/{id}", "GET"), with("/pets/mine", "POST"),
		with("/pets/{id}/toys"), with("/files"), with("/files/{path+}", "ANY"),
	})
	tests := []struct{ call, want, parameters string }{
		{"GET /", "GET /", ""},
		{"GET /pets/", "GET /pets", ""},
		{"PUT /pets", "ANY /pets", ""},
		{"GET /pets/a%20b", "GET /pets/{id}", "id=a%20b"},
		{"POST /pets/mine", "POST /pets/mine", ""},
		{"GET /pets/mine", "GET /pets/{id}", "id=mine"},
		{"GET /pets/1/toys", "", ""},
		{"PUT /files/a/b", "ANY /files/{path+}", "path=a/b"},
		{"PUT /files", "", ""},
		{"POST /", "", ""},
	}
	for _, tt := range tests {
		verb, path, _ := strings.Cut(tt.call, " ")
		parameters := map[string]string{}
		m, _ := root.match(segments(path), verb, parameters)
		got := ""
		for name, value := range parameters {
			got = name + "=" + value
		}
		if m.OperationName != tt.want || got != tt.parameters {
			t.Errorf("%s: got %q with %q", tt.call, m.OperationName, got)
		}
	}
}
