package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// show shows the page of a link. It does not spend the link: previews and reloads must not.
func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("ticket")
	p, linker, err := s.pass(r.Context(), id)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	browser, err := s.open(w, r, id, p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	token := csrf(browser, id)
	switch {
	case p.Go != "":
		s.render(w, http.StatusOK, goView(p))
	case p.Done != nil:
		s.showDone(w, r, p, token)
	case s.mustProve(p):
		s.render(w, http.StatusOK, proveView(p, token))
	case p.Purpose != bot.PurposeConnect:
		s.showLogin(w, r, p, token)
	default:
		s.render(w, http.StatusOK, formView(p, linker.Page(r.Context(), p.ConnectTicket), nil, "", token))
	}
}

// link takes what a person sent from the page of a link.
func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("ticket")
	p, linker, err := s.pass(r.Context(), id)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.unreadable(w, r, p, linker, err)
		return
	}
	browser, err := s.submitted(r, id, p)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	consenter, _ := linker.(Consenter)
	choice := r.PostForm.Get("consent")
	switch {
	case p.Go != "":
		s.render(w, http.StatusOK, goView(p))
	case s.mustProve(p):
		s.prove(w, r, p, browser)
	case p.Purpose != bot.PurposeConnect:
		s.login(w, r, p)
	case p.Done != nil && choice == "":
		s.choose(w, r, p, csrf(browser, id))
	case choice != "" && consenter != nil:
		s.consent(w, r, p, consenter, browser)
	default:
		s.linkForm(w, r, p, linker, csrf(browser, id))
	}
}

// unreadable answers a form that cannot be read, such as one too long. Whose it is cannot be told from it, so the page is
// shown again to the browser alone that has it, and what follows a sign-in to nobody.
func (s *Server) unreadable(w http.ResponseWriter, r *http.Request, p pass, linker Linker, err error) {
	browser := s.browserOf(r)
	token := csrf(browser, r.PathValue("ticket"))
	status, text := http.StatusBadRequest, "That could not be read. Please fill in the fields and send them again."
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		status, text = http.StatusRequestEntityTooLarge, "That was too much to read. Please fill in the fields only."
	}
	switch {
	case browser == "":
		s.sorry(w, r, errNoCookie)
	case p.Browser != "" && p.Browser != hashOf(browser):
		s.sorry(w, r, errElsewhere)
	case linker == nil || p.Go != "" || p.Done != nil:
		s.sorry(w, r, errForeign)
	case s.mustProve(p):
		s.render(w, status, proveView(p, token))
	default:
		s.render(w, status, formView(p, linker.Page(r.Context(), p.ConnectTicket), nil, text, token))
	}
}

// linkForm checks what was typed with the cloud, looks where it goes, spends the link, and stores the credential before
// the row that points to it. Neither a typing error nor a store that is away spends the link: nobody has to walk back to
// the chat for that. Of two that come at once one spends it, the other finds it gone.
func (s *Server) linkForm(w http.ResponseWriter, r *http.Request, p pass, linker Linker, token string) {
	linked, err := s.check(w, r, p, linker)
	var problem *providers.Problem
	if errors.As(err, &problem) {
		s.render(w, http.StatusUnprocessableEntity, formView(p, linker.Page(r.Context(), p.ConnectTicket), r.PostForm, problem.Sentence, token))
		return
	}
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	at, err := s.placeFor(r.Context(), p.ConnectTicket, linked)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if _, err := s.Tickets.TakeTicket(r.Context(), r.PathValue("ticket")); err != nil {
		s.sorry(w, r, fmt.Errorf("spend the link: %w", err))
		return
	}
	kept, text, err := s.settle(r.Context(), p, linked, at)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.render(w, http.StatusOK, plainView(titleOf(kept), text+" You can close this page and go back to the chat."))
}

// settle keeps what a cloud accepted, or has it wait for an admin: then no connection comes back. It tells the person in
// words that page and chat share.
func (s *Server) settle(ctx context.Context, p pass, l Linked, at slot) (kept store.Connection, text string, err error) {
	if !s.proven(ctx, p, l, at) {
		if text, err = s.wait(ctx, p.ConnectTicket, l); err == nil {
			s.tell(ctx, p.ConnectTicket, text)
		}
		return store.Connection{}, text, err
	}
	kept, err = s.keep(ctx, p.ConnectTicket, l, at, func(ctx context.Context, c store.Connection) (store.Connection, error) {
		return s.Connections.Connect(ctx, c, p.Person)
	})
	if err != nil {
		return store.Connection{}, "", err
	}
	text = connectedText(p.ConnectTicket, l)
	if p.Shared {
		s.tell(ctx, p.ConnectTicket, text)
		return kept, text, nil
	}
	s.tell(ctx, p.ConnectTicket, text+" You are in Ask mode until you say otherwise: I only read.")
	return kept, text, nil
}

func connectedText(t bot.ConnectTicket, l Linked) string {
	if t.Shared {
		note := strings.TrimSpace(l.Note + " Nobody may use it yet: say, for example, `grant " + string(t.Cloud) + " to everyone up to read`.")
		return fmt.Sprintf("%s account %s is connected for everyone. %s", t.Cloud, l.Account, note)
	}
	return strings.TrimSpace(fmt.Sprintf("%s account %s is connected for you. %s", t.Cloud, l.Account, l.Note))
}

func titleOf(kept store.Connection) string {
	if kept.ID == "" {
		return "Waiting for an admin"
	}
	return "Connected"
}

// tell whispers to the person of a ticket. Nothing depends on it: the page says the same.
func (s *Server) tell(ctx context.Context, t bot.ConnectTicket, text string) {
	if homes := s.Homes[t.Person.Platform]; homes != nil {
		homes.HomeChanged(t.Person, "")
	}
	place := t.Place
	place.Whisper = t.Person.ID
	if teller := s.Tellers[place.Platform]; place.Channel == "" && teller != nil {
		if err := teller.Tell(ctx, place, bot.Message{Notice: text}); err != nil {
			s.Log.Info().Err(err).Msg("tell that a cloud was connected")
		}
		return
	}
	chat := s.Chats[place.Platform]
	if chat == nil {
		return
	}
	if err := chat.Whisper(ctx, place, bot.Message{Notice: text}, ""); err != nil {
		s.Log.Info().Err(err).Msg("tell that a cloud was connected")
	}
}
