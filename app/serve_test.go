package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// patiently returns limits that no test reaches unless it lowers one.
func patiently() serving {
	return serving{header: time.Hour, read: time.Hour, write: time.Hour, idle: time.Hour, drain: time.Hour, connections: 10}
}

type served struct {
	addr string
	stop context.CancelFunc
	done chan error
}

func startServing(t *testing.T, s serving, handler http.Handler) served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	is := served{addr: l.Addr().String(), stop: stop, done: make(chan error, 1)}
	go func() { is.done <- s.serve(ctx, l, handler, zerolog.Nop()) }()
	t.Cleanup(stop)
	return is
}

// ask opens a connection, sends a request and reads nothing.
func (s served) ask(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", s.addr); err != nil {
		t.Fatal(err)
	}
	return c
}

// endless writes until writing fails, more than any buffer on the way holds.
func endless(began, failed chan<- struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		began <- struct{}{}
		block := []byte(strings.Repeat("x", 1<<20))
		for {
			if _, err := w.Write(block); err != nil {
				failed <- struct{}{}
				return
			}
		}
	})
}

func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	t.Parallel()
	limits := patiently()
	limits.write = 50 * time.Millisecond
	began, failed := make(chan struct{}, 1), make(chan struct{}, 1)
	s := startServing(t, limits, endless(began, failed))
	s.ask(t)
	<-began
	<-failed // the test's own time limit is what says that it never comes
	s.stop()
	if err := <-s.done; err != nil {
		t.Errorf("the server then stops with %v", err)
	}
}

func TestServerStopsCleanlyAlthoughAClientDoesNotRead(t *testing.T) {
	t.Parallel()
	limits := patiently()
	limits.drain = 10 * time.Millisecond
	began, failed := make(chan struct{}, 1), make(chan struct{}, 1)
	s := startServing(t, limits, endless(began, failed))
	s.ask(t)
	<-began
	s.stop()
	if err := <-s.done; err != nil {
		t.Errorf("it stops with %v", err)
	}
	<-failed // the connection was closed under it
}

func TestClientThatSendsNoRequestIsDropped(t *testing.T) {
	t.Parallel()
	limits := patiently()
	limits.header = 10 * time.Millisecond
	s := startServing(t, limits, http.NotFoundHandler())
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, c); n != 0 || err != nil {
		t.Errorf("it was answered %d bytes, %v", n, err)
	}
}

// piped is a listener whose connections are pipes, so that they work in a synctest bubble.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPiped() *piped { return &piped{conns: make(chan net.Conn, 10), closed: make(chan struct{})} }

func (p *piped) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *piped) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *piped) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

func (p *piped) ask() {
	client, server := net.Pipe()
	p.conns <- server
	_, _ = fmt.Fprint(client, "GET / HTTP/1.1\r\nHost: portal\r\n\r\n")
	_, _ = io.Copy(io.Discard, client)
	_ = client.Close()
}

func TestOpenConnectionsAreLimited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := patiently()
		limits.connections = 2
		var entered atomic.Int64
		release := make(chan struct{})
		l, done := newPiped(), make(chan error, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			done <- limits.serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Connection", "close")
				entered.Add(1)
				<-release
			}), zerolog.Nop())
		}()
		for range 3 {
			go l.ask()
		}
		synctest.Wait()
		if n := entered.Load(); n != 2 {
			t.Errorf("%d connections were taken at once, want 2", n)
		}
		release <- struct{}{}
		synctest.Wait()
		if n := entered.Load(); n != 3 {
			t.Errorf("with room again %d connections were taken in all, want 3", n)
		}
		close(release)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Zero is no limit in net/http.
func TestAllServerLimitsAreSet(t *testing.T) {
	t.Parallel()
	s := servingUpTo(1)
	for name, limit := range map[string]time.Duration{"header": s.header, "read": s.read, "write": s.write, "idle": s.idle, "drain": s.drain} {
		if limit <= 0 || limit > 2*time.Minute {
			t.Errorf("%s: %v", name, limit)
		}
	}
	if s.connections != 1 {
		t.Errorf("%d connections, want 1", s.connections)
	}
}

func TestOperatorsPortOnLoopbackAnswersToLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- ServeOperators(ctx, l, testProcess(t)) }()
	for host, want := range map[string]int{"localhost": http.StatusOK, "evil.test": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/healthz", nil)
		ok(t, err)
		r.Host, r.Close = host, true
		answer, err := http.DefaultClient.Do(r)
		ok(t, err)
		ok(t, answer.Body.Close())
		if answer.StatusCode != want {
			t.Errorf("%s is answered %d, want %d", host, answer.StatusCode, want)
		}
	}
	stop()
	ok(t, <-done)
}

func TestLoopbackPortAnswersToLoopbackNamesOnly(t *testing.T) {
	t.Parallel()
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	loopback, everywhere := listener("127.0.0.1"), listener("0.0.0.0")
	for host, want := range map[string]int{
		"localhost:8081": http.StatusOK, "localhost": http.StatusOK, "127.0.0.1:8081": http.StatusOK, "[::1]:8081": http.StatusOK, "[::1]": http.StatusOK,
		"evil.test": http.StatusMisdirectedRequest, "evil.test:8081": http.StatusMisdirectedRequest, "10.0.0.1:8081": http.StatusMisdirectedRequest,
		"localhost.evil.test": http.StatusMisdirectedRequest, "": http.StatusMisdirectedRequest,
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.Host = host
		w := httptest.NewRecorder()
		ForLoopbackNames(loopback, fine).ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("on loopback %q is answered %d, want %d", host, w.Code, want)
		}
		w = httptest.NewRecorder()
		ForLoopbackNames(everywhere, fine).ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			t.Errorf("elsewhere %q is answered %d", host, w.Code)
		}
	}
}

// listener returns a listener of which only the address is used.
func listener(ip string) net.Listener { return addressed{&net.TCPAddr{IP: net.ParseIP(ip)}} }

type addressed struct{ addr net.Addr }

func (addressed) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (addressed) Close() error              { return nil }
func (a addressed) Addr() net.Addr          { return a.addr }
