package tryit

import (
	"context"
	"net/netip"
)

type addressKey struct{}

// WithAddress returns a context with the client's address, which limits people who are not
// signed in. Without one, they share one limit.
func WithAddress(ctx context.Context, client netip.Addr) context.Context {
	return context.WithValue(ctx, addressKey{}, client)
}

// network is an IPv4 address, or a /64 of IPv6, which one client can have.
func network(ctx context.Context) string {
	client, _ := ctx.Value(addressKey{}).(netip.Addr)
	if !client.IsValid() {
		return "unknown"
	}
	bits := client.BitLen()
	if client.Is6() {
		bits = 64
	}
	return netip.PrefixFrom(client.WithZone(""), bits).Masked().String()
}
