package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"aurora/bot"
	"aurora/store"
)

// passLife is how long a page that follows a link can be used.
const passLife = 10 * time.Minute

// pass is what an address of ours stands for: a link from chat, or a page that came of one in the same browser.
type pass struct {
	bot.ConnectTicket
	Browser string `json:"browser,omitempty"` // the hash of the only browser it works in; empty while nobody opened it
	Proven  bool   `json:"proven,omitempty"`  // who sits there signed in to the chat as the ticket's person
	Go      string `json:"go,omitempty"`      // the cloud's sign-in, where the browser goes on
	Done    *done  `json:"done,omitempty"`    // what was connected a moment ago
}

// done is what the page shows after a sign-in.
type done struct {
	Connection string `json:"connection"`
	Account    string `json:"account"`
	Text       string `json:"text"`
}

// The reasons for which a link opens no page here.
var (
	errElsewhere = errors.New("the link was opened in another browser")
	errNoCookie  = errors.New("the browser did not open the page before, or keeps no cookies")
	errForeign   = errors.New("the form is not one of ours")
)

// pass looks up what an address stands for. It does not spend it.
func (s *Server) pass(ctx context.Context, id string) (pass, Linker, error) {
	raw, err := s.Tickets.Ticket(ctx, id)
	if err != nil {
		return pass{}, nil, fmt.Errorf("look up a link: %w", err)
	}
	var p pass
	if err := json.Unmarshal(raw, &p); err != nil || !s.leads(p) {
		return pass{}, nil, fmt.Errorf("look up a link: it leads to no page: %w", store.ErrNotFound)
	}
	return p, s.linker(p), s.active(ctx, p.ConnectTicket)
}

// linker is how the cloud of a pass is linked: for the person, or for everyone.
func (s *Server) linker(p pass) Linker {
	if p.Shared {
		return s.Shared[p.Cloud]
	}
	return s.Linkers[p.Cloud]
}

// leads tells whether there is a page for a pass: buttons of the chat are tickets, too.
func (s *Server) leads(p pass) bool {
	switch p.Purpose {
	case bot.PurposeConnect:
		return s.linker(p) != nil
	case bot.PurposeLogin, bot.PurposeLink:
		return true
	}
	return false
}

// active refuses what was made for somebody who may not use Aurora any more, or not connect for everyone.
func (s *Server) active(ctx context.Context, t bot.ConnectTicket) error {
	user, err := s.Users.UserByID(ctx, t.OrgID, t.UserID)
	if err != nil {
		return fmt.Errorf("look up the user of a link: %w", err)
	}
	if !user.Active || t.Shared && user.Role != store.Admin {
		return fmt.Errorf("the user of a link is switched off, or no admin any more: %w", store.ErrNotFound)
	}
	return nil
}

// open takes the page for a browser: the first one that a person opens it in is the only one. A look by anything else,
// such as a preview, takes it for nobody.
func (s *Server) open(w http.ResponseWriter, r *http.Request, id string, p pass) (browser string, err error) {
	browser = s.knowBrowser(w, r)
	if p.Browser != "" && p.Browser != hashOf(browser) {
		return "", errElsewhere
	}
	if p.Browser != "" || r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return browser, nil
	}
	return browser, s.claim(r.Context(), id, browser)
}

// submitted checks a posted form: it is ours, for this browser, and nobody else opened the link.
func (s *Server) submitted(r *http.Request, id string, p pass) (browser string, err error) {
	browser = s.browserOf(r)
	switch {
	case browser == "":
		return "", errNoCookie
	case p.Browser != "" && p.Browser != hashOf(browser):
		return "", errElsewhere
	case !ownForm(r, browser, id):
		return "", errForeign
	case p.Browser != "":
		return browser, nil
	}
	return browser, s.claim(r.Context(), id, browser)
}

func (s *Server) claim(ctx context.Context, id, browser string) error {
	mine, err := s.Browsers.ClaimTicket(ctx, id, hashOf(browser), passLife)
	if err != nil {
		return fmt.Errorf("note the browser of a link: %w", err)
	}
	if !mine {
		return errElsewhere
	}
	return nil
}

// next makes the page that follows in the same browser, and gives its address.
func (s *Server) next(ctx context.Context, p pass) (string, error) {
	raw, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("go on to the next page: %w", err)
	}
	id, err := s.Tickets.NewTicket(ctx, raw, passLife)
	if err != nil {
		return "", fmt.Errorf("go on to the next page: %w", err)
	}
	if p.Purpose == bot.PurposeConnect {
		return "/connect/" + id, nil
	}
	return "/login/" + id, nil
}
