package localaws

import (
	"net"
	"net/http"
	"sync"
)

// unused keeps track of the connections that no request has come over yet.
// http.Server.Shutdown waits for them, for seconds, and HTTP clients like to dial
// one more than they then use.
type unused struct {
	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// track is the server's ConnState hook.
func (u *unused) track(conn net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(u.conns, conn)
	case u.closed:
		_ = conn.Close()
	default:
		if u.conns == nil {
			u.conns = map[net.Conn]bool{}
		}
		u.conns[conn] = true
	}
}

// close closes them, and those still to come.
func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for conn := range u.conns {
		_ = conn.Close()
	}
}
