package localaws_test

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

func TestClosingDoesNotWaitForConnectionsThatWereNeverUsed(t *testing.T) {
	t.Parallel()
	srv, err := localaws.Open(localaws.Options{Dir: t.TempDir(), Addr: "127.0.0.1:0", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.Endpoint(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// When this request is answered, the server has accepted the connection before it.
	res, err := http.Get(srv.Endpoint() + "/_localaws/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if err := srv.Close(); err != nil {
		t.Errorf("closing: %v", err)
	}
}
