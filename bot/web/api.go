package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// start begins to connect a cloud for whoever is signed in. A browser goes on to the cloud's own sign-in, or to the page
// that asks what the cloud needs; a program is given the address of a one-time link for the person's browser.
func (s *Server) start(w http.ResponseWriter, r *http.Request) {
	provider := r.PathValue("provider")
	if provider == slackProvider {
		s.startSlack(w, r)
		return
	}
	in, err := s.session(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	cloud := store.Cloud(provider)
	if s.Linkers[cloud] == nil {
		s.refuse(w, r, &apiError{http.StatusNotFound, "unknown", fmt.Sprintf("There is no cloud %q to connect here. There are: %s.", provider, strings.Join(s.clouds(), ", "))})
		return
	}
	p, err := s.passFor(r.Context(), in, cloud)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if in.bearer {
		s.giveLink(w, r, p)
		return
	}
	p.Browser = hashOf(s.knowBrowser(w, r))
	address, err := s.onward(r, p)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // to a page of ours or the cloud's own sign-in
}

// onward is the cloud's sign-in where the request says all that it needs and comes from no other site; else our page.
func (s *Server) onward(r *http.Request, p pass) (string, error) {
	consenter, ok := s.linker(p).(Consenter)
	choice := r.URL.Query().Get("choice")
	site := r.Header.Get("Sec-Fetch-Site")
	if choice == "" && ok {
		if offered := consenter.Page(r.Context(), p.ConnectTicket).Choices; len(offered) > 0 && (len(offered) == 1 || offered[0].Value == choiceRead) {
			choice = offered[0].Value
		}
	}
	if !ok || choice == "" || s.mustProve(p) || site != "" && site != "none" && site != "same-origin" {
		return s.next(r.Context(), p)
	}
	in, err := consenter.Begin(p.ConnectTicket, choice, s.redirect(string(p.Cloud)))
	if err != nil {
		return "", err
	}
	return s.begin(r.Context(), signIn{Pass: p, Provider: string(p.Cloud), Browser: p.Browser, In: in}, consenter.AuthURL)
}

// giveLink answers a program. What its token's owner proved once says nothing of who will open the link.
func (s *Server) giveLink(w http.ResponseWriter, r *http.Request, p pass) {
	p.Proven = false
	path, err := s.next(r.Context(), p)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]string{"url": s.PublicURL + path})
}

// passFor lets whoever is signed in connect a cloud.
func (s *Server) passFor(ctx context.Context, in session, cloud store.Cloud) (pass, error) {
	own, err := s.own(ctx, in, cloud)
	if err != nil {
		return pass{}, err
	}
	return pass{ConnectTicket: in.ticket(cloud, bot.NewMark(), bot.Reading(own, cloud, in.UserID)), Proven: in.Proven}, nil
}

// own lists the connections that are a person's own, of a cloud or of all.
func (s *Server) own(ctx context.Context, in session, cloud store.Cloud) ([]store.Connection, error) {
	conns, err := s.Connections.Connections(ctx, in.OrgID, in.UserID)
	if err != nil {
		return nil, fmt.Errorf("list connections: %w", err)
	}
	return slices.DeleteFunc(conns, func(c store.Connection) bool {
		return c.UserID != in.UserID || cloud != "" && c.Cloud != cloud
	}), nil
}

// clouds are those that can be connected here, in the order people are shown them.
func (s *Server) clouds() []string {
	var names []string
	for _, c := range store.Clouds() {
		if s.Linkers[c] != nil {
			names = append(names, string(c))
		}
	}
	return names
}

// apiProviders lists the clouds that the caller can use. The default is the only one, or the first that he prefers.
func (s *Server) apiProviders(w http.ResponseWriter, r *http.Request) {
	in, err := s.session(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	conns, err := s.Connections.Connections(r.Context(), in.OrgID, in.UserID)
	if err != nil {
		s.refuse(w, r, fmt.Errorf("list connections: %w", err))
		return
	}
	user, err := s.Users.UserByID(r.Context(), in.OrgID, in.UserID)
	if err != nil {
		s.refuse(w, r, fmt.Errorf("read preferences: %w", err))
		return
	}
	found := struct {
		Providers []store.Cloud `json:"providers"`
		Default   *store.Cloud  `json:"default_provider"`
	}{Providers: []store.Cloud{}}
	for _, cloud := range store.Clouds() {
		if slices.ContainsFunc(conns, func(c store.Connection) bool { return c.Cloud == cloud && c.Status == store.ConnectionActive }) {
			found.Providers = append(found.Providers, cloud)
		}
	}
	found.Default = preferred(found.Providers, user.Prefer)
	s.answer(w, http.StatusOK, found)
}

func preferred(connected, prefer []store.Cloud) *store.Cloud {
	if len(connected) == 1 {
		return &connected[0]
	}
	for i, cloud := range prefer {
		if slices.Contains(connected, cloud) {
			return &prefer[i]
		}
	}
	return nil
}

// apiDisconnect forgets one connection of the caller's own.
func (s *Server) apiDisconnect(w http.ResponseWriter, r *http.Request) {
	in, err := s.session(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	cloud, account := store.Cloud(r.PathValue("provider")), r.URL.Query().Get("account")
	own, err := s.own(r.Context(), in, cloud)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	var accounts []string
	for _, c := range own {
		accounts = append(accounts, c.Account)
	}
	own = slices.DeleteFunc(own, func(c store.Connection) bool { return account != "" && c.Account != account })
	switch {
	case len(own) == 0:
		s.refuse(w, r, &apiError{http.StatusNotFound, "not_connected", fmt.Sprintf("You have no such connection of your own to %s. GET /api/user/connected-providers says what there is.", cloud)})
		return
	case len(own) > 1:
		s.refuse(w, r, &apiError{http.StatusConflict, "ambiguous", fmt.Sprintf("You have several connections to %s: say which with ?account=. There are: %s.", cloud, strings.Join(accounts, ", "))})
		return
	}
	said, err := s.disconnect(r.Context(), in, own[0])
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.answer(w, http.StatusOK, map[string]string{"disconnected": string(cloud), "account": own[0].Account, "left_to_do": said})
}

// disconnect erases the credential, then the row: a crash between leaves something that can be disconnected again, never a
// credential nobody knows of.
func (s *Server) disconnect(ctx context.Context, in session, c store.Connection) (said string, err error) {
	if said, err = s.Forget(ctx, c); err != nil {
		return "", fmt.Errorf("forget the credential of %s: %w", c.Cloud, err)
	}
	_, err = s.Disconnects.Disconnect(ctx, c, in.Person)
	if errors.Is(err, store.ErrConflict) {
		return "", &apiError{http.StatusConflict, "connected_again", fmt.Sprintf("%s (%s) was connected again while its credential was erased. Look at it, and disconnect it again if it is to go.", c.Cloud, c.Account)}
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("disconnect %s: %w", c.Cloud, err)
	}
	s.tell(ctx, in.ticket(c.Cloud, "", nil), strings.TrimSpace(fmt.Sprintf("%s (%s) is disconnected and its credential is erased. %s", c.Cloud, c.Account, said)))
	return said, nil
}

// apiError is a refusal with a code that programs can tell apart.
type apiError struct {
	status   int
	code     string
	sentence string
}

func (e *apiError) Error() string { return e.sentence }

// refuse answers an error: with a page for a browser that shows one, else with JSON.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		s.sorry(w, r, err)
		return
	}
	status, _, sentence := explain(err)
	code := map[int]string{
		http.StatusUnauthorized: "unauthenticated", http.StatusServiceUnavailable: "unavailable", http.StatusUnprocessableEntity: "refused",
		http.StatusForbidden: "forbidden", http.StatusNotFound: "not_found", http.StatusTooManyRequests: "too_many_requests",
	}[status]
	if status >= http.StatusInternalServerError {
		s.Log.Error().Err(err).Str("method", r.Method).Msg("api")
	}
	var own *apiError
	var problem *providers.Problem
	switch {
	case errors.As(err, &own):
		code = own.code
	case errors.As(err, &problem):
		code = string(problem.Code)
	case code == "":
		code = "internal"
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="aurora"`)
	}
	s.answer(w, status, map[string]string{"error": sentence, "code": code})
}

func (s *Server) answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		s.Log.Info().Err(err).Msg("write an answer")
	}
}
