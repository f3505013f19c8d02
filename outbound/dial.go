// Package outbound connects to addresses that people chose, such as APIs and webhooks. It resolves
// each host itself, refuses addresses that are not public, and connects to an address that it has
// checked.
package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Resolver looks up a host's addresses. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

const (
	// maxDials is how many addresses of a host are tried, dialTime is for each.
	maxDials = 4
	dialTime = 6 * time.Second
)

// Config configures connections. The zero value is right for production.
type Config struct {
	// AllowPrivate reports whether a host (lower case, without port) may have private or
	// loopback addresses. It must not depend on requests. nil allows no host.
	AllowPrivate func(host string) bool
	// Resolver is the system's if nil.
	Resolver Resolver
	// Connect opens a connection to an IP address and port; nil means TCP.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS configures TLS connections; nil means Go's defaults.
	TLS *tls.Config
}

// dialer resolves a host, checks every address, and connects to one of them. It resolves no
// name twice, so DNS cannot answer differently after the check (rebinding).
type dialer struct {
	resolver     Resolver
	connect      func(ctx context.Context, network, address string) (net.Conn, error)
	allowPrivate func(host string) bool
}

func newDialer(cfg Config) dialer {
	d := dialer{resolver: cfg.Resolver, connect: cfg.Connect, allowPrivate: cfg.AllowPrivate}
	if d.allowPrivate == nil {
		d.allowPrivate = func(string) bool { return false }
	}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	if d.connect == nil {
		d.connect = (&net.Dialer{}).DialContext
	}
	return d
}

// Transport returns an HTTP transport that uses no proxy, keeps no connection and refuses addresses
// that are not public (*PrivateError). It follows no redirect and keeps no cookie. An answer's header
// may have at most maxHeader bytes.
func Transport(cfg Config, maxHeader int64) *http.Transport {
	return &http.Transport{
		DialContext: newDialer(cfg).dial, TLSClientConfig: cfg.TLS, ForceAttemptHTTP2: true, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// PrivateError means that a host has an address that must not be called.
type PrivateError struct{ Address netip.Addr }

func (e *PrivateError) Error() string { return fmt.Sprintf("%s is not a public address", e.Address) }

// Check looks up a host and returns *PrivateError if it has an address that must not be called. The host may have
// others later, so every connection is checked again.
func Check(ctx context.Context, cfg Config, host string) error {
	_, err := newDialer(cfg).allowed(ctx, host)
	return err
}

func (d dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addresses, err := d.allowed(ctx, host)
	if err != nil {
		return nil, err
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

func (d dialer) allowed(ctx context.Context, host string) ([]netip.Addr, error) {
	addresses, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	least := public
	if d.allowPrivate(Canonical(host)) {
		least = private
	}
	for _, a := range addresses {
		if reachOf(a) < least {
			return nil, &PrivateError{a}
		}
	}
	return addresses, nil
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

// Canonical writes a host in one way.
func Canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }
