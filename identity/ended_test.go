package identity_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-portal/gatehouse/identity"
)

func TestASessionThatIsOverIsToldFromNone(t *testing.T) {
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
		t.Error("a browser that never signed in is told that its session has ended")
	}
	if ended(session) {
		t.Error("a session has ended before its time")
	}
	s.clock.forward(identity.DefaultSessionTTL)
	if !ended(session) {
		t.Error("a session that is over is not told from none")
	}
}
