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
	cookie := &http.Cookie{Name: "gatehouse_session", Value: b.cookie(s.url, "gatehouse_session")}
	ended := func(cookies ...*http.Cookie) (over bool) {
		r := httptest.NewRequest(http.MethodGet, "/dashboard", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		s.Authenticate(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { over = s.Ended(r) })).ServeHTTP(httptest.NewRecorder(), r)
		return over
	}
	if ended() {
		t.Error("a browser that never signed in is told that its session has ended")
	}
	if ended(cookie) {
		t.Error("a session has ended before its time")
	}
	s.clock.forward(identity.DefaultSessionTTL)
	if !ended(cookie) {
		t.Error("a session that is over is not told from none")
	}
}
