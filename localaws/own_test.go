package localaws

import (
	"net/http/httptest"
	"testing"
)

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
