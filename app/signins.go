package app

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/gatehouse-portal/gatehouse/portal"
)

type proxies []netip.Prefix

// privateNetworks are not on the internet. A load balancer is usually in one of them.
var privateNetworks = proxies{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fe80::/10"),
}

// "private" means privateNetworks; "none", alone, means no proxy.
func parseProxies(list []string) (proxies, error) {
	var all proxies
	for _, text := range list {
		text = strings.TrimSpace(text)
		switch {
		case text == "none" && len(list) == 1:
		case text == "private":
			all = append(all, privateNetworks...)
		case strings.Contains(text, "/"):
			network, err := netip.ParsePrefix(text)
			if err != nil {
				return nil, fmt.Errorf("%q is not a network like 203.0.113.0/24", text)
			}
			all = append(all, network.Masked())
		default:
			address, err := netip.ParseAddr(text)
			if err != nil {
				return nil, fmt.Errorf("%q is not an address or a network; want those of the proxies, private, or none", text)
			}
			all = append(all, netip.PrefixFrom(address, address.BitLen()))
		}
	}
	return all, nil
}

func (p proxies) trust(address netip.Addr) bool {
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(address) })
}

// client is the last address on the request's way that is not a trusted proxy. The client can
// forge the earlier entries of X-Forwarded-For.
func (p proxies) client(r *http.Request) netip.Addr {
	address, err := parseHop(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !p.trust(address) {
			break
		}
		before, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		address = before
	}
	return address
}

func parseHop(text string) (netip.Addr, error) {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), nil
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}, errors.New("not an address")
	}
	return address.Unmap().WithZone(""), nil
}

const (
	// A client address may begin signInsAtOnce sign-ins at once, and one more each signInsEvery:
	// enough for a full lecture hall behind one address.
	signInsAtOnce = 100
	signInsEvery  = time.Second
	maxAddresses  = 10_000
)

// signInLimiter limits the sign-ins that one client address begins, since each stores a row
// before the client is known. Each process counts on its own.
type signInLimiter struct {
	proxies proxies
	now     func() time.Time

	mu      sync.Mutex
	buckets map[netip.Prefix]*rate.Limiter
}

func newSignInLimiter(trusted []string, now func() time.Time) (*signInLimiter, error) {
	parsed, err := parseProxies(trusted)
	if err != nil {
		return nil, fmt.Errorf("GATEHOUSE_TRUSTED_PROXIES: %w", err)
	}
	return &signInLimiter{proxies: parsed, now: now, buckets: map[netip.Prefix]*rate.Limiter{}}, nil
}

// limit does not count HEAD requests, which store nothing.
func (l *signInLimiter) limit(onError func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && !l.allow(l.proxies.client(r)) {
				onError(w, r, portal.Fail(portal.TooManyRequests, "Too many sign-ins were started from your network. Wait a minute, then sign in again."))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// allow counts a whole /64 of IPv6 as one client.
func (l *signInLimiter) allow(address netip.Addr) bool {
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	network, _ := address.Prefix(bits) // the zero Prefix for an unknown address
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[network]
	if !ok {
		l.makeRoom(now)
		bucket = rate.NewLimiter(rate.Every(signInsEvery), signInsAtOnce)
		l.buckets[network] = bucket
	}
	return bucket.AllowN(now, 1)
}

func (l *signInLimiter) makeRoom(now time.Time) {
	if len(l.buckets) < maxAddresses {
		return
	}
	for network, bucket := range l.buckets {
		if bucket.TokensAt(now) >= signInsAtOnce {
			delete(l.buckets, network)
		}
	}
	if len(l.buckets) >= maxAddresses {
		clear(l.buckets)
	}
}
