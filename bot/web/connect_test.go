package web

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// desk is all that the pages lean on, in memory: one link, credentials with versions, rows.
type desk struct {
	mu      sync.Mutex
	ticket  json.RawMessage
	creds   map[string]int64
	held    map[string]store.Credential // the newest of each path
	rows    []store.Connection
	away    error  // what the look at rows and credentials gives
	lost    error  // what keeping the row gives
	leave   func() // closes the browser that posts
	leaves  bool   // it is closed while a credential is kept
	whisper []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	raw, err := json.Marshal(bot.ConnectTicket{Purpose: "connect", Cloud: store.AWS, OrgID: "org_1", UserID: "usr_1",
		Person: store.Person{Platform: store.Slack, Team: "T1", ID: "U1"}, Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}, Mark: "mark"})
	if err != nil {
		t.Fatal(err)
	}
	return &desk{ticket: raw, creds: map[string]int64{}, held: map[string]store.Credential{}}
}

func (d *desk) Ticket(context.Context, string) (json.RawMessage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ticket == nil {
		return nil, store.ErrNotFound
	}
	return d.ticket, nil
}

func (d *desk) TakeTicket(ctx context.Context, id string) (json.RawMessage, error) {
	raw, err := d.Ticket(ctx, id)
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil && d.ticket == nil {
		err = store.ErrNotFound
	}
	d.ticket = nil
	return raw, err
}

func (d *desk) NewTicket(context.Context, json.RawMessage, time.Duration) (string, error) {
	return "", errors.New("no further page is expected")
}

func (d *desk) UserByID(context.Context, string, string) (store.User, error) {
	return store.User{ID: "usr_1", Active: true, Role: store.Admin}, nil
}

func (d *desk) Person(context.Context, store.Person) (store.User, error) {
	return store.User{}, store.ErrNotFound
}

func (d *desk) LinkPerson(context.Context, string, string, store.Person, store.Person) error {
	return store.ErrNotFound
}

func (d *desk) ClaimTicket(context.Context, string, string, time.Duration) (bool, error) {
	return true, nil
}

func (d *desk) Get(_ context.Context, path string) (store.Credential, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	version, ok := d.creds[path]
	if d.away == nil && !ok {
		return store.Credential{}, 0, store.ErrNotFound
	}
	return d.held[path], version, d.away
}

func (d *desk) Put(_ context.Context, path string, c store.Credential, cas int64) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.creds[path] != cas {
		return 0, store.ErrConflict
	}
	d.creds[path]++
	d.held[path] = c
	if d.leaves {
		d.leave()
	}
	return d.creds[path], nil
}

func (d *desk) Delete(_ context.Context, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.creds, path)
	delete(d.held, path)
	return nil
}

func (d *desk) OrganisationConnections(ctx context.Context, orgID string) ([]store.Connection, error) {
	return d.Connections(ctx, orgID, "")
}

func (d *desk) Connections(context.Context, string, string) ([]store.Connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows, d.away
}

func (d *desk) Connection(context.Context, string, string, string) (store.Connection, error) {
	return store.Connection{}, store.ErrNotFound
}

func (d *desk) Connect(ctx context.Context, c store.Connection, _ store.Person) (store.Connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := errors.Join(d.lost, ctx.Err()); err != nil {
		return store.Connection{}, err
	}
	d.rows = append(d.rows, c)
	return c, nil
}

func (d *desk) Whisper(_ context.Context, _ store.Place, m bot.Message, _ store.Secret) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.whisper = append(d.whisper, m.Notice)
	return nil
}

// cloud takes every account but the one called bad.
type cloud struct{}

func (cloud) Page(context.Context, bot.ConnectTicket) Page {
	return Page{Facts: []Field{{Name: "external_id", Label: "External ID", Value: "<mark>"}},
		Fields: []Field{{Name: "account", Label: "Account"}, {Name: "key", Label: "Key", Secret: true}}}
}

func (cloud) Link(_ context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	switch account := form.Get("account"); account {
	case "bad":
		return Linked{}, &providers.Problem{Code: providers.CodeRefused, Sentence: "That account <is> not known."}
	case "broken":
		return Linked{}, errors.New("secret detail of ours")
	default:
		return Linked{Account: account, Credential: store.NewCredential(map[string]string{"key": form.Get("key")})}, nil
	}
}

func (d *desk) handler() http.Handler { return d.server().Handler() }

func (d *desk) server() *Server {
	return &Server{PublicURL: "https://aurora.example", Local: true, Users: d, Tickets: d, Browsers: d, Keeper: d, Connections: d, Linkers: map[store.Cloud]Linker{store.AWS: cloud{}},
		Chats: map[store.Platform]Whisperer{store.Slack: d}, Log: zerolog.Nop()}
}

func (d *desk) post(t *testing.T, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	browser := rand.Text()
	form.Set("csrf", csrf(browser, "link"))
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	d.leave = leave
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/connect/link", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "__Host-aurora", Value: browser}) //nolint:gosec // a request's, not an answer's
	w := httptest.NewRecorder()
	d.handler().ServeHTTP(w, r)
	return w
}

func account(name string) url.Values { return url.Values{"account": {name}, "key": {"hunter2"}} }

func TestEveryAnswerKeepsToItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/", http.StatusOK}, {http.MethodGet, "/connect/link", http.StatusOK}, {http.MethodHead, "/connect/link", http.StatusOK},
		{http.MethodGet, "/style.css", http.StatusOK}, {http.MethodGet, "/nothing", http.StatusNotFound}, {http.MethodPut, "/connect/link", http.StatusMethodNotAllowed},
	} {
		w := httptest.NewRecorder()
		newDesk(t).handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil))
		if w.Code != c.status {
			t.Errorf("%s %s gives %d, want %d", c.method, c.path, w.Code, c.status)
		}
		for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Strict-Transport-Security": "max-age=63072000",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, got)
			}
		}
	}
}

func TestAMistakeCostsNoLink(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, status := range map[string]int{"bad": http.StatusUnprocessableEntity, "broken": http.StatusInternalServerError} {
		w := d.post(t, account(name))
		if body := w.Body.String(); w.Code != status || strings.Contains(body, "hunter2") || strings.Contains(body, "secret detail") || strings.Contains(body, "<is>") {
			t.Errorf("%s: %d\n%s", name, w.Code, body)
		}
	}
	d.away = store.ErrUnavailable
	if w := d.post(t, account("1")); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "nothing was changed") {
		t.Errorf("with a store away: %d\n%s", w.Code, w.Body)
	}
	d.away = nil
	if w := d.post(t, account("1")); w.Code != http.StatusOK || len(d.rows) != 1 || len(d.whisper) != 1 {
		t.Errorf("%d, %v, %v", w.Code, d.rows, d.whisper)
	}
	if w := d.post(t, account("1")); w.Code != http.StatusNotFound {
		t.Errorf("the link works twice: %d", w.Code)
	}
}

func TestALinkSpentInVainSaysSoAndLeavesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.lost = store.ErrUnavailable
	w := d.post(t, account("1"))
	if body := html.UnescapeString(w.Body.String()); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, "this link is spent") {
		t.Errorf("%d\n%s", w.Code, body)
	}
	if len(d.creds) != 0 || len(d.whisper) != 0 {
		t.Errorf("left: %v, %v", d.creds, d.whisper)
	}
}

// reconnects gives a desk on which account 1 is connected with an earlier key.
func reconnects(t *testing.T) (d *desk, path string) {
	t.Helper()
	d, path = newDesk(t), store.CredentialPath("org_1", "usr_1", store.AWS, "1", true)
	d.creds[path], d.held[path] = 4, store.NewCredential(map[string]string{"key": "earlier"})
	d.rows = []store.Connection{{OrgID: "org_1", UserID: "usr_1", Cloud: store.AWS, Account: "1", Token: "vault:" + path, ReadOnly: true}}
	return d, path
}

func TestAReconnectInVainLeavesTheEarlierCredentialInUse(t *testing.T) {
	t.Parallel()
	d, path := reconnects(t)
	d.lost = store.ErrUnavailable
	if w := d.post(t, account("1")); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "nothing was connected") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	if got := d.held[path].Get("key"); got != "earlier" || d.creds[path] != 6 || len(d.whisper) != 0 {
		t.Errorf("in use is %q, version %d, %v", got, d.creds[path], d.whisper)
	}
}

func TestABrowserThatIsClosedStopsNothingHalfway(t *testing.T) {
	t.Parallel()
	d, path := reconnects(t)
	d.leaves = true
	d.post(t, account("1"))
	if got := d.held[path].Get("key"); got != "hunter2" || len(d.rows) != 2 || len(d.whisper) != 1 {
		t.Errorf("in use is %q, rows %v, %v", got, d.rows, d.whisper)
	}
}

func TestCredentialsGoWhereNobodyElsesLies(t *testing.T) {
	t.Parallel()
	const base = "kv/data/aurora/users/usr_1/aws"
	row := func(user, account, path string) store.Connection {
		return store.Connection{OrgID: "org_1", UserID: user, Cloud: store.AWS, Account: account, Token: "vault:" + path}
	}
	for name, c := range map[string]struct {
		creds   map[string]int64
		rows    []store.Connection
		path    string
		version int64
	}{
		"first":                       {nil, nil, base, 0},
		"further":                     {map[string]int64{base: 1}, []store.Connection{row("usr_1", "2", base)}, base + "/1", 0},
		"same again":                  {map[string]int64{base: 4}, []store.Connection{row("usr_1", "1", base)}, base, 4},
		"same again, further":         {map[string]int64{base + "/1": 2}, []store.Connection{row("usr_1", "1", base+"/1")}, base + "/1", 2},
		"only the organisation's":     {nil, []store.Connection{row("", "1", "kv/data/aurora/orgs/org_1/aws")}, base, 0},
		"somebody is just connecting": {map[string]int64{base: 1}, nil, base + "/1", 0},
		"left over":                   {map[string]int64{base: 1, base + "/1": 3}, nil, base + "/1", 3},
	} {
		d := newDesk(t)
		d.creds, d.rows = c.creds, c.rows
		s := &Server{Keeper: d, Connections: d}
		got, err := s.placeFor(t.Context(), bot.ConnectTicket{OrgID: "org_1", UserID: "usr_1", Cloud: store.AWS}, Linked{Account: "1"})
		if err != nil || got.path != c.path || got.version != c.version {
			t.Errorf("%s: %s at %d, %v, want %s at %d", name, got.path, got.version, err, c.path, c.version)
		}
	}
}

func TestAFormThatCannotBeReadIsAnsweredToItsBrowserAlone(t *testing.T) {
	t.Parallel()
	mine, other := rand.Text(), rand.Text()
	huge := "account=" + strings.Repeat("x", mostBody)
	for what, c := range map[string]struct {
		browser, body string
		slack         *SlackSignIn
		status        int
		page          bool // what the link is for is shown
		says          string
	}{
		"too long":             {mine, huge, nil, http.StatusRequestEntityTooLarge, true, "That was too much to read"},
		"no form":              {mine, "account=%zz", nil, http.StatusBadRequest, true, "That could not be read"},
		"without a cookie":     {"", huge, nil, http.StatusForbidden, false, "Open the link from the chat in this browser first"},
		"another browser":      {other, huge, nil, http.StatusForbidden, false, "opened in another browser"},
		"nobody signed in yet": {mine, huge, &SlackSignIn{}, http.StatusRequestEntityTooLarge, false, "Sign in with Slack"},
	} {
		d := newDesk(t)
		var p pass
		if err := json.Unmarshal(d.ticket, &p); err != nil {
			t.Fatal(err)
		}
		p.Browser = hashOf(mine)
		var err error
		if d.ticket, err = json.Marshal(p); err != nil {
			t.Fatal(err)
		}
		s := d.server()
		s.Slack = c.slack
		w := postTo(t, s, c.browser, c.body)
		if body := html.UnescapeString(w.Body.String()); w.Code != c.status || !strings.Contains(body, c.says) || strings.Contains(body, "External ID") != c.page {
			t.Errorf("%s: %d\n%s", what, w.Code, body)
		}
	}
}

func postTo(t *testing.T, s *Server, browser, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/connect/link", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if browser != "" {
		r.AddCookie(&http.Cookie{Name: "__Host-aurora", Value: browser}) //nolint:gosec // a request's, not an answer's
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

func TestOtherTicketsOpenNoPage(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`{"purpose":"button","cloud":"aws"}`, `{"purpose":"connect","cloud":"ovh"}`, `[]`, `"text"`} {
		d := newDesk(t)
		d.ticket = json.RawMessage(raw)
		if w := d.post(t, account("1")); w.Code != http.StatusNotFound || len(d.rows) != 0 || d.ticket == nil {
			t.Errorf("%s gives %d", raw, w.Code)
		}
	}
}
