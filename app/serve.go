package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
)

const operatorsConnections = 256

// Listen listens on an address. Its error is CannotListen's.
func Listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, CannotListen(addr, err)
	}
	return l, nil
}

// Serve serves until ctx ends. It then waits up to 20 seconds for requests in flight and cuts off
// the rest, which is not an error. Beyond that many connections, further ones wait to be
// accepted.
func Serve(ctx context.Context, l net.Listener, handler http.Handler, log zerolog.Logger, connections int) error {
	return servingUpTo(connections).serve(ctx, l, handler, log)
}

func servingUpTo(connections int) serving {
	return serving{
		header: 10 * time.Second, read: 30 * time.Second, write: time.Minute, idle: 2 * time.Minute,
		drain: 20 * time.Second, connections: connections,
	}
}

type serving struct {
	header time.Duration // for the header of a request
	read   time.Duration // for all of a request
	// write is for the response, from the end of the request's header on. A handler that streams
	// for longer must extend its deadline by http.ResponseController.
	write time.Duration
	// idle must be longer than load balancers keep idle connections, about a minute, or they
	// send requests on closed ones.
	idle        time.Duration
	drain       time.Duration // for requests in flight when the server stops
	connections int
}

func (s serving) serve(ctx context.Context, l net.Listener, handler http.Handler, log zerolog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.header,
		ReadTimeout:       s.read,
		WriteTimeout:      s.write,
		IdleTimeout:       s.idle,
		MaxHeaderBytes:    64 << 10,
	}
	limited := newLimitedListener(l, s.connections)
	server.ConnState = limited.connState
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(limited) }()
	log.Info().Str("addr", l.Addr().String()).Msg("serving")
	select {
	case err := <-failed:
		return fmt.Errorf("serving at %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn().Dur("after", s.drain).Msg("closing connections with unfinished responses")
		err = server.Close()
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// limitedListener accepts a connection only while fewer than its limit are open. It does not
// wrap connections: net/http half-closes a TCP connection so that the last response arrives,
// and cannot do that with a wrapped one.
type limitedListener struct {
	net.Listener
	open   chan struct{} // as many as there are connections
	closed chan struct{}
	once   sync.Once
}

func newLimitedListener(l net.Listener, connections int) *limitedListener {
	return &limitedListener{Listener: l, open: make(chan struct{}, connections), closed: make(chan struct{})}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.open <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.open
	}
	return c, err
}

// Close also ends an Accept that waits.
func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *limitedListener) connState(_ net.Conn, state http.ConnState) {
	if state == http.StateClosed || state == http.StateHijacked {
		<-l.open
	}
}

// ServeOperators serves Operators until ctx ends, as Serve does.
func ServeOperators(ctx context.Context, l net.Listener, p Process) error {
	return Serve(ctx, l, ForLoopbackNames(l, Operators(p)), p.Log, operatorsConnections)
}

// ForLoopbackNames answers 421 to host names other than localhost and the like if l is on
// loopback, and otherwise returns next. Without it, a web page could have its own name resolve to
// 127.0.0.1, and read through a browser on this machine what is served here.
func ForLoopbackNames(l net.Listener, next http.Handler) http.Handler {
	if addr, ok := l.Addr().(*net.TCPAddr); !ok || !addr.IP.IsLoopback() {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if !identity.Loopback(strings.Trim(host, "[]")) {
			http.Error(w, "This port answers to loopback names only, such as localhost.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
