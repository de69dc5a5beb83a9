package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"aurora/providers"
)

const (
	// organisationTime is how long a cloud may be asked about an organisation's accounts: each several times, a few at once.
	organisationTime = 5 * time.Minute
	// settleTime is what is left to keep the connection and to answer.
	settleTime = time.Minute
)

// check has a cloud look at what was typed. An organisation of thousands of accounts takes longer than the server lets a
// request take, whose answer would be cut off while the connection is made.
func (s *Server) check(w http.ResponseWriter, r *http.Request, p pass, linker Linker) (Linked, error) {
	if !p.Shared {
		return linker.Link(r.Context(), p.ConnectTicket, r.PostForm)
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(organisationTime + settleTime)); err != nil {
		s.Log.Warn().Err(err).Msg("give a request the time that an organisation takes")
	}
	ctx, cancel := context.WithTimeout(r.Context(), organisationTime)
	defer cancel()
	linked, err := linker.Link(ctx, p.ConnectTicket, r.PostForm)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Linked{}, &providers.Problem{Code: providers.CodeTimeout, Err: err, Sentence: fmt.Sprintf("%s did not answer for all accounts within %.0f minutes, so nothing was connected. "+
			"Name fewer of them, or try again when it answers faster.", p.Cloud, organisationTime.Minutes())}
	}
	return linked, err
}
