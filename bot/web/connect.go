package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

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
	s.render(w, http.StatusOK, formView(t, linker.Page(r.Context(), t), nil, ""))
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

// link checks what was typed with the cloud, looks where it goes, spends the link, and stores the credential before the
// row that points to it. Neither a typing error nor a store that is away spends the link: nobody has to walk back to the
// chat for that. Of two that come at once one spends it, the other finds it gone.
func (s *Server) link(w http.ResponseWriter, r *http.Request) {
	t, linker, err := s.ticket(r.Context(), r.PathValue("ticket"))
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if err := r.ParseForm(); err != nil {
		s.render(w, http.StatusBadRequest, formView(t, linker.Page(r.Context(), t), nil, "That was too much to read. Please fill in the fields only."))
		return
	}
	linked, err := linker.Link(r.Context(), t, r.PostForm)
	var problem *providers.Problem
	if errors.As(err, &problem) {
		s.render(w, http.StatusUnprocessableEntity, formView(t, linker.Page(r.Context(), t), r.PostForm, problem.Sentence))
		return
	}
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	place, err := s.placeFor(r.Context(), t, linked)
	if err != nil {
		s.sorry(w, r, err)
		return
	}
	if _, err := s.Tickets.TakeTicket(r.Context(), r.PathValue("ticket")); err != nil {
		s.sorry(w, r, fmt.Errorf("spend the link: %w", err))
		return
	}
	if err := s.keep(r.Context(), t, linked, place); err != nil {
		s.broken(w, r, err)
		return
	}
	s.tell(r.Context(), t, linked)
	s.render(w, http.StatusOK, doneView(t, linked))
}

// slot is where a credential goes, and which version of it is to be replaced.
type slot struct {
	path    string
	version int64
}

// placeFor finds the place of a credential. The same account again replaces its credential; a further account of the
// same cloud gets a path of its own, and so does one whose path holds a credential that no connection of this account
// points to.
func (s *Server) placeFor(ctx context.Context, t bot.ConnectTicket, l Linked) (slot, error) {
	conns, err := s.Connections.Connections(ctx, t.OrgID, t.UserID)
	if err != nil {
		return slot{}, fmt.Errorf("list connections: %w", err)
	}
	path, known := pathFor(t, l, conns)
	further := store.CredentialPath(t.OrgID, t.UserID, t.Cloud, l.Account, false)
	version, err := s.version(ctx, t, path)
	if err == nil && version > 0 && !known && path != further {
		path = further
		version, err = s.version(ctx, t, path)
	}
	return slot{path, version}, err
}

// version is that of the credential at path, 0 when there is none.
func (s *Server) version(ctx context.Context, t bot.ConnectTicket, path string) (int64, error) {
	_, version, err := s.Keeper.Get(ctx, path)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return 0, fmt.Errorf("read the %s credential: %w", t.Cloud, err)
	}
	return version, nil
}

// keep stores credential and connection.
func (s *Server) keep(ctx context.Context, t bot.ConnectTicket, l Linked, at slot) error {
	if _, err := s.Keeper.Put(ctx, at.path, l.Credential, at.version); err != nil {
		return fmt.Errorf("keep the %s credential: %w", t.Cloud, err)
	}
	_, err := s.Connections.Connect(ctx, store.Connection{
		OrgID: t.OrgID, UserID: t.UserID, Cloud: t.Cloud, Account: l.Account, Region: l.Region, Projects: l.Projects,
		Settings: l.Settings, ReadOnly: l.ReadOnly, Token: "vault:" + at.path, Status: store.ConnectionActive,
	}, t.Person)
	if err == nil {
		return nil
	}
	if at.version == 0 { // nobody would ever find the credential again
		err = errors.Join(err, s.Keeper.Delete(context.WithoutCancel(ctx), at.path))
	}
	return fmt.Errorf("keep the %s connection: %w", t.Cloud, err)
}

// pathFor is the path of the account's credential; known tells whether a connection points there.
func pathFor(t bot.ConnectTicket, l Linked, conns []store.Connection) (path string, known bool) {
	first := true
	for _, c := range conns {
		if c.Cloud != t.Cloud || c.UserID != t.UserID {
			continue
		}
		if c.Account == l.Account {
			return c.Token[len("vault:"):], true
		}
		first = false
	}
	return store.CredentialPath(t.OrgID, t.UserID, t.Cloud, l.Account, first), false
}

// tell whispers that the connection stands. Nothing depends on it: the page says the same.
func (s *Server) tell(ctx context.Context, t bot.ConnectTicket, l Linked) {
	if homes := s.Homes[t.Person.Platform]; homes != nil {
		homes.HomeChanged(t.Person, "")
	}
	chat := s.Chats[t.Place.Platform]
	if chat == nil {
		return
	}
	place := t.Place
	place.Whisper = t.Person.ID
	m := bot.Message{Notice: strings.TrimSpace(fmt.Sprintf(
		"%s account %s is connected for you. You are in Ask mode until you say otherwise: I only read. %s", t.Cloud, l.Account, l.Note))}
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
	if trouble, ok := errors.AsType[*store.Trouble](err); ok {
		s.render(w, http.StatusServiceUnavailable, plainView("Not now", "Nothing was changed. "+trouble.Sentence()))
		return
	}
	if errors.Is(err, store.ErrUnavailable) {
		s.render(w, http.StatusServiceUnavailable, plainView("Not now", "Aurora cannot reach one of its stores, so nothing was changed. Please try again in a minute."))
		return
	}
	s.render(w, http.StatusInternalServerError, plainView("That did not work", "Something went wrong on Aurora's side and nothing was connected. Please ask for a new link and try again."))
}

// broken answers what went wrong after the link was spent.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.Error().Err(err).Str("method", r.Method).Msg("connect page: a link was spent in vain")
	s.render(w, http.StatusServiceUnavailable, plainView("That did not work",
		"Aurora could not keep the connection, so nothing was connected, and this link is spent. Please say `connect` to Aurora again for a new one."))
}
