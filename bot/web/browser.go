package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"

	"aurora/store"
)

// The cookies. With https their names begin with __Host-, which keeps other hosts of the same domain from setting them;
// browsers take such names on https alone.
const (
	browserCookie = "aurora"
	sessionCookie = "aurora-session"
)

// idShape is what rand.Text makes: 130 bits.
var idShape = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// browserOf gives the browser's own random name, or "" where it has none yet.
func (s *Server) browserOf(r *http.Request) string { return s.cookie(r, browserCookie) }

// knowBrowser gives the browser's name, and a browser without one a new one.
func (s *Server) knowBrowser(w http.ResponseWriter, r *http.Request) string {
	if id := s.browserOf(r); id != "" {
		return id
	}
	id := rand.Text()
	s.setCookie(w, browserCookie, id, 0)
	return id
}

func (s *Server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil || !idShape.MatchString(c.Value) {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie for age seconds; 0 is until the browser ends, less than that takes it away.
func (s *Server) setCookie(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is off on this machine's own http alone
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: age, Secure: s.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// secure tells whether people come by https. They do not on this machine itself, where a browser would drop Secure cookies.
func (s *Server) secure() bool {
	u, err := url.Parse(s.PublicURL)
	return err != nil || u.Scheme != "http"
}

// csrf is the token of the forms of one page in one browser. Another site neither knows the page's id nor can read the
// cookie, so it cannot make one up.
func csrf(browser, page string) string {
	sum := sha256.Sum256([]byte("form\x00" + browser + "\x00" + page))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// ownForm tells whether a posted form was drawn by us for this browser.
func ownForm(r *http.Request, browser, page string) bool {
	return browser != "" && subtle.ConstantTimeCompare([]byte(r.PostForm.Get("csrf")), []byte(csrf(browser, page))) == 1
}

// hashOf is how a browser's name is kept.
func hashOf(browser string) string { return store.HashNonce(browser) }
