package web

import (
	"errors"
	"net/http"

	"aurora/providers"
	"aurora/store"
)

const (
	// linkGone is said of every link that does not work, whatever the reason.
	linkGone      = "This link does not work any more. It works once and for ten minutes: say `connect` to Aurora again for a new one."
	linkElsewhere = "This link was opened in another browser, and it works in one alone. Say `connect` to Aurora again for a new one, and open it here."
	noCookies     = "Open the link from the chat in this browser first and send the form from there. If you did, let the browser keep cookies of this site."
	notOurs       = "The form did not come from Aurora's own page as this browser was shown it, so nothing was changed. Open the link from the chat again."
	otherPerson   = "You are signed in to the chat as somebody else than the person this link was made for, so nothing was connected. Sign in as that person, or say `connect` to Aurora yourself."
)

// sorry answers what went wrong with a sentence; the log has the cause.
func (s *Server) sorry(w http.ResponseWriter, r *http.Request, err error) {
	status, title, text := explain(err)
	if status >= http.StatusInternalServerError {
		s.Log.Error().Err(err).Str("method", r.Method).Msg("connect page")
	}
	s.render(w, status, plainView(title, text))
}

// explain says an error to people: what happened and what to do.
func explain(err error) (status int, title, text string) {
	if problem, ok := errors.AsType[*providers.Problem](err); ok {
		return http.StatusUnprocessableEntity, "Nothing was connected", problem.Sentence
	}
	if trouble, ok := errors.AsType[*store.Trouble](err); ok {
		return http.StatusServiceUnavailable, "Not now", "Nothing was changed. " + trouble.Sentence()
	}
	if own, ok := errors.AsType[*apiError](err); ok {
		return own.status, "That cannot be done", own.sentence
	}
	switch {
	case errors.Is(err, errNobody):
		return http.StatusUnauthorized, "Sign in first", signInFirst
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, "Link not found", linkGone
	case errors.Is(err, errElsewhere):
		return http.StatusForbidden, "Another browser", linkElsewhere
	case errors.Is(err, errNoCookie):
		return http.StatusForbidden, "This browser did not open the link", noCookies
	case errors.Is(err, errForeign):
		return http.StatusForbidden, "Not from this page", notOurs
	case errors.Is(err, errOtherPerson):
		return http.StatusForbidden, "Another person", otherPerson
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable, "Not now", "Aurora cannot reach one of its stores, so nothing was changed. Please try again in a minute."
	}
	return http.StatusInternalServerError, "That did not work", "Something went wrong on Aurora's side and nothing was connected. Please ask for a new link and try again."
}

// broken answers what went wrong after the link was spent.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.Error().Err(err).Str("method", r.Method).Msg("connect page: a link was spent in vain")
	s.render(w, http.StatusServiceUnavailable, plainView("That did not work",
		"Aurora could not keep the connection, so nothing was connected, and this link is spent. Please say `connect` to Aurora again for a new one."))
}
