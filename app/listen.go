package app

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// CannotListen explains why listening on the address failed with err. It does not wrap err.
func CannotListen(addr string, err error) error {
	host, port, split := net.SplitHostPort(addr)
	var (
		resolve *net.DNSError
		noIP    *net.AddrError
	)
	switch number, numeric := strconv.Atoi(port); {
	case split != nil:
		return fmt.Errorf("cannot listen on %q: want host:port or :port, like :8080", addr)
	case numeric == nil && (number < 0 || number > 65535):
		return fmt.Errorf("cannot listen on port %s: a port must be 1 to 65535", port)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("cannot listen on port %s: address already in use", port)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("cannot listen on port %s: permission denied; ports below 1024 need a privileged user", port)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.As(err, &resolve), errors.As(err, &noIP):
		return fmt.Errorf("cannot listen on %s: %s is not an address of this machine", addr, host)
	}
	return fmt.Errorf("cannot listen on %s: %s", addr, rootCause(err))
}
