package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

const (
	pressPage  = "page"
	pressToken = "token"
	pressJoin  = "join"
)

// showLogin shows the page of a login or link ticket, which asks before it does anything.
func (s *Server) showLogin(w http.ResponseWriter, r *http.Request, p pass, token string) {
	if p.Purpose == bot.PurposeLink {
		s.showJoin(w, r, p, token)
		return
	}
	s.render(w, http.StatusOK, view{Title: "Sign in to Aurora", Who: who(p), Token: token, Buttons: []Choice{
		{Value: pressPage, Label: "Show my connections", Hint: "signs this browser in for eight hours"},
		{Value: pressToken, Label: "Show a token for the API", Hint: "works for one hour, and is shown once"},
	}})
}

// login does what was pressed there. It spends the link.
func (s *Server) login(w http.ResponseWriter, r *http.Request, p pass) {
	press := r.PostForm.Get("press")
	if p.Purpose == bot.PurposeLink && press == pressJoin {
		s.join(w, r, p)
		return
	}
	if p.Purpose != bot.PurposeLogin || press != pressPage && press != pressToken {
		s.sorry(w, r, notOffered())
		return
	}
	if err := s.spend(r); err != nil {
		s.sorry(w, r, err)
		return
	}
	life := cookieLife
	if press == pressToken {
		life = bearerLife
	}
	id, err := s.beginSession(r.Context(), p, press, life)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if press == pressToken {
		s.render(w, http.StatusOK, view{Title: "Your token", Text: "Send it as `Authorization: Bearer <token>`. It works for one hour and is not shown again.",
			Page: &Page{Facts: []Field{{Name: "token", Label: "Token", Value: id}}}})
		return
	}
	s.setCookie(w, sessionCookie, id, int(cookieLife.Seconds()))
	http.Redirect(w, r, "/connectors", http.StatusSeeOther)
}

func (s *Server) spend(r *http.Request) error {
	if _, err := s.Tickets.TakeTicket(r.Context(), r.PathValue("ticket")); err != nil {
		return fmt.Errorf("spend the link: %w", err)
	}
	return nil
}

// showJoin shows both chat accounts and asks whether they are one person.
func (s *Server) showJoin(w http.ResponseWriter, r *http.Request, p pass, token string) {
	other, err := s.otherAccount(r, p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.render(w, http.StatusOK, view{Title: "One person, two chat accounts?", Who: who(p), Token: token,
		Text: fmt.Sprintf("In this browser %s user %s (%s) is signed in. From now on that account would act as the user of %s user %s (%s): with its role, its connections and its audit. "+
			"Only go on if both accounts are yours.", other.Person.Platform, other.Person.ID, other.Person.Team, p.Person.Platform, p.Person.ID, p.Person.Team),
		Buttons: []Choice{{Value: pressJoin, Label: "Both are mine: join them"}}})
}

// otherAccount is the account that is signed in here and may be joined to that of the link.
func (s *Server) otherAccount(r *http.Request, p pass) (session, error) {
	refuse := func(sentence string) (session, error) {
		return session{}, &providers.Problem{Code: providers.CodeRefused, Sentence: sentence}
	}
	other, err := s.session(r)
	switch {
	case errors.Is(err, errNobody):
		return refuse("Nobody is signed in here. Say `login` to Aurora from the other chat account, open that link in this browser, and come back to this one.")
	case err != nil:
		return session{}, err
	case other.UserID == p.UserID:
		return refuse("The account that is signed in here already acts as the same user. Say `login` to Aurora from the other chat account, open that link in this browser, and come back to this one.")
	case other.Person.Platform == p.Person.Platform && other.Person.Team == p.Person.Team:
		return refuse("Both accounts are of one workspace, and in one workspace a person has one account. Nothing was joined.")
	}
	conns, err := s.own(r.Context(), other, "")
	if err != nil {
		return session{}, err
	}
	if len(conns) > 0 {
		return refuse("The account that is signed in here has connections of its own, which nobody could use any more. Disconnect them first, then open this link again.")
	}
	return other, nil
}

// join makes the account that is signed in here act as the link's user.
func (s *Server) join(w http.ResponseWriter, r *http.Request, p pass) {
	other, err := s.otherAccount(r, p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if err := s.spend(r); err != nil {
		s.sorry(w, r, err)
		return
	}
	ctx := r.Context()
	if err := s.Users.LinkPerson(ctx, p.OrgID, p.UserID, other.Person, p.Person); err != nil {
		s.sorry(w, r, fmt.Errorf("join two accounts: %w", err))
		return
	}
	if err := s.Sessions.EndSessions(ctx, other.UserID); err != nil { // they are of a user whom the account is no more
		s.Log.Warn().Err(err).Msg("end the sessions of a joined account")
	}
	s.setCookie(w, sessionCookie, "", -1)
	s.tell(ctx, p.ConnectTicket, fmt.Sprintf("The account %s acts as you from now on.", other.Person))
	s.render(w, http.StatusOK, plainView("Joined", fmt.Sprintf("%s and %s are one user of Aurora now.", p.Person, other.Person)))
}

// startSlack signs somebody in to the pages by the chat's own sign-in, without a link.
func (s *Server) startSlack(w http.ResponseWriter, r *http.Request) {
	if s.Slack == nil {
		s.sorry(w, r, &providers.Problem{Code: providers.CodeRefused, Sentence: "Sign in with Slack is not set up here: say `/aurora login` in the chat, or have whoever runs Aurora set SLACK_CLIENT_ID and SLACK_CLIENT_SECRET."})
		return
	}
	browser := s.knowBrowser(w, r)
	in := signIn{Provider: slackProvider, Browser: hashOf(browser), In: providers.NewSignIn(s.redirect(slackProvider), false)}
	address, err := s.begin(r.Context(), in, s.Slack.address(""))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // Slack's own page
}

// admitted signs in whom Slack named, when Aurora knows that person.
func (s *Server) admitted(w http.ResponseWriter, r *http.Request, claims slackClaims) {
	p, err := s.known(r.Context(), claims)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	id, err := s.beginSession(r.Context(), p, slackProvider, cookieLife)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.setCookie(w, sessionCookie, id, int(cookieLife.Seconds()))
	http.Redirect(w, r, "/connectors", http.StatusSeeOther)
}

// known finds the user behind the claims. People of an Enterprise organisation are known by it.
func (s *Server) known(ctx context.Context, claims slackClaims) (pass, error) {
	team := claims.Team
	if claims.Enterprise != "" {
		team = claims.Enterprise
	}
	p := store.Person{Platform: store.Slack, Team: team, ID: claims.User}
	user, err := s.Users.Person(ctx, p)
	if errors.Is(err, store.ErrNotFound) || err == nil && !user.Active {
		return pass{}, &providers.Problem{Code: providers.CodeRefused, Sentence: "Aurora does not know you from that workspace. Say `/aurora login` there first."}
	}
	if err != nil {
		return pass{}, fmt.Errorf("look up who signed in: %w", err)
	}
	return pass{Proven: true, ConnectTicket: bot.ConnectTicket{OrgID: user.OrgID, UserID: user.ID, Person: p,
		Place: store.Place{Platform: store.Slack, Team: claims.Team}}}, nil
}
