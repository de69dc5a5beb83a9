package web

import (
	"net/http"
	"net/url"
)

const (
	mostBody = 64 << 10 // bytes of a request
	policy   = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	hsts     = "max-age=63072000"
)

// guarded gives every answer the headers that keep a page to itself, every request an end, and refuses what another site
// has a browser send.
func (s *Server) guarded(next http.Handler) http.Handler {
	sameSite := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.PublicURL); err == nil && u.Host != "" {
		_ = sameSite.AddTrustedOrigin(u.Scheme + "://" + u.Host) // behind a proxy the request may name another host; an origin of two parts is always taken
	}
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.sorry(w, r, errForeign) }))
	checked := sameSite.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		if s.secure() {
			h.Set("Strict-Transport-Security", hsts)
		}
		if wait, ok := s.within(r); !ok {
			s.tooMany(w, r, wait)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		checked.ServeHTTP(w, r)
	})
}
