package outbound

import "net/netip"

type reach int

const (
	// never: no API has such an address, such as cloud metadata, multicast and link-local.
	never reach = iota
	// private addresses are inside a network or on this machine.
	private
	public
)

var (
	private4 = prefixes("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
	private6 = prefixes("fc00::/7")
	never4   = prefixes(
		"0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
		"224.0.0.0/4", "240.0.0.0/4")
	never6    = prefixes("2001::/23", "2001:db8::/32", "3fff::/20")
	nat64     = prefixes("64:ff9b::/96") // RFC 6052
	sixToFour = prefixes("2002::/16")    // RFC 3056
	assigned6 = prefixes("2000::/3")     // the global unicast addresses that are assigned so far
	// metadata are clouds' metadata services outside the link-local addresses.
	metadata = prefixes(
		"100.100.100.200/32", // Alibaba Cloud
		"168.63.129.16/32",   // Azure
		"192.0.0.192/32",     // Oracle Cloud
		"fd00:ec2::/32",      // AWS
	)
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// reachOf tells what an address reaches. Everything that IANA's registries of special-purpose
// addresses do not call globally reachable is private or never
// (https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry).
func reachOf(address netip.Addr) reach {
	address = address.Unmap().WithZone("")
	switch {
	case !address.IsValid(), in(address, metadata):
		return never
	case address.Is4():
		return reachOf4(address)
	}
	return reachOf6(address)
}

func reachOf4(address netip.Addr) reach {
	switch {
	case in(address, private4):
		return private
	case in(address, never4):
		return never
	}
	return public
}

func reachOf6(address netip.Addr) reach {
	bytes := address.As16()
	switch {
	case address.IsLoopback(), in(address, private6):
		return private
	case in(address, nat64):
		return embedded(bytes[12:])
	case in(address, sixToFour):
		return embedded(bytes[2:6])
	case in(address, never6):
		return never
	case in(address, assigned6):
		return public
	}
	return never
}

// embedded tells what the IPv4 address inside an IPv6 address reaches. A translator leads to it,
// so a private one belongs to another network.
func embedded(four []byte) reach {
	address, _ := netip.AddrFromSlice(four)
	if reachOf(address) == public {
		return public
	}
	return never
}

func in(address netip.Addr, list []netip.Prefix) bool {
	for _, prefix := range list {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}
