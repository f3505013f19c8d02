package app

import (
	"net"
	"strings"
	"testing"
)

func TestListenErrorsAreExplained(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for name, c := range map[string]struct{ addr, want string }{
		"a port in use":                 {taken.Addr().String(), "cannot listen on port " + port + ": address already in use"},
		"no such port":                  {":99999", "cannot listen on port 99999: a port must be 1 to 65535"},
		"a negative port":               {"127.0.0.1:-1", "cannot listen on port -1: a port must be 1 to 65535"},
		"no port":                       {"8080", `cannot listen on "8080": want host:port or :port, like :8080`},
		"an address of another machine": {"192.0.2.1:0", "192.0.2.1 is not an address of this machine"},
		"a name that does not resolve":  {"nowhere.invalid:0", "nowhere.invalid is not an address of this machine"},
	} {
		l, err := Listen(c.addr)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
