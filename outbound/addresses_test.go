package outbound

import (
	"net/netip"
	"testing"
)

func TestEveryAddressThatIsNotOnTheInternetIsKnown(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]reach{
		"93.184.216.34": public, "8.8.8.8": public, "1.1.1.1": public, "172.15.0.1": public, "172.32.0.1": public, "100.128.0.1": public,
		"2606:2800:220:1:248:1893:25c8:1946": public, "2a00:1450:4001:800::200e": public,

		// On this machine, or in its network.
		"127.0.0.1": private, "127.255.255.254": private, "10.0.0.1": private, "172.16.0.1": private, "172.31.255.255": private,
		"192.168.1.1": private, "100.64.0.1": private, "::1": private, "fc00::1": private, "fdff::1": private,
		"::ffff:127.0.0.1": private, "::ffff:10.0.0.1": private, // IPv4-mapped

		// Cloud metadata.
		"169.254.169.254": never, "169.254.170.2": never, "::ffff:169.254.169.254": never, "100.100.100.200": never, "168.63.129.16": never,
		"192.0.0.192": never, "fd00:ec2::254": never,

		// Nobody serves an API there.
		"0.0.0.0": never, "0.1.2.3": never, "::": never, "224.0.0.1": never, "239.255.255.255": never, "255.255.255.255": never, "240.0.0.1": never,
		"198.18.0.1": never, "192.0.2.1": never, "198.51.100.1": never, "203.0.113.1": never, "192.88.99.1": never,
		"fe80::1": never, "fe80::1%eth0": never, "fec0::1": never, "ff02::1": never, "100::1": never, "2001:db8::1": never, "3fff::1": never,
		"5f00::1": never, "4000::1": never,

		// IPv4 inside IPv6.
		"::127.0.0.1": never, "::ffff:0:127.0.0.1": never, "::10.0.0.1": never, // compatible and translated forms
		"64:ff9b::8.8.8.8": public, "64:ff9b::127.0.0.1": never, "64:ff9b::10.0.0.1": never, "64:ff9b::169.254.169.254": never, "64:ff9b:1::1": never,
		"2002:808:808::1": public, "2002:7f00:1::": never, "2002:a00:1::1": never, "2002:a9fe:a9fe::1": never,
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": never, // Teredo
	} {
		if got := reachOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s is %d, want %d", text, got, want)
		}
	}
	if got := reachOf(netip.Addr{}); got != never {
		t.Errorf("no address is %d", got)
	}
}
