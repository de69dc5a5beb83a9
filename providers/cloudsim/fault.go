package cloudsim

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

// The faults. "Before" ones leave the world as it was; "after" ones have done what was asked.
const (
	FaultStatus     FaultKind = "status"      // refuse with Status and Code, in the cloud's own shape, and do nothing
	FaultDelay      FaultKind = "delay"       // wait Delay, then go on
	FaultCutBefore  FaultKind = "cut_before"  // close the connection before anything was done
	FaultCutAfter   FaultKind = "cut_after"   // do what was asked and close the connection instead of answering
	FaultHoldBefore FaultKind = "hold_before" // wait for Release before anything is done
	FaultHoldAfter  FaultKind = "hold_after"  // do what was asked, wait for Release before answering
)

// Fault is something that goes wrong with the next requests that match.
type Fault struct {
	Cloud   string    `json:"cloud,omitempty"`  // empty: any
	Action  string    `json:"action,omitempty"` // name or path.Match pattern; empty: any
	Kind    FaultKind `json:"kind"`
	Skip    int       `json:"skip,omitempty"`     // requests that go well first
	Times   int       `json:"times,omitempty"`    // how many it hits; 0 means 1, -1 every one
	DelayMS int       `json:"delay_ms,omitempty"` // for delay
	Status  int       `json:"status,omitempty"`   // for status; 0 means 503
	Code    string    `json:"code,omitempty"`     // for status; empty means ServiceUnavailable or what the cloud calls it
	Message string    `json:"message,omitempty"`  // for status
}

// Stage tells a hook which side of the effect a request is on.
type Stage string

// The two moments a hook is called at.
const (
	Before Stage = "before" // recognised, nothing done yet
	After  Stage = "after"  // carried out or refused, not yet answered
)

// Hook is called for every request at both stages, outside the server's lock. A fault it returns hits that request:
// kinds that belong to the other stage are ignored. The context ends when the server closes.
type Hook func(ctx context.Context, stage Stage, e Entry) *Fault

func (k FaultKind) stage() Stage {
	if k == FaultCutAfter || k == FaultHoldAfter {
		return After
	}
	return Before
}

func (f Fault) check() error {
	switch f.Kind {
	case FaultStatus, FaultDelay, FaultCutBefore, FaultCutAfter, FaultHoldBefore, FaultHoldAfter:
		return nil
	}
	return fmt.Errorf("unknown kind of fault %q: use status, delay, cut_before, cut_after, hold_before or hold_after", f.Kind)
}

// Inject adds a fault. The first fault that matches a request hits it.
func (s *Server) Inject(f Fault) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults takes back all faults that have not hit yet and releases what is held.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	s.faults = nil
	s.mu.Unlock()
	s.Release()
}

// Release lets every request go on that a fault holds.
func (s *Server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}

// SetHook has hook called for every request; nil takes it away.
func (s *Server) SetHook(hook Hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// takeFault finds the fault that hits this entry at this stage. The caller holds the lock.
func (s *Server) takeFault(stage Stage, e *Entry) *Fault {
	for i, f := range s.faults {
		if f.Kind.stage() != stage || !e.matches(f.Cloud, f.Action) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		hit := *f
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return &hit
	}
	return nil
}

// strike finds what goes wrong at this stage and waits as long as it says; nil means nothing more is to be done about it.
func (s *Server) strike(ctx context.Context, stage Stage, e *Entry) *Fault {
	s.mu.Lock()
	fault, hook, release := s.takeFault(stage, e), s.hook, s.release
	copied := *e
	s.mu.Unlock()
	if fault == nil && hook != nil {
		fault = hook(ctx, stage, copied)
		if fault != nil && (fault.check() != nil || fault.Kind.stage() != stage) {
			fault = nil
		}
	}
	if fault == nil {
		return nil
	}
	s.update(func() { e.Fault = fault.Kind })
	switch fault.Kind {
	case FaultDelay:
		pause(ctx, time.Duration(fault.DelayMS)*time.Millisecond)
	case FaultHoldBefore, FaultHoldAfter:
		s.update(func() { e.Held = string(stage) })
		select {
		case <-release:
		case <-ctx.Done():
		}
		s.update(func() { e.Held = "" })
	}
	return fault
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func decodeFault(raw []byte) (*Fault, error) {
	var f Fault
	if err := json.Unmarshal(raw, &f); err != nil {
		return nil, err
	}
	return &f, f.check()
}
