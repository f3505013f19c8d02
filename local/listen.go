package local

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func listen(purpose, flag string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return nil, cannotListen(port, purpose, flag, err)
	}
	return l, nil
}

func cannotListen(port int, purpose, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on port %d, for %s: address already in use. Stop what uses it, or choose another with %s", port, purpose, flag)
	}
	return fmt.Errorf("%w. Choose another with %s", app.CannotListen(loopback(port), err), flag)
}

func cannotStartAWS(err error, opts Options) error {
	var noPort *net.OpError
	switch {
	case errors.As(err, &noPort):
		return cannotListen(opts.AWSPort, "the local AWS", "--aws-port", err)
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("starting the local AWS: %w. Stop the other, or choose another folder with --data", err)
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("starting the local AWS: %w. Replace it with an intact copy (docs/configuration.md says how to make one), "+
			"or start over with --fresh, which deletes all data", err)
	case errors.Is(err, store.ErrVersion):
		return fmt.Errorf("starting the local AWS: %w. --fresh starts over and deletes all data", err)
	}
	return fmt.Errorf("starting the local AWS: %w", err)
}

func localURL(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://localhost:" + port
}
