package identity_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-portal/gatehouse/identity"
)

func TestASessionThatHasEndedDiffersFromNone(t *testing.T) {
	t.Parallel()
	s := open(t)
	b := newBrowser(t)
	b.get(s.url + "/sign-in")
	session := s.withSession(b.cookie(s.url, s.cookieName("session")))
	none := func(r *http.Request) *http.Request { return r }
	ended := func(with func(*http.Request) *http.Request) (over bool) {
		r := with(httptest.NewRequest(http.MethodGet, "/dashboard", nil))
		s.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { over = s.Ended(r) })).ServeHTTP(httptest.NewRecorder(), r)
		return over
	}
	if ended(none) {
		t.Error("a browser that never signed in counts as one whose session has ended")
	}
	if ended(session) {
		t.Error("a valid session counts as ended")
	}
	s.clock.forward(identity.DefaultSessionTTL)
	if !ended(session) {
		t.Error("a session that has ended does not count as ended")
	}
}
