package slacksim

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// FaultKind is what goes wrong with a Web API call.
type FaultKind string

const (
	// FaultRateLimit answers 429 with Retry-After and does nothing.
	FaultRateLimit FaultKind = "429"
	// FaultStatus answers 500 (or Status) without a JSON body and does nothing.
	FaultStatus FaultKind = "500"
	// FaultError answers {"ok":false,"error":Error} and does nothing.
	FaultError FaultKind = "error"
	// FaultCutBefore closes the connection before anything was done.
	FaultCutBefore FaultKind = "cut_before"
	// FaultCutAfter does what was asked and closes the connection instead of answering.
	FaultCutAfter FaultKind = "cut_after"
	// FaultDelay waits Delay, then goes on.
	FaultDelay FaultKind = "delay"
	// FaultHoldBefore waits for [Server.Release] before anything is done.
	FaultHoldBefore FaultKind = "hold_before"
	// FaultHoldAfter does what was asked and waits for [Server.Release] before it answers.
	FaultHoldAfter FaultKind = "hold_after"
)

// faultKinds are those that exist, so that a misspelt one is refused and not silently harmless.
func faultKinds() []FaultKind {
	return []FaultKind{FaultRateLimit, FaultStatus, FaultError, FaultCutBefore, FaultCutAfter, FaultDelay, FaultHoldBefore, FaultHoldAfter}
}

// Fault is something that goes wrong with the next calls of a method. Durations are nanoseconds in JSON.
type Fault struct {
	Method     string        `json:"method"` // empty: any Web API method; "response_url" and "upload" are the other doors
	Kind       FaultKind     `json:"kind"`
	Skip       int           `json:"skip"`        // calls that go well first
	Times      int           `json:"times"`       // how many calls it hits; 0 means 1, -1 every one
	RetryAfter time.Duration `json:"retry_after"` // for 429, in whole seconds; 0 means 1 s
	Delay      time.Duration `json:"delay"`
	Status     int           `json:"status"`
	Error      string        `json:"error"`
}

// fault is an injected fault with what is left of it.
type fault struct {
	Fault
	id      int
	holding int           // calls it holds now
	release chan struct{} // closed by Release
}

// Inject makes the next calls of a method go wrong and returns the fault's number. It panics on a kind that does
// not exist, as a test with a misspelt fault would prove nothing.
func (s *Server) Inject(f Fault) int {
	if !slices.Contains(faultKinds(), f.Kind) {
		panic("slacksim: there is no fault " + string(f.Kind))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faultCount++
	s.faults = append(s.faults, &fault{Fault: f, id: s.faultCount, release: make(chan struct{})})
	return s.faultCount
}

// WaitHeld blocks until a call is held by that fault.
func (s *Server) WaitHeld(ctx context.Context, id int) error {
	return s.Wait(ctx, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return slices.ContainsFunc(s.faults, func(f *fault) bool { return f.id == id && f.holding > 0 })
	})
}

// Release lets the calls held by a fault go on and removes the fault.
func (s *Server) Release(id int) { s.drop(func(f *fault) bool { return f.id == id }) }

// ClearFaults removes every fault and lets held calls go on.
func (s *Server) ClearFaults() { s.drop(func(*fault) bool { return true }) }

func (s *Server) drop(which func(*fault) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if which(f) {
			close(f.release)
		}
	}
	s.faults = slices.DeleteFunc(s.faults, which)
	s.touch()
}

// takeFault finds the fault that hits this call, if any, and uses it up by one.
func (s *Server) takeFault(method string, c *Call) *fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times == 0 || f.Method != method && (f.Method != "" || method == "response_url" || method == "upload") {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		c.Fault = string(f.Kind)
		return f
	}
	return nil
}

// failBefore does what a fault does before the call is handled, and tells whether that was the end of it.
func (s *Server) failBefore(w http.ResponseWriter, r *http.Request, c *Call, f *fault) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultRateLimit:
		wait := cmp.Or(f.RetryAfter, time.Second)
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		s.end(w, c, http.StatusTooManyRequests, refuse("ratelimited").body())
		return true
	case FaultStatus:
		status := cmp.Or(f.Status, http.StatusInternalServerError)
		s.finish(c, status, nil)
		http.Error(w, http.StatusText(status), status)
		return true
	case FaultError:
		s.end(w, c, http.StatusOK, refuse(f.Error).body())
		return true
	case FaultCutBefore:
		s.finish(c, 0, nil)
		cut(w)
		return true
	case FaultDelay:
		return s.sleep(r, c, f.Delay)
	case FaultHoldBefore:
		s.hold(f)
	}
	return false
}

func (s *Server) end(w http.ResponseWriter, c *Call, status int, body object) {
	s.finish(c, status, body)
	writeJSON(w, status, body)
}

// failAfter does what a fault does once the call took effect, and tells whether no answer is to follow.
func (s *Server) failAfter(w http.ResponseWriter, c *Call, f *fault, body object) bool {
	if f == nil {
		return false
	}
	switch f.Kind {
	case FaultCutAfter:
		s.finish(c, 0, body)
		cut(w)
		return true
	case FaultHoldAfter:
		s.hold(f)
	}
	return false
}

// sleep waits, or gives up when the caller goes away or the server closes: then the call never was.
func (s *Server) sleep(r *http.Request, c *Call, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return false
	case <-r.Context().Done():
	case <-s.closing:
	}
	s.finish(c, 0, nil)
	return true
}

// hold waits for the fault to be released. The caller going away does not end it: what a call does is decided by
// whoever released it.
func (s *Server) hold(f *fault) {
	s.mu.Lock()
	f.holding++
	s.touch()
	s.mu.Unlock()
	select {
	case <-f.release:
	case <-s.closing:
	}
}

// cut closes the connection under a request.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(errors.Join(http.ErrAbortHandler, err))
	}
	_ = conn.Close()
}
