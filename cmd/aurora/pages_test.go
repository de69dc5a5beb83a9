package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aurora/bot"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// asksFor says a verb that whispers a link, and gives the link.
func (s *story) asksFor(who, verb string) string {
	s.t.Helper()
	shape := regexp.MustCompile(`http://127\.0\.0\.1:\d+/login/[\w-]+`)
	find := func() (found []string) {
		messages, err := s.sims.slack.Messages(who, s.channel)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, m := range messages {
			found = append(found, shape.FindAllString(string(m.Blocks), 1)...)
		}
		return found
	}
	before := len(find())
	if _, err := s.sims.slack.Slash(who, s.channel, "/aurora "+verb); err != nil {
		s.t.Fatal(err)
	}
	if err := s.sims.slack.Wait(s.t.Context(), func() bool { return len(find()) > before }); err != nil {
		s.t.Fatal(err)
	}
	all := find()
	return all[len(all)-1]
}

func pressing(what string) url.Values { return url.Values{"press": {what}} }

// bearer gets a token for the API the way a person does.
func (s *story) bearer(who string) string {
	s.t.Helper()
	b := newSurfer(s.t)
	token := tokenOn(s.t, b.submit(s.asksFor(who, "login"), pressing("token")))
	s.audits("login", who, `{"session":"token"}`)
	return token
}

// audits wants a row of that kind, person and detail in the audit.
func (s *story) audits(kind, who, detail string) {
	s.t.Helper()
	var seen []string
	for entry, err := range s.app.stores.sql.AuditWalk(s.t.Context(), 1) {
		if err != nil {
			s.t.Fatal(err)
		}
		if entry.Kind == store.AuditKind(kind) && strings.HasSuffix(entry.Person, ":"+who) {
			seen = append(seen, string(entry.Detail))
		}
	}
	if !slices.Contains(seen, detail) {
		s.t.Errorf("no row %s of %s says %s: %q", kind, who, detail, seen)
	}
}

func tokenOn(t *testing.T, shown page) string {
	t.Helper()
	found := regexp.MustCompile(`<dd id="token">([A-Z2-7]{26})</dd>`).FindStringSubmatch(shown.raw)
	if found == nil {
		t.Fatalf("no token is shown:\n%s", shown.body)
	}
	return found[1]
}

// call asks the API. It follows no redirect.
func (s *story) call(method, path string, header map[string]string, jar http.CookieJar) (status int, body map[string]any, answer http.Header) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.cfg.PublicURL+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	client := &http.Client{Jar: jar, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") && json.Unmarshal(raw, &body) != nil {
		s.t.Fatalf("%s %s answers %s", method, path, raw)
	}
	return got.StatusCode, body, got.Header
}

func as(token string) map[string]string { return map[string]string{"Authorization": "Bearer " + token} }

func TestTheAPIIsForWhoeverIsSignedIn(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	for _, path := range []string{"/api/user/connected-providers", "/api/auth/gcp"} {
		for what, header := range map[string]map[string]string{"nobody": nil, "a made-up token": as(strings.Repeat("A", 26)), "nonsense": as("x y")} {
			status, body, _ := s.call(http.MethodGet, path, header, nil)
			if status != http.StatusUnauthorized || body["code"] != "unauthenticated" || !strings.Contains(body["error"].(string), "/aurora login") {
				t.Errorf("%s as %s: %d %v", path, what, status, body)
			}
		}
	}
	token := as(s.bearer(eve))
	if status, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", token, nil); status != http.StatusOK || len(body["providers"].([]any)) != 0 || body["default_provider"] != nil {
		t.Errorf("%d %v", status, body)
	}
	if status, body, _ := s.call(http.MethodDelete, "/api/auth/aws/disconnect", token, nil); status != http.StatusNotFound || body["code"] != "not_connected" {
		t.Errorf("%d %v", status, body)
	}
	if status, body, _ := s.call(http.MethodGet, "/api/auth/nimbus", token, nil); status != http.StatusNotFound || !strings.Contains(body["error"].(string), "gcp, aws") {
		t.Errorf("%d %v", status, body)
	}
	status, body, _ := s.call(http.MethodGet, "/api/auth/aws", token, nil)
	link, _ := body["url"].(string)
	if status != http.StatusOK || !linkShape.MatchString(link) {
		t.Fatalf("%d %v", status, body)
	}
	b := newSurfer(t)
	s.trusting(cloudsim.RoleReadOnly, b.load(http.MethodGet, link, nil))
	b.submit(link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusOK, "Connected")
	if status, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", token, nil); status != http.StatusOK || body["default_provider"] != "aws" {
		t.Errorf("%d %v", status, body)
	}
	if status, body, _ := s.call(http.MethodDelete, "/api/auth/aws/disconnect?account=999", token, nil); status != http.StatusNotFound {
		t.Errorf("%d %v", status, body)
	}
	if status, body, _ := s.call(http.MethodDelete, "/api/auth/aws/disconnect", token, nil); status != http.StatusOK || body["account"] != cloudsim.ProdAccount || len(s.connections(eve)) != 0 {
		t.Errorf("%d %v, %v", status, body, s.connections(eve))
	}
	ben := as(s.bearer(people["ben"]))
	if status, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", ben, nil); status != http.StatusOK || len(body["providers"].([]any)) < 4 || body["default_provider"] != nil {
		t.Errorf("Ben: %d %v", status, body)
	}
	if _, err := s.sims.slack.Slash(people["ben"], s.channel, "/aurora prefer gcp,aws"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(people["ben"], "until you say")
	if _, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", ben, nil); body["default_provider"] != "gcp" {
		t.Errorf("Ben prefers gcp and gets %v", body)
	}
	s.nowhere(strings.TrimPrefix(token["Authorization"], "Bearer "))
}

func TestAPersonsPageConnectsAndDisconnects(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	s.consents("gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	b := newSurfer(t)
	b.load(http.MethodGet, s.cfg.PublicURL+"/connectors", nil).says(t, http.StatusUnauthorized, "/aurora login")
	link := s.asksFor(eve, "login")
	b.submit(link, pressing("page")).says(t, http.StatusOK, "Your connections", eve, "Nothing is connected yet")
	s.audits("login", eve, `{"session":"page"}`)
	b.load(http.MethodGet, link, nil).says(t, http.StatusNotFound, "does not work any more")
	b.load(http.MethodGet, s.cfg.PublicURL+"/api/auth/gcp", nil).says(t, http.StatusOK, "gcp account ada@example.com is connected")
	shown := b.load(http.MethodGet, s.cfg.PublicURL+"/connectors", nil)
	shown.says(t, http.StatusOK, "ada@example.com", "reading only", "acme-prod, acme-staging", "not lately", "Disconnect")
	conn := s.onlyConnection(eve)
	ask := s.cfg.PublicURL + "/connectors/" + conn.ID + "/disconnect"
	b.load(http.MethodPost, ask, url.Values{}).says(t, http.StatusForbidden, "did not come from Aurora's own page")
	b.load(http.MethodGet, ask, nil).says(t, http.StatusOK, "Disconnect gcp?")
	other := newSurfer(t)
	other.submit(s.asksFor(people["ben"], "login"), pressing("page")).says(t, http.StatusOK, "Your connections")
	other.submit(ask, url.Values{}).says(t, http.StatusNotFound, "no such connection of your own")
	alive := s.sims.clouds.RefreshTokens("gcp")
	b.submit(ask, url.Values{}).says(t, http.StatusOK, "is disconnected, and its credential is erased")
	if n := s.sims.clouds.RefreshTokens("gcp"); len(s.connections(eve)) != 0 || n >= alive {
		t.Errorf("left: %v, %d refresh tokens of %d", s.connections(eve), n, alive)
	}
	for site, want := range map[string]int{"same-origin": http.StatusNotFound, "cross-site": http.StatusForbidden} {
		if status, body, _ := s.call(http.MethodDelete, "/api/auth/gcp/disconnect", map[string]string{"Sec-Fetch-Site": site}, b.jar); status != want {
			t.Errorf("DELETE from %s: %d %v", site, status, body)
		}
	}
	status, _, header := s.call(http.MethodGet, "/api/auth/gcp", map[string]string{"Sec-Fetch-Site": "cross-site"}, b.jar)
	if at := header.Get("Location"); status != http.StatusSeeOther || !strings.HasPrefix(at, "/connect/") {
		t.Errorf("another site begins a sign-in: %d %s", status, at)
	}
	leave := b.token(b.load(http.MethodGet, s.cfg.PublicURL+"/connectors", nil), url.Values{})
	b.load(http.MethodPost, s.cfg.PublicURL+"/logout", leave).says(t, http.StatusOK, "signed out")
	b.load(http.MethodGet, s.cfg.PublicURL+"/connectors", nil).says(t, http.StatusUnauthorized, "Nobody is signed in here")
}

func TestWhoIsSwitchedOffIsSignedOut(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	token, link := as(s.bearer(eve)), s.linkFor(eve, "aws")
	p := store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: eve}
	user, err := s.app.stores.sql.Person(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.app.stores.sql.SetActive(t.Context(), user.OrgID, p, user.ID, false); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", token, nil); status != http.StatusUnauthorized {
		t.Errorf("%d %v", status, body)
	}
	visit(t, http.MethodGet, link, nil).says(t, http.StatusNotFound, "does not work any more")
	if err := s.app.stores.redis.EndSessions(t.Context(), user.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.app.stores.sql.SetActive(t.Context(), user.OrgID, p, user.ID, true); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := s.call(http.MethodGet, "/api/user/connected-providers", token, nil); status != http.StatusUnauthorized {
		t.Errorf("a session that was ended is back: %d %v", status, body)
	}
}

func TestTwoChatAccountsBecomeOneUser(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	db := s.app.stores.sql
	second := store.Person{Platform: store.Teams, Team: "tenant-1", ID: "oid-eve"}
	org, err := db.EnsureOrganisation(t.Context(), store.Teams, "tenant-1", "")
	if err != nil {
		t.Fatal(err)
	}
	user, _, err := db.EnsureUser(t.Context(), org, second, store.Viewer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(bot.ConnectTicket{Purpose: bot.PurposeLogin, OrgID: org.ID, UserID: user.ID, Person: second, Place: store.Place{Platform: store.Teams}})
	if err != nil {
		t.Fatal(err)
	}
	login, err := s.app.stores.redis.NewTicket(t.Context(), raw, patience)
	if err != nil {
		t.Fatal(err)
	}
	b, link := newSurfer(t), s.asksFor(eve, "link")
	b.load(http.MethodGet, link, nil).says(t, http.StatusUnprocessableEntity, "Nobody is signed in here")
	b.submit(s.cfg.PublicURL+"/login/"+login, pressing("page")).says(t, http.StatusOK, "oid-eve")
	b.load(http.MethodGet, link, nil).says(t, http.StatusOK, "oid-eve", eve, "Only go on if both accounts are yours")
	if is, err := db.Person(t.Context(), second); err != nil || is.ID != user.ID {
		t.Fatalf("a look joined them: %v, %v", is, err)
	}
	b.submit(link, pressing("join")).says(t, http.StatusOK, "are one user of Aurora now")
	eves, err := db.Person(t.Context(), store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: eve})
	if is, err2 := db.Person(t.Context(), second); err != nil || err2 != nil || is.ID != eves.ID {
		t.Errorf("%v, %v, %v", is, err, err2)
	}
	b.load(http.MethodGet, s.cfg.PublicURL+"/connectors", nil).says(t, http.StatusUnauthorized, "Nobody is signed in")
	b.submit(s.asksFor(people["ben"], "login"), pressing("page"))
	b.load(http.MethodGet, s.asksFor(eve, "link"), nil).says(t, http.StatusUnprocessableEntity, "of one workspace")
}

func TestWhoComesTooOftenIsAskedToWait(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	token := as(s.bearer(eve))
	for range 200 {
		status, body, header := s.call(http.MethodGet, "/api/user/connected-providers", token, nil)
		if status == http.StatusOK {
			continue
		}
		if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || body["code"] != "too_many_requests" {
			t.Fatalf("%d %v %v", status, header, body)
		}
		if status, _, _ := s.call(http.MethodGet, "/style.css", nil, nil); status != http.StatusOK {
			t.Errorf("others at the address are kept out, too: %d", status)
		}
		return
	}
	t.Error("200 requests in a row were answered")
}

func TestSignInWithSlackOpensThePage(t *testing.T) {
	t.Parallel()
	s := guardedBySlack(t)
	s.signsInAs(eve)
	b := newSurfer(t)
	b.load(http.MethodGet, s.cfg.PublicURL+"/api/auth/slack", nil).says(t, http.StatusUnprocessableEntity, "does not know you", "/aurora login")
	link := s.asksFor(eve, "login")
	b.load(http.MethodGet, s.cfg.PublicURL+"/api/auth/slack", nil).says(t, http.StatusOK, "Your connections", eve)
	s.audits("login", eve, `{"session":"slack"}`)
	b.load(http.MethodGet, link, nil).says(t, http.StatusOK, "Sign in with Slack")
	s.signsInAs(people["ben"])
	b.press(url.Values{}).says(t, http.StatusForbidden, "as somebody else")
}
