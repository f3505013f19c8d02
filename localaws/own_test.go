package localaws

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

func TestAnotherMachineCannotPlayABuyer(t *testing.T) {
	t.Parallel()
	s := &Server{}
	for _, path := range []string{"/purchases", "/purchases/agmt-1/arrive", "/billed"} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "http://localhost:4566"+marketplace.Path+path, nil)
		r.RemoteAddr = "192.0.2.1:40000"
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("%s is answered %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheHostInTheListenAddressIsAnOwnHost(t *testing.T) {
	t.Parallel()
	for addr, own := range map[string]bool{"aws.test:4566": true, "AWS.test:0": true, "127.0.0.1:4566": false, ":4566": false} {
		s := &Server{listensAt: hostName(addr)}
		r := httptest.NewRequest("GET", "http://aws.test:4566/", nil)
		if got := s.ownHost(r); got != own {
			t.Errorf("listening on %s, aws.test is an own host: %v, want %v", addr, got, own)
		}
		r.Host = ""
		if s.ownHost(r) {
			t.Errorf("listening on %s, an empty host is an own host", addr)
		}
	}
}
