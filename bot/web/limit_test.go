package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestTheCallersAddressIsWhatATrustedProxySays(t *testing.T) {
	t.Parallel()
	s := &Server{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for name, c := range map[string]struct {
		remote, forwarded, want string
	}{
		"direct":                      {"203.0.113.7:1", "", "203.0.113.7"},
		"direct, and lies":            {"203.0.113.7:1", "198.51.100.1", "203.0.113.7"},
		"behind a proxy":              {"10.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		"behind a proxy, and lies":    {"10.0.0.1:1", "192.0.2.1, 198.51.100.1", "198.51.100.1"},
		"behind two proxies":          {"10.0.0.1:1", "198.51.100.1, 10.0.0.2", "198.51.100.1"},
		"a proxy that says nothing":   {"10.0.0.1:1", "", "10.0.0.1"},
		"a proxy that says nonsense":  {"10.0.0.1:1", "<script>", "10.0.0.1"},
		"IPv6 counts by network":      {"[2001:db8:1:2:3:4:5:6]:1", "", "2001:db8:1:2::/64"},
		"IPv4 written as IPv6":        {"[::ffff:203.0.113.7]:1", "", "203.0.113.7"},
		"no address of a kind we use": {"@", "", "unknown"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.addressOf(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestCookiesAreOurHostsAlone(t *testing.T) {
	t.Parallel()
	for public, want := range map[string]string{
		"https://aurora.example": "__Host-aurora=x; Path=/; HttpOnly; Secure; SameSite=Lax", "": "__Host-aurora=x; Path=/; HttpOnly; Secure; SameSite=Lax",
		"http://127.0.0.1:8080": "aurora=x; Path=/; HttpOnly; SameSite=Lax",
	} {
		w := httptest.NewRecorder()
		(&Server{PublicURL: public}).setCookie(w, browserCookie, "x", 0)
		if got := w.Header().Get("Set-Cookie"); got != want {
			t.Errorf("%s: %s", public, got)
		}
	}
}
