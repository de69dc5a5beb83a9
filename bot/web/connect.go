package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"aurora/bot"
	"aurora/providers"
	"aurora/store"
)

// linkGone is said of every link that does not work, whatever the reason.
const linkGone = "This link does not work any more. It works once and for ten minutes: say `connect` to Aurora again for a new one."

// show shows the page of a link. It does not spend the link: previews and reloads must not.
func (s *Server) show(w http.ResponseWriter, r *http.Request) {
	t, linker, err := s.ticket(r.Context(), r.PathValue("ticket"))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	s.render(w, http.StatusOK, formView(t, linker.Page(t), nil, ""))
}

func (s *Server) ticket(ctx context.Context, id string) (bot.ConnectTicket, Linker, error) {
	raw, err := s.Tickets.Ticket(ctx, id)
	if err != nil {
		return bot.ConnectTicket{}, nil, fmt.Errorf("look up a link: %w", err)
	}
	var t bot.ConnectTicket
	if err := json.Unmarshal(raw, &t); err != nil || t.Purpose != "connect" || s.Linkers[t.Cloud] == nil {
		return bot.ConnectTicket{}, nil, fmt.Errorf("look up a link: it is not one for connecting: %w", store.ErrNotFound)
	}
	return t, s.Linkers[t.Cloud], nil
}

// link checks what was typed with the cloud, spends the link, and stores the credential before the row that points to
// it. A link is spent only by success: a typing error costs no walk back to the chat.
func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	t, linker, err := s.ticket(r.Context(), r.PathValue("ticket"))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.render(w, http.StatusBadRequest, formView(t, linker.Page(t), nil, "That was too much to read. Please fill in the fields only."))
		return
	}
	linked, err := linker.Link(r.Context(), t, r.PostForm)
	var problem *providers.Problem
	if errors.As(err, &problem) {
		s.render(w, http.StatusUnprocessableEntity, formView(t, linker.Page(t), r.PostForm, problem.Sentence))
		return
	}
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if _, err := s.Tickets.TakeTicket(r.Context(), r.PathValue("ticket")); err != nil {
		s.sorry(w, r, fmt.Errorf("spend the link: %w", err))
		return
	}
	if err := s.keep(r.Context(), t, linked); err != nil {
		s.sorry(w, r, err)
		return
	}
	s.tell(r.Context(), t, linked)
	s.render(w, http.StatusOK, doneView(t, linked))
}

// keep stores credential and connection. The same account again replaces its credential; a further account of the same
// cloud gets a path of its own.
func (s *Server) keep(ctx context.Context, t bot.ConnectTicket, l Linked) error {
	conns, err := s.Connections.Connections(ctx, t.OrgID, t.UserID)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	path := pathFor(t, l, conns)
	_, version, err := s.Keeper.Get(ctx, path)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read the %s credential: %w", t.Cloud, err)
	}
	if _, err := s.Keeper.Put(ctx, path, l.Credential, version); err != nil {
		return fmt.Errorf("keep the %s credential: %w", t.Cloud, err)
	}
	_, err = s.Connections.Connect(ctx, store.Connection{
		OrgID: t.OrgID, UserID: t.UserID, Cloud: t.Cloud, Account: l.Account, Region: l.Region, Projects: l.Projects,
		Settings: l.Settings, ReadOnly: l.ReadOnly, Token: "vault:" + path, Status: store.ConnectionActive,
	}, t.Person)
	if err != nil {
		return fmt.Errorf("keep the %s connection: %w", t.Cloud, err)
	}
	return nil
}

func pathFor(t bot.ConnectTicket, l Linked, conns []store.Connection) string {
	first := true
	for _, c := range conns {
		if c.Cloud != t.Cloud || c.UserID != t.UserID {
			continue
		}
		if c.Account == l.Account {
			return c.Token[len("vault:"):]
		}
		first = false
	}
	return store.CredentialPath(t.OrgID, t.UserID, t.Cloud, l.Account, first)
}

// tell whispers that the connection stands. Nothing depends on it: the page says the same.
func (s *Server) tell(ctx context.Context, t bot.ConnectTicket, l Linked) {
	chat := s.Chats[t.Place.Platform]
	if chat == nil {
		return
	}
	place := t.Place
	place.Whisper = t.Person.ID
	m := bot.Message{Notice: fmt.Sprintf("%s account %s is connected for you. You are in Ask mode until you say otherwise: I only read.", t.Cloud, l.Account)}
	if err := chat.Whisper(ctx, place, m, ""); err != nil {
		s.Log.Info().Err(err).Msg("tell that a cloud was connected")
	}
}

// sorry answers what went wrong with a sentence; the log has the cause.
func (s *Server) sorry(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrNotFound) {
		s.render(w, http.StatusNotFound, plainView("Link not found", linkGone))
		return
	}
	s.Log.Error().Err(err).Str("method", r.Method).Msg("connect page")
	if errors.Is(err, store.ErrUnavailable) {
		s.render(w, http.StatusServiceUnavailable, plainView("Not now", "Aurora cannot reach one of its stores, so nothing was changed. Please try again in a minute."))
		return
	}
	s.render(w, http.StatusInternalServerError, plainView("That did not work", "Something went wrong on Aurora's side and nothing was connected. Please ask for a new link and try again."))
}
