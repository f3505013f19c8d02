package tryit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// resolver looks up a host's addresses. *net.Resolver is one.
type resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	// maxDials is how many addresses of a host are tried, dialTime how long each may take.
	maxDials = 4
	dialTime = 6 * time.Second
)

// dialer resolves a host, checks every address, and connects to one of those. Between the check
// and the connection no name is looked up again, so DNS cannot answer differently (rebinding).
type dialer struct {
	resolver resolver
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	// private reports whether a host may have private addresses.
	private func(host string) bool
}

// privateError means that a host has an address that the portal must not call.
type privateError struct{ address netip.Addr }

func (e *privateError) Error() string { return fmt.Sprintf("%s is not a public address", e.address) }

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	least := public
	if d.private(canonical(host)) {
		least = private
	}
	for _, a := range addresses {
		if reachOf(a) < least {
			return nil, &privateError{a}
		}
	}
	var failures []error
	for _, a := range addresses[:min(len(addresses), maxDials)] {
		conn, err := d.connectTo(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return conn, nil
		}
		failures = append(failures, err)
	}
	return nil, errors.Join(failures...)
}

func (d dialer) connectTo(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	return d.connect(ctx, network, address)
}

func (d dialer) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if literal, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{literal}, nil
	}
	addresses, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addresses, err
}

// canonical writes a host in one way only.
func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }
