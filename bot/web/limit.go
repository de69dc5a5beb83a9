package web

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Counter counts over all replicas.
type Counter interface {
	Count(ctx context.Context, what string, window time.Duration) (n int64, left time.Duration, err error)
}

const (
	limitWindow = time.Minute
	perAddress  = 300 // requests a minute: an office may sit behind one address
	perBrowser  = 90  // requests a minute of one session or browser
	perEntry    = 60  // a minute and address: whatever spends links, states or sessions
)

// within tells whether a caller keeps to the limits; wait is how long not to come again.
func (s *Server) within(r *http.Request) (wait time.Duration, ok bool) {
	if s.Counter == nil || r.URL.Path == "/style.css" {
		return 0, true
	}
	address := s.addressOf(r)
	counts := []struct {
		what string
		most int64
	}{{"address:" + address, perAddress}}
	if r.Method != http.MethodGet && r.Method != http.MethodHead || strings.HasPrefix(r.URL.Path, "/api/auth/") {
		counts = append(counts, struct {
			what string
			most int64
		}{"entry:" + address, perEntry})
	}
	if id := s.callerOf(r); id != "" {
		counts = append(counts, struct {
			what string
			most int64
		}{"caller:" + hashOf(id), perBrowser})
	}
	for _, c := range counts {
		n, left, err := s.Counter.Count(r.Context(), c.what, limitWindow)
		if err != nil { // what needs the store says so itself
			return 0, true
		}
		if n > c.most {
			return left, false
		}
	}
	return 0, true
}

// callerOf names who asks, before anybody has looked whether that is true: a made-up name has a budget of its own and that
// of its address.
func (s *Server) callerOf(r *http.Request) string {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return token
	}
	if id := s.cookie(r, sessionCookie); id != "" {
		return id
	}
	return s.browserOf(r)
}

// addressOf is the caller's address, as the nearest proxy that is trusted tells it. Of IPv6 the network counts: one caller
// has all of it.
func (s *Server) addressOf(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "unknown"
	}
	addr := at.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(addr); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = hop.Unmap()
	}
	if addr.Is6() {
		network, _ := addr.Prefix(64) // an IPv6 address has one
		return network.String()
	}
	return addr.String()
}

func (s *Server) trusts(addr netip.Addr) bool {
	for _, p := range s.Proxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// tooMany answers a caller who comes too often.
func (s *Server) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	s.refuse(w, r, &apiError{http.StatusTooManyRequests, "too_many_requests", "That was too often. Please wait " + strconv.Itoa(seconds) + " seconds and try again."})
}
