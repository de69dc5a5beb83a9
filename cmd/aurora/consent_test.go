package main

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// consents answers the sign-in page of a simulated cloud from now on.
func (s *story) consents(client string, c cloudsim.Consent) {
	s.t.Helper()
	if err := s.sims.clouds.SetConsent(client, &c); err != nil {
		s.t.Fatal(err)
	}
}

func consentTo(choice string) url.Values { return url.Values{"consent": {choice}} }

func TestGoogleFromLinkToAgentMode(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{change: asOperator})
	s.consents("gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	b, link := newSurfer(t), s.linkFor(eve, "gcp")
	shown := b.load(http.MethodGet, link, nil)
	shown.says(t, http.StatusOK, "Sign in with Google", eve, "for nobody else")
	if strings.Contains(shown.body, "Allow changes") {
		t.Error("changes are offered before anything is connected")
	}
	b.press(consentTo("wide:ada@example.com")).says(t, http.StatusUnprocessableEntity, "does not offer that")
	b.load(http.MethodGet, link, nil)
	done := b.press(consentTo("read"))
	done.says(t, http.StatusOK, "gcp account ada@example.com is connected", "Default project", "acme-staging", "Allow changes in Agent mode")
	if b.at.RawQuery != "" || strings.Contains(b.at.String(), link) {
		t.Errorf("the address still is %s", b.at)
	}
	s.mustSee(eve, "gcp account ada@example.com is connected for you")
	b.press(url.Values{"project": {"acme-staging"}}).says(t, http.StatusOK, "work in acme-staging", `<option value="acme-staging" selected>`)
	b.press(url.Values{"project": {"not-mine"}}).says(t, http.StatusUnprocessableEntity, "not among those")
	conn := s.onlyConnection(eve)
	if !conn.ReadOnly || conn.Settings[store.SettingDefaultProject] != "acme-staging" || len(conn.Projects) != 2 {
		t.Errorf("%+v", conn)
	}

	b = newSurfer(t)
	s.consents("gcp", cloudsim.Consent{Account: "ben@example.com"})
	b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil).says(t, http.StatusOK, "Allow changes in Agent mode: ada@example.com")
	b.press(consentTo("wide:ada@example.com")).says(t, http.StatusUnprocessableEntity, "signed in to Google as ben@example.com", "nothing was connected")
	s.consents("gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	b = newSurfer(t)
	b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
	b.press(consentTo("wide:ada@example.com")).says(t, http.StatusOK, "is connected")
	wide := s.onlyConnection(eve)
	if wide.ReadOnly || wide.Settings[store.SettingDefaultProject] != "acme-staging" || wide.Token != conn.Token {
		t.Errorf("%+v", wide)
	}
	cred, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(wide.Token, "vault:"))
	if err != nil {
		t.Fatal(err)
	}
	for _, slot := range []providers.Slot{providers.ReadSlot, providers.WideSlot} {
		if tokens, ok := providers.TokensOf(cred, slot); !ok || tokens.Refresh == "" {
			t.Errorf("nothing is kept to %s with", slot)
		} else {
			s.nowhere(tokens.Refresh)
		}
	}
	b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
	if strings.Contains(b.fetch(http.MethodGet, b.at.String(), nil).body, "Allow changes") {
		t.Error("the wider consent is offered again")
	}
}

func TestASignInAfterGoogleEndedOneLeavesNothingDead(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{change: asOperator})
	s.consents("gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
	b := newSurfer(t)
	b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
	b.press(consentTo("read")).says(t, http.StatusOK, "is connected", "Default project")
	b.press(url.Values{"project": {"acme-staging"}}).says(t, http.StatusOK, "work in acme-staging")
	if err := s.app.stores.sql.BreakConnection(t.Context(), s.onlyConnection(eve)); err != nil {
		t.Fatal(err)
	}
	b = newSurfer(t)
	if shown := b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil); strings.Contains(shown.body, "Allow changes") {
		t.Error("changes are offered before reading works")
	}
	b.press(consentTo("read")).says(t, http.StatusOK, "is connected", "Allow changes in Agent mode")
	b.press(consentTo("wide:ada@example.com")).says(t, http.StatusOK, "is connected")
	if err := s.sims.clouds.RevokeGrants("gcp", cloudsim.GCPUser); err != nil {
		t.Fatal(err)
	}
	if err := s.app.stores.sql.BreakConnection(t.Context(), s.onlyConnection(eve)); err != nil { // as the next run in Agent mode does
		t.Fatal(err)
	}

	b = newSurfer(t)
	b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
	b.press(consentTo("read")).says(t, http.StatusOK, "is connected", "Allow changes in Agent mode: ada@example.com")
	conn := s.onlyConnection(eve)
	if conn.Status != store.ConnectionActive || !conn.ReadOnly || conn.Settings[store.SettingDefaultProject] != "acme-staging" {
		t.Errorf("%+v", conn)
	}
	cred, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(conn.Token, "vault:"))
	if err != nil {
		t.Fatal(err)
	}
	if _, wide := providers.TokensOf(cred, providers.WideSlot); wide {
		t.Error("what Google ended is kept")
	}
	b.press(consentTo("wide:ada@example.com")).says(t, http.StatusOK, "is connected")
	if conn := s.onlyConnection(eve); conn.ReadOnly {
		t.Errorf("%+v", conn)
	}
}

func TestOVHcloudFromLinkByRegion(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	s.consents("ovh-ca", cloudsim.Consent{Account: cloudsim.OVHUser})
	b := newSurfer(t)
	b.load(http.MethodGet, s.linkFor(eve, "ovh"), nil).says(t, http.StatusOK, "Sign in to OVHcloud EU", "Sign in to OVHcloud CA", "Sign in to OVHcloud US")
	b.press(consentTo("au")).says(t, http.StatusUnprocessableEntity, "does not offer that")
	b.press(consentTo("ca")).says(t, http.StatusOK, "ca:"+cloudsim.OVHUser)
	if conn := s.onlyConnection(eve); conn.Cloud != store.OVH || conn.Settings["endpoint"] != "ovh-ca" {
		t.Errorf("%+v", conn)
	}
	off := newcomer(t, worldOptions{change: func(c *config) { c.OVH = false }})
	if _, err := off.sims.slack.Slash(eve, off.channel, "/aurora connect ovh"); err != nil {
		t.Fatal(err)
	}
	off.mustSee(eve, "I can't link ovh yet")
}

// onward is the address that a page would go on to by itself.
func (b *surfer) onward(form url.Values) *url.URL {
	b.t.Helper()
	got := b.fetch(http.MethodPost, b.at.String(), form)
	found := onwardShape.FindStringSubmatch(got.raw)
	if found == nil {
		b.t.Fatalf("status %d, no sign-in to go on to:\n%s", got.status, got.body)
	}
	u, err := url.Parse(html.UnescapeString(found[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// token gives what the form of the page hides, beside further values.
func (b *surfer) token(page page, form url.Values) url.Values {
	b.t.Helper()
	found := hiddenShape.FindStringSubmatch(page.raw)
	if found == nil {
		b.t.Fatalf("the page has no form:\n%s", page.body)
	}
	form.Set("csrf", found[1])
	return form
}

func TestABadAnswerStoresNothingAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	callback, before := s.cfg.PublicURL+"/api/auth/gcp/callback", s.sims.clouds.RefreshTokens("gcp")
	for name, c := range map[string]struct {
		consent cloudsim.Consent
		bend    func(answer url.Values) (path string)
		browser *surfer // nil for the one it was begun in
		status  int
		want    string
	}{
		"no":                  {consent: cloudsim.Consent{Deny: true}, status: http.StatusUnprocessableEntity, want: "You said no at Google"},
		"wrong iss":           {consent: cloudsim.Consent{Account: cloudsim.GCPUser, Issuer: "https://evil.example"}, status: http.StatusUnprocessableEntity, want: "did not come from Google"},
		"nothing granted":     {consent: cloudsim.Consent{Account: cloudsim.GCPUser, Scopes: []string{"openid", "email"}}, status: http.StatusUnprocessableEntity, want: "leave that box ticked"},
		"no code":             {bend: func(a url.Values) string { a.Del("code"); return callback }, status: http.StatusUnprocessableEntity, want: "lacks its code"},
		"made-up code":        {bend: func(a url.Values) string { a.Set("code", "guess"); return callback }, status: http.StatusUnprocessableEntity, want: "over or was used before"},
		"no state":            {bend: func(a url.Values) string { a.Del("state"); return callback }, status: http.StatusUnprocessableEntity, want: "over or was used before"},
		"made-up state":       {bend: func(a url.Values) string { a.Set("state", "AAAAAAAAAAAAAAAAAAAAAAAAAA"); return callback }, status: http.StatusUnprocessableEntity, want: "over or was used before"},
		"two states":          {bend: func(a url.Values) string { a.Add("state", a.Get("state")); return callback }, status: http.StatusUnprocessableEntity, want: "over or was used before"},
		"another cloud's end": {bend: func(url.Values) string { return s.cfg.PublicURL + "/api/auth/ovh/callback" }, status: http.StatusUnprocessableEntity, want: "belongs to another sign-in"},
		"no cloud's end":      {bend: func(url.Values) string { return s.cfg.PublicURL + "/api/auth/slack/callback" }, status: http.StatusUnprocessableEntity, want: "belongs to another sign-in"},
		"another browser":     {browser: newSurfer(t), status: http.StatusUnprocessableEntity, want: "another browser"},
	} {
		if c.bend != nil || c.browser != nil {
			c.consent.Account = cloudsim.GCPUser
		}
		s.consents("gcp", c.consent)
		b := newSurfer(t)
		shown := b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
		answer := s.answer(b.onward(b.token(shown, consentTo("read"))))
		path := callback
		query := answer.Query()
		if c.bend != nil {
			path = c.bend(query)
		}
		who := b
		if c.browser != nil {
			who = c.browser
			who.load(http.MethodGet, s.linkFor(eve, "gcp"), nil) // it has a cookie of its own
		}
		got := who.fetch(http.MethodGet, path+"?"+query.Encode(), nil)
		if got.status != c.status || !strings.Contains(got.body, c.want) || !strings.Contains(strings.ToLower(got.body), "nothing was connected") {
			t.Errorf("%s: status %d, want %d and %q:\n%s", name, got.status, c.status, c.want, got.body)
		}
		if c.bend == nil { // what was bent may not have spent the state
			b.fetch(http.MethodGet, answer.String(), nil).says(t, http.StatusUnprocessableEntity, "used before")
		}
		if conns := s.connections(eve); len(conns) != 0 {
			t.Fatalf("%s: connected %v", name, conns)
		}
	}
	if n := s.sims.clouds.RefreshTokens("gcp") - before; n > 1 { // of what was granted too little of
		t.Errorf("%d refresh tokens were issued", n)
	}
}

// answer is where the sign-in page of a cloud sends the browser back to.
func (s *story) answer(address *url.URL) *url.URL {
	s.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: patience}
	got, err := client.Get(address.String()) //nolint:noctx // a simulator on loopback
	if err != nil {
		s.t.Fatal(err)
	}
	_ = got.Body.Close()
	back, err := got.Location()
	if err != nil {
		s.t.Fatalf("the sign-in sends nobody back: %v", err)
	}
	return back
}

func TestALinkWorksInOneBrowser(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	link := s.linkFor(eve, "aws")
	first, second := newSurfer(t), newSurfer(t)
	s.trusting(cloudsim.RoleReadOnly, first.load(http.MethodGet, link, nil))
	second.load(http.MethodGet, link, nil).says(t, http.StatusForbidden, "opened in another browser", "Say `connect`")
	second.load(http.MethodPost, link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusForbidden, "did not come from Aurora's own page")
	newSurfer(t).load(http.MethodPost, link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusForbidden, "Open the link from the chat in this browser first")
	first.load(http.MethodPost, link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusForbidden, "did not come from Aurora's own page")
	first.submit(link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusOK, "Connected")
}

func TestAnotherSitesFormIsRefused(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	link := s.linkFor(eve, "aws")
	b := newSurfer(t)
	form := b.token(b.load(http.MethodGet, link, nil), roleForm(cloudsim.RoleReadOnly, "us-east-1"))
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, link, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set(name, value)
		got, err := (&http.Client{Jar: b.jar}).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = got.Body.Close()
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s is answered with %d", name, value, got.StatusCode)
		}
	}
	if len(s.connections(eve)) != 0 {
		t.Error("something was connected")
	}
}
