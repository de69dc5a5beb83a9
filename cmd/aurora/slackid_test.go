package main

import (
	"net/http"
	"net/url"
	"testing"

	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
)

var slackClient = slacksim.SignInClient{ID: "1111.2222", Secret: "not-so-secret"}

// guardedBySlack is a world where people sign in with Slack before they connect anything.
func guardedBySlack(t *testing.T) *story {
	t.Helper()
	eves := withEve()
	eves.SignIn = slackClient
	s := &story{world: newWorld(t, worldOptions{slack: eves, change: func(c *config) {
		c.SlackClientID, c.SlackClientSecret = slackClient.ID, "not-so-secret"
	}}), channel: rooms["ops"]}
	if err := s.sims.slack.Join(eve, s.channel); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) signsInAs(user string) {
	s.t.Helper()
	if err := s.sims.slack.SignInAs(user); err != nil {
		s.t.Fatal(err)
	}
}

func TestALinkIsForThePersonWhoSignsInToTheChat(t *testing.T) {
	t.Parallel()
	s := guardedBySlack(t)
	link := s.linkFor(eve, "aws")
	b := newSurfer(t)
	b.load(http.MethodGet, link, nil).says(t, http.StatusOK, "Sign in with Slack", "a link alone does not prove who you are")
	s.signsInAs("U0BEN00001")
	b.press(url.Values{}).says(t, http.StatusForbidden, "as somebody else than the person this link was made for", "nothing was connected")
	s.signsInAs("T0PARTNER1:U0PETRA001")
	b.submit(link, url.Values{}).says(t, http.StatusForbidden, "as somebody else")
	s.signsInAs(eve)
	proven := b.submit(link, url.Values{})
	proven.says(t, http.StatusOK, "External ID")
	s.trusting(cloudsim.RoleReadOnly, proven)
	own := b.at.String()
	newSurfer(t).load(http.MethodGet, own, nil).says(t, http.StatusForbidden, "another browser")
	b.load(http.MethodGet, link, nil).says(t, http.StatusNotFound, "does not work any more")
	b.submit(own, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusOK, "Connected")
	if len(s.connections(eve)) != 1 {
		t.Errorf("Eve has %v", s.connections(eve))
	}
}

func TestSlacksAnswerIsCheckedToo(t *testing.T) {
	t.Parallel()
	s := guardedBySlack(t)
	s.signsInAs(eve)
	begin := func() (*surfer, *url.URL) {
		b := newSurfer(t)
		shown := b.load(http.MethodGet, s.linkFor(eve, "aws"), nil)
		return b, s.answer(b.onward(b.token(shown, url.Values{})))
	}
	b, answer := begin()
	newSurfer(t).load(http.MethodGet, answer.String(), nil).says(t, http.StatusUnprocessableEntity, "another browser")
	b.load(http.MethodGet, answer.String(), nil).says(t, http.StatusUnprocessableEntity, "used before")
	_, mine := begin()
	b, foreign := begin()
	swapped := foreign.Query()
	swapped.Set("code", mine.Query().Get("code")) // of another sign-in: the nonce is not this one's
	foreign.RawQuery = swapped.Encode()
	b.load(http.MethodGet, foreign.String(), nil).says(t, http.StatusUnprocessableEntity, "in a way Aurora trusts")
	s.signsInAs("U0DORA0001") // switched off in Slack
	b, answer = begin()
	b.load(http.MethodGet, answer.String(), nil).says(t, http.StatusUnprocessableEntity, "You said no at Slack")
}

func TestAProgramsLinkProvesNobody(t *testing.T) {
	t.Parallel()
	s := guardedBySlack(t)
	s.signsInAs(eve)
	b := newSurfer(t)
	b.submit(s.asksFor(eve, "login"), url.Values{})
	token := tokenOn(t, b.press(pressing("token")))
	status, body, _ := s.call(http.MethodGet, "/api/auth/aws", as(token), nil)
	link, _ := body["url"].(string)
	if status != http.StatusOK || !linkShape.MatchString(link) {
		t.Fatalf("%d %v", status, body)
	}
	other := newSurfer(t)
	other.load(http.MethodGet, link, nil).says(t, http.StatusOK, "Sign in with Slack", "a link alone does not prove who you are")
	s.signsInAs(people["ben"])
	other.press(url.Values{}).says(t, http.StatusForbidden, "as somebody else than the person this link was made for")
	s.signsInAs(eve)
	other.submit(link, url.Values{}).says(t, http.StatusOK, "External ID")
}
