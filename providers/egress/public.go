package egress

import "net/netip"

// Addresses that are no machine of a cloud's, beyond those that netip knows as private, loopback, link-local (where the
// metadata services are) or multicast.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "168.63.129.16/32", // the last is Azure's host, seen from its machines
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

var (
	sixWorld = netip.MustParsePrefix("2000::/3")     // all that is given out
	nat64    = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address in its last four bytes
)

func prefixes(list ...string) []netip.Prefix {
	var found []netip.Prefix
	for _, p := range list {
		found = append(found, netip.MustParsePrefix(p))
	}
	return found
}

// public tells addresses on the open internet from all others.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" || a.Is6() && !sixWorld.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
