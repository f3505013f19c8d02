package tryit_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/tryit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

const (
	host     = "api.example"
	endpoint = "http://" + host + "/v1"
	keyValue = "ghKeyValueThatNobodyMaySeeAnywhere0123456789abcdefg"
)

// internet is DNS and network of a test. Every address leads to the server.
type internet struct {
	server string

	mu sync.Mutex
	// answers are what DNS says to one question after another; the last one stays.
	answers [][]string
	asked   []string
	dialed  []string
}

func (n *internet) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked = append(n.asked, name)
	if len(n.answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	var found []netip.Addr
	for _, text := range n.answers[0] {
		found = append(found, netip.MustParseAddr(text))
	}
	if len(n.answers) > 1 {
		n.answers = n.answers[1:]
	}
	return found, nil
}

func (n *internet) connect(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, n.server)
}

func (n *internet) sees(t *testing.T, asked, dialed []string) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	if !slices.Equal(n.asked, asked) || !slices.Equal(n.dialed, dialed) {
		t.Errorf("DNS was asked for %v, and connections went to %v; want %v and %v", n.asked, n.dialed, asked, dialed)
	}
}

const publicIP = "93.184.216.34"

// serve starts an API at the public address, and returns a sender that reaches it.
func serve(t *testing.T, handler http.HandlerFunc) (*tryit.Sender, *internet) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return reaching(t, server.Listener.Addr().String())
}

// secure is where an API of serveTLS is.
const secure = "https://example.com/v1"

// serveTLS is serve with TLS, so that keys can be sent.
func serveTLS(t *testing.T, handler http.HandlerFunc) (*tryit.Sender, *internet) {
	t.Helper()
	server := httptest.NewTLSServer(handler) // its certificate is for example.com
	t.Cleanup(server.Close)
	n := &internet{server: server.Listener.Addr().String(), answers: [][]string{{publicIP}}}
	return tryit.NewSender(tryit.SenderConfig{
		Resolver: n, Connect: n.connect, TLS: server.Client().Transport.(*http.Transport).TLSClientConfig.Clone(), Timeout: time.Minute,
	}), n
}

func reaching(t *testing.T, server string) (*tryit.Sender, *internet) {
	t.Helper()
	n := &internet{server: server, answers: [][]string{{publicIP}}}
	return tryit.NewSender(tryit.SenderConfig{Resolver: n, Connect: n.connect, Timeout: time.Minute}), n
}

// speak starts a server that answers every request with raw bytes, again and again if endless, and
// then holds the connection until the client closes it.
func speak(t *testing.T, endless bool, raw ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); all.Wait() })
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				buffer := make([]byte, 64<<10)
				if _, err := conn.Read(buffer); err != nil {
					return
				}
				for i := 0; ; i++ {
					if i >= len(raw) && !endless {
						break
					}
					if _, err := conn.Write([]byte(raw[min(i, len(raw)-1)])); err != nil {
						return
					}
				}
				_, _ = conn.Read(buffer) // returns when the client closes the connection
			})
		}
	})
	return listener.Addr().String()
}

// get sends a GET without anything else.
func get(t *testing.T, s *tryit.Sender, path string) tryit.Exchange {
	t.Helper()
	return send(t, s, tryit.Request{Endpoint: endpoint, Method: "GET", Path: path})
}

func send(t *testing.T, s *tryit.Sender, r tryit.Request) tryit.Exchange {
	t.Helper()
	e, err := s.Send(t.Context(), r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	return e
}

// answered returns the response, which must be there.
func answered(t *testing.T, e tryit.Exchange) tryit.Response {
	t.Helper()
	if e.Response == nil {
		t.Fatalf("no answer came: %s, %s", e.Failure, e.Explanation)
	}
	return *e.Response
}

func failed(t *testing.T, e tryit.Exchange, want tryit.Failure, says string) {
	t.Helper()
	if e.Failure != want || !strings.Contains(e.Explanation, says) {
		t.Errorf("it failed as %q: %q; want %q: …%s…", e.Failure, e.Explanation, want, says)
	}
}

func refused(t *testing.T, err error, want portal.Code, says string) {
	t.Helper()
	if portal.CodeOf(err) != want || !strings.Contains(portal.MessageOf(err), says) {
		t.Errorf("the error is %v, want %s: …%s…", err, want, says)
	}
}

func valueOf(headers []tryit.Header, name string) string {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}
