package cloudsim

import (
	"context"
	"path"
	"time"
)

// Entry is one request, as it came and as it was answered. It never holds a credential.
type Entry struct {
	N         int       `json:"n"`                 // from 1, in order of arrival
	Cloud     string    `json:"cloud"`             // aws, gcp, tailscale, scaleway, ovh, azure
	Action    string    `json:"action"`            // ec2:StopInstances, compute.instances.stop, devices.delete, ...
	Method    string    `json:"method"`            // of HTTP
	Path      string    `json:"path"`              // without the query
	Account   string    `json:"account,omitempty"` // AWS account, GCP project, tailnet, ...
	Region    string    `json:"region,omitempty"`  // region or zone
	Principal string    `json:"principal"`         // ARN, e-mail, client id; empty when nobody was recognised
	Source    string    `json:"source_identity,omitempty"`
	Resources []string  `json:"resources,omitempty"` // what it was asked to be done to
	UserAgent string    `json:"user_agent"`
	DryRun    bool      `json:"dry_run,omitempty"`
	Started   time.Time `json:"started"`
	Ended     time.Time `json:"ended,omitzero"` // zero while it is being handled
	Held      string    `json:"held,omitempty"` // "before" or "after" while a fault holds it
	Done      bool      `json:"done"`           // what was asked was carried out, whatever the caller heard of it
	Status    int       `json:"status"`         // 0 when the connection was cut
	Code      string    `json:"code,omitempty"` // the cloud's error code
	Fault     FaultKind `json:"fault,omitempty"`
}

func (e Entry) matches(cloud, action string) bool {
	if cloud != "" && cloud != e.Cloud {
		return false
	}
	if action == "" || action == e.Action {
		return true
	}
	ok, err := path.Match(action, e.Action)
	return err == nil && ok
}

// Journal gives every request so far, oldest first.
func (s *Server) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Entry, len(s.journal))
	for i, e := range s.journal {
		out[i] = *e
	}
	return out
}

// Requests gives the requests whose action matches, as path.Match understands the pattern ("ec2:*").
func (s *Server) Requests(action string) []Entry {
	var out []Entry
	for _, e := range s.Journal() {
		if e.matches("", action) {
			out = append(out, e)
		}
	}
	return out
}

// Executed counts the requests of this action (or pattern) that were carried out, answered or not. A dry run, a refusal
// and a request that was cut before its effect do not count.
func (s *Server) Executed(action string) int {
	n := 0
	for _, e := range s.Requests(action) {
		if e.Done && !e.DryRun {
			n++
		}
	}
	return n
}

// Forget empties the journal; the numbers go on.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = nil
}

// Wait blocks until condition holds or ctx ends. The condition is asked again after every request and every change,
// outside the server's lock, so it may call any method of the server.
func (s *Server) Wait(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// WaitExecuted blocks until the action was carried out n times.
func (s *Server) WaitExecuted(ctx context.Context, action string, n int) error {
	return s.Wait(ctx, func() bool { return s.Executed(action) >= n })
}

// WaitHeld blocks until a fault holds a request of this action, and returns that request.
func (s *Server) WaitHeld(ctx context.Context, action string) (Entry, error) {
	var found Entry
	err := s.Wait(ctx, func() bool {
		for _, e := range s.Requests(action) {
			if e.Held != "" {
				found = e
				return true
			}
		}
		return false
	})
	return found, err
}
