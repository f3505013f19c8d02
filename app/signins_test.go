package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestClientIsTheLastAddressThatIsNoTrustedProxy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted   []string
		remote    string
		forwarded []string
		want      string
	}{
		"no proxy":                        {[]string{"private"}, "203.0.113.7:999", nil, "203.0.113.7"},
		"a client that forges the header": {[]string{"private"}, "203.0.113.7:999", []string{"198.51.100.1"}, "203.0.113.7"},
		"a load balancer":                 {[]string{"private"}, "10.0.0.9:999", []string{"203.0.113.7"}, "203.0.113.7"},
		"a load balancer before a client that forges the header": {[]string{"private"}, "10.0.0.9:999", []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7"},
		"the same in two headers":                                {[]string{"private"}, "10.0.0.9:999", []string{"198.51.100.1", "203.0.113.7"}, "203.0.113.7"},
		"two proxies":                                            {[]string{"private"}, "10.0.0.9:999", []string{"203.0.113.7,10.1.1.1"}, "203.0.113.7"},
		"a CDN that is not trusted":                              {[]string{"private"}, "10.0.0.9:999", []string{"203.0.113.7, 198.51.100.9"}, "198.51.100.9"},
		"a trusted CDN":                                          {[]string{"private", "198.51.100.0/24"}, "10.0.0.9:999", []string{"203.0.113.7, 198.51.100.9"}, "203.0.113.7"},
		"no proxy is trusted":                                    {[]string{"none"}, "10.0.0.9:999", []string{"203.0.113.7"}, "10.0.0.9"},
		"one trusted address":                                    {[]string{" 192.0.2.1"}, "192.0.2.1:999", []string{"203.0.113.7:4711"}, "203.0.113.7"},
		"a client in the private network":                        {[]string{"private"}, "10.0.0.9:999", nil, "10.0.0.9"},
		"nonsense from a proxy":                                  {[]string{"private"}, "10.0.0.9:999", []string{"unknown"}, "10.0.0.9"},
		"IPv6":                                                   {[]string{"private"}, "[::1]:999", []string{"2001:db8::7"}, "2001:db8::7"},
		"IPv4 written as IPv6":                                   {[]string{"private"}, "[::ffff:10.0.0.9]:999", []string{"::ffff:203.0.113.7"}, "203.0.113.7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trusted, err := parseProxies(c.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.forwarded
			if got := trusted.client(r); got != netip.MustParseAddr(c.want) {
				t.Errorf("the client is %s, want %s", got, c.want)
			}
		})
	}
}

func TestSignInsAreLimitedPerClientAddress(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	l, err := newSignInLimiter([]string{"private"}, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	var refused error
	begun := 0
	handler := l.limit(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err })(
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { begun++ }))
	from := func(method, address string) {
		r := httptest.NewRequest(method, "/sign-in", nil)
		r.RemoteAddr = "10.0.0.9:999"
		r.Header.Set("X-Forwarded-For", address)
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	for range 2 * signInsAtOnce {
		from(http.MethodGet, "203.0.113.7")
	}
	if begun != signInsAtOnce || portal.CodeOf(refused) != portal.TooManyRequests {
		t.Errorf("%d sign-ins of one address began, and then: %v", begun, refused)
	}
	for name, c := range map[string]struct {
		method, address string
		passes          bool
	}{
		"the same address again":               {http.MethodGet, "203.0.113.7", false},
		"a HEAD request, which stores nothing": {http.MethodHead, "203.0.113.7", true},
		"another address":                      {http.MethodGet, "203.0.113.8", true},
		"an IPv6 address":                      {http.MethodGet, "2001:db8::1", true},
		"another /64 of the same provider":     {http.MethodGet, "2001:db8:0:1::1", true},
	} {
		before := begun
		if from(c.method, c.address); (begun > before) != c.passes {
			t.Errorf("%s: began %t", name, begun > before)
		}
	}
	for i := range 2 * signInsAtOnce {
		from(http.MethodGet, fmt.Sprintf("2001:db8:0:2::%x", i+1))
	}
	before := begun
	if from(http.MethodGet, "2001:db8:0:2:ffff::"); begun > before {
		t.Error("an address of a network that has used its sign-ins has more")
	}
	clock = clock.Add(signInsEvery)
	if from(http.MethodGet, "203.0.113.7"); begun == before {
		t.Error("a while later no sign-in begins")
	}
}

func TestPortalLimitsSignIns(t *testing.T) {
	t.Parallel()
	handler := portalOf(t)
	begins := func() int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/sign-in?moved=1", nil))
		return w.Code
	}
	// These are more than one address may begin in the time that this takes.
	for range 100 * signInsAtOnce {
		if begins() == http.StatusTooManyRequests {
			return
		}
	}
	t.Errorf("%d sign-ins of one address began", 100*signInsAtOnce)
}

func TestSignInLimiterIsBounded(t *testing.T) {
	t.Parallel()
	clock := time.Now()
	l, err := newSignInLimiter(nil, func() time.Time { return clock })
	if err != nil {
		t.Fatal(err)
	}
	address := netip.MustParseAddr("1.0.0.0")
	for range 3 * maxAddresses {
		address = address.Next()
		l.allow(address)
		if len(l.buckets) > maxAddresses {
			t.Fatalf("%d addresses are remembered", len(l.buckets))
		}
	}
}
