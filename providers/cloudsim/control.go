package cloudsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The control interface below /sim/ gives programs in other processes what the methods of Server give tests. Every answer
// is JSON; a refusal is {"error": "..."} with status 400 or 404.

const longestWait = time.Minute

// control answers one request of the control interface. A browser's page has no business here: it would send an Origin.
func (s *Server) control(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.Header.Get("Origin") != "" {
		http.Error(w, "the control interface is not for web pages", http.StatusForbidden)
		return
	}
	answer, err := s.command(r, body)
	status := http.StatusOK
	if err != nil {
		status, answer = http.StatusBadRequest, map[string]string{"error": err.Error()}
	}
	if errors.Is(err, errNoCommand) {
		status = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(mustJSON(answer), '\n')) // a caller that went away hears nothing
}

var errNoCommand = errors.New("there is no such command: see the package documentation of cloudsim")

func (s *Server) command(r *http.Request, body []byte) (any, error) {
	query := r.URL.Query()
	done := map[string]bool{"ok": true}
	switch r.Method + " " + r.URL.Path {
	case "GET /sim/endpoints":
		return map[string]any{"endpoints": s.Endpoints(), "env": s.Endpoints().Env()}, nil
	case "GET /sim/credentials":
		return s.Credentials(), nil
	case "GET /sim/journal":
		return s.controlJournal(query), nil
	case "GET /sim/executed":
		return map[string]int{"executed": s.Executed(query.Get("action"))}, nil
	case "GET /sim/wait":
		return s.controlWait(r.Context(), query)
	case "POST /sim/forget":
		s.Forget()
		return done, nil
	case "GET /sim/state":
		return s.World(), nil
	case "PUT /sim/state":
		var world World
		if err := strictJSON(body, &world); err != nil {
			return nil, fmt.Errorf("read the state: %w", err)
		}
		s.Change(func(w *World) { *w = world })
		return done, nil
	case "POST /sim/faults":
		fault, err := decodeFault(body)
		if err != nil {
			return nil, err
		}
		return done, s.Inject(*fault)
	case "DELETE /sim/faults":
		s.ClearFaults()
		return done, nil
	case "POST /sim/release":
		s.Release()
		return done, nil
	case "DELETE /sim/hook":
		s.SetHook(nil)
		return done, nil
	}
	return s.commandWithInput(r.Method+" "+r.URL.Path, body)
}

// controlInput is what the commands that change something take; each reads its own members.
type controlInput struct {
	Role       string          `json:"role"`
	ExternalID string          `json:"external_id"`
	Document   json.RawMessage `json:"document"`
	Client     string          `json:"client"`
	Consent    *Consent        `json:"consent"`
	Cloud      string          `json:"cloud"`
	ID         string          `json:"id"`
	Account    string          `json:"account"`
	User       string          `json:"user"`
	Email      string          `json:"email"`
	Scopes     []string        `json:"scopes"`
	Seconds    int             `json:"seconds"`
	Tailnet    string          `json:"tailnet"`
	URL        string          `json:"url"`
}

func (s *Server) commandWithInput(command string, body []byte) (any, error) {
	var in controlInput
	if err := strictJSON(body, &in); err != nil && len(body) > 0 {
		return nil, fmt.Errorf("read the command: %w", err)
	}
	done := map[string]bool{"ok": true}
	switch command {
	case "POST /sim/trust":
		if in.Document != nil {
			return done, s.SetTrustDocument(in.Role, in.Document)
		}
		return done, s.SetTrust(in.Role, in.ExternalID)
	case "POST /sim/consent":
		return done, s.SetConsent(in.Client, in.Consent)
	case "POST /sim/credentials/expire":
		n, err := s.Expire(in.Cloud, in.ID)
		return map[string]int{"ended": n}, err
	case "POST /sim/credentials/revoke":
		n, err := s.Revoke(in.Cloud, in.ID)
		return map[string]int{"ended": n}, err
	case "POST /sim/grants/revoke":
		return done, s.RevokeGrants(in.Client, in.Account)
	case "POST /sim/credentials/aws":
		return s.NewAWSKey(in.Account, in.User), nil
	case "POST /sim/credentials/gcp":
		return map[string]string{"access_token": s.GoogleToken(in.Email, time.Duration(in.Seconds)*time.Second, in.Scopes...)}, nil
	case "POST /sim/credentials/tailscale":
		return s.NewTailscaleClient(in.Tailnet, in.Scopes...), nil
	case "POST /sim/hook":
		return done, s.hookURL(in.URL)
	}
	return nil, errNoCommand
}

func (s *Server) controlJournal(query url.Values) []Entry {
	since, _ := strconv.Atoi(query.Get("since")) // what is not a number means from the start
	out := []Entry{}
	for _, e := range s.Journal() {
		if e.N > since && e.matches(query.Get("cloud"), query.Get("action")) {
			out = append(out, e)
		}
	}
	return out
}

// controlWait waits until action was carried out n times, or until one such request is held.
func (s *Server) controlWait(ctx context.Context, query url.Values) (any, error) {
	limit := longestWait
	if ms, err := strconv.Atoi(query.Get("timeout_ms")); err == nil {
		limit = min(limit, time.Duration(ms)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%s did not happen in %s", query.Get("action"), limit))
	defer cancel()
	action := query.Get("action")
	if query.Has("held") {
		return s.WaitHeld(ctx, action)
	}
	n, err := strconv.Atoi(query.Get("n"))
	if err != nil {
		n = 1
	}
	return map[string]int{"executed": n}, s.WaitExecuted(ctx, action, n)
}

// hookURL has every request told to an address on loopback, at both stages; its answer may be a fault.
func (s *Server) hookURL(address string) error {
	target, err := url.Parse(address)
	if err != nil || target.Scheme != "http" || !loopbackHost(target.Host) {
		return fmt.Errorf("a hook is an http address on loopback, not %q", address)
	}
	s.SetHook(func(ctx context.Context, stage Stage, e Entry) *Fault {
		fault, err := askHook(ctx, target.String(), stage, e)
		if err != nil {
			return &Fault{Kind: FaultStatus, Message: "the hook does not answer: " + err.Error()}
		}
		return fault
	})
	return nil
}

func askHook(ctx context.Context, address string, stage Stage, e Entry) (*Fault, error) {
	body := mustJSON(map[string]any{"stage": stage, "entry": e})
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || len(bytes.TrimSpace(answer)) == 0 {
		return nil, err
	}
	return decodeFault(answer)
}
