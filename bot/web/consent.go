package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// Consenter is a Linker whose cloud people sign in to in the browser.
type Consenter interface {
	Linker
	// Begin says what the sign-in behind a choice of the page asks for; a choice that the page does not offer is a Problem.
	Begin(t bot.ConnectTicket, choice, redirect string) (providers.SignIn, error)
	AuthURL(state string, in providers.SignIn) (string, error)
	Finish(ctx context.Context, in providers.SignIn, callback url.Values) (Linked, error)
}

// signIn is what must be found again when the browser comes back from a sign-in. It is kept under the hash of its state.
type signIn struct {
	Pass     pass             `json:"pass"`
	Provider string           `json:"provider"` // whose callback the answer must come to
	Browser  string           `json:"browser"`  // hash
	In       providers.SignIn `json:"in"`
	Link     string           `json:"link,omitempty"` // of a sign-in to the chat: the link it is for
}

var (
	errOtherPerson = errors.New("somebody else signed in")
	errOver        = &providers.Problem{Code: providers.CodeRefused, Sentence: "This sign-in is over or was used before, so nothing was connected. Say `connect` to Aurora again for a new link."}
	errMixedUp     = &providers.Problem{Code: providers.CodeRefused, Sentence: "This answer belongs to another sign-in or another browser, so nothing was connected. Say `connect` to Aurora again, and stay in one browser."}
)

// redirect is where a provider sends the browser back to; exactly this is registered there.
func (s *Server) redirect(provider string) string {
	return s.PublicURL + "/api/auth/" + provider + "/callback"
}

// consent sends the browser to the cloud's sign-in. The link is spent, and its address is left behind by a redirect.
func (s *Server) consent(w http.ResponseWriter, r *http.Request, p pass, c Consenter, browser string) {
	in, err := c.Begin(p.ConnectTicket, r.PostForm.Get("consent"), s.redirect(string(p.Cloud)))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	p.Browser, p.Done = hashOf(browser), nil
	address, err := s.begin(r.Context(), signIn{Pass: p, Provider: string(p.Cloud), Browser: p.Browser, In: in}, c.AuthURL)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if _, err := s.Tickets.TakeTicket(r.Context(), r.PathValue("ticket")); err != nil {
		s.sorry(w, r, fmt.Errorf("spend the link: %w", err))
		return
	}
	s.leave(w, r, p, address)
}

// begin keeps a sign-in under a fresh state and gives the address to sign in at.
func (s *Server) begin(ctx context.Context, in signIn, address func(string, providers.SignIn) (string, error)) (string, error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("begin a sign-in: %w", err)
	}
	state, err := s.States.NewSignIn(ctx, raw, passLife)
	if err != nil {
		return "", fmt.Errorf("begin a sign-in: %w", err)
	}
	return address(state, in.In)
}

// leave redirects to a page of ours that goes on to the sign-in by itself: browsers hold every redirect that follows a
// form to form-action, and where a cloud's sign-in redirects to is not ours to know.
func (s *Server) leave(w http.ResponseWriter, r *http.Request, p pass, address string) {
	p.Go = address
	next, err := s.next(r.Context(), p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// callback takes the browser back from a sign-in.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	provider := r.PathValue("provider")
	in, err := s.returned(r, provider)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if provider == slackProvider {
		s.proved(w, r, in)
		return
	}
	next, err := s.finish(r, in)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // to a page of ours: code and state leave the address
}

// returned spends the state that came back. It must be of a sign-in with this provider, in this browser, of a person who
// still may use Aurora.
func (s *Server) returned(r *http.Request, provider string) (signIn, error) {
	states := r.URL.Query()["state"]
	if len(states) != 1 || !idShape.MatchString(states[0]) {
		return signIn{}, errOver
	}
	raw, err := s.States.TakeSignIn(r.Context(), states[0])
	if errors.Is(err, store.ErrNotFound) {
		return signIn{}, errOver
	}
	if err != nil {
		return signIn{}, fmt.Errorf("take a sign-in: %w", err)
	}
	var in signIn
	if err := json.Unmarshal(raw, &in); err != nil {
		return signIn{}, fmt.Errorf("read a sign-in: %w", err)
	}
	if in.Pass.UserID != "" { // else it is not known yet who signs in
		if err := s.active(r.Context(), in.Pass.ConnectTicket); err != nil {
			return signIn{}, err
		}
	}
	browser := s.browserOf(r)
	if in.Provider != provider || browser == "" || in.Browser != hashOf(browser) {
		return signIn{}, errMixedUp
	}
	return in, nil
}

// finish trades what came back for a connection, keeps it, and gives the page that tells of it.
func (s *Server) finish(r *http.Request, in signIn) (next string, err error) {
	ctx, p := r.Context(), in.Pass
	consenter, ok := s.linker(p).(Consenter)
	if !ok {
		return "", errMixedUp
	}
	linked, err := consenter.Finish(ctx, in.In, r.URL.Query())
	if err != nil {
		return "", err
	}
	at, err := s.placeFor(ctx, p.ConnectTicket, linked)
	if err != nil {
		return "", err
	}
	conn, text, err := s.settle(ctx, p, linked, at)
	if err != nil {
		return "", err
	}
	p.ReadOnly = slices.DeleteFunc(p.ReadOnly, func(account string) bool { return account == conn.Account })
	if conn.ID != "" && conn.ReadOnly {
		p.ReadOnly = append(p.ReadOnly, conn.Account)
	}
	p.Go, p.Done = "", &done{Connection: conn.ID, Account: conn.Account, Text: text}
	return s.next(ctx, p)
}

// showDone shows what was connected, the projects to choose the default from, and the wider consent where there is one.
func (s *Server) showDone(w http.ResponseWriter, r *http.Request, p pass, token string) {
	if p.Done.Connection == "" {
		s.render(w, http.StatusOK, plainView(titleOf(store.Connection{}), p.Done.Text))
		return
	}
	conn, err := s.Connections.Connection(r.Context(), p.OrgID, p.UserID, p.Done.Connection)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		s.sorry(w, r, err)
		return
	}
	s.render(w, http.StatusOK, connectedView(p, conn, s.linker(p).Page(r.Context(), p.ConnectTicket).Choices, token))
}

// choose sets the default project of what was just connected.
func (s *Server) choose(w http.ResponseWriter, r *http.Request, p pass, token string) {
	project := r.PostForm.Get("project")
	err := s.Projects.SetDefaultProject(r.Context(), p.OrgID, p.UserID, p.Done.Connection, project)
	if errors.Is(err, store.ErrNotFound) {
		err = &providers.Problem{Code: providers.CodeRefused, Sentence: "That project is not among those of this connection. Go back and choose one of the list."}
	}
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	p.Done.Text = "Commands that name no project work in " + project + " from now on."
	s.showDone(w, r, p, token)
}
