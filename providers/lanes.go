package providers

import (
	"context"
	"fmt"
	"sync"
)

// perLane is how many calls one account's service gets from this process at once: clouds throttle by account and service,
// and people's own tools share that allowance. Every replica has its own lanes.
const perLane = 2

// lanes let few calls of a kind through at once.
type lanes struct {
	mu   sync.Mutex
	open map[string]*lane
}

// lane is in the map as long as somebody is in it or waits for it.
type lane struct {
	room  chan struct{}
	users int
}

// enter waits for a place in the lane. leave must be called once, when err is nil.
func (l *lanes) enter(ctx context.Context, name string) (leave func(), err error) {
	at := l.join(name)
	select {
	case at.room <- struct{}{}:
		return func() { <-at.room; l.part(name, at) }, nil
	case <-ctx.Done():
		l.part(name, at)
		return nil, fmt.Errorf("wait for other calls to the same account: %w", context.Cause(ctx))
	}
}

func (l *lanes) join(name string) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]*lane{}
	}
	at := l.open[name]
	if at == nil {
		at = &lane{room: make(chan struct{}, perLane)}
		l.open[name] = at
	}
	at.users++
	return at
}

func (l *lanes) part(name string, at *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(l.open, name)
	}
}

// lane names what a job's calls are counted by.
func (j job) lane() string {
	r := j.route()
	return fmt.Sprintf("%s %q %s", r.Cloud, r.Account, r.Service)
}

// enter waits for a place beside the other calls to the same account and service, and then for room among the CLIs that
// run on this machine, each of which takes the memory of a whole Python. What a person clicked for does not wait, and
// what needs no process takes no room.
func (e *Executor) enter(ctx context.Context, j job) (leave func(), err error) {
	if e.lanes == nil || j.confirmation != "" {
		return func() {}, nil
	}
	part, err := e.lanes.enter(ctx, j.lane())
	if err != nil || e.Direct[j.target.Connection.Cloud] != nil {
		return part, err
	}
	select {
	case e.room <- struct{}{}:
		return func() { <-e.room; part() }, nil
	case <-ctx.Done():
		part()
		return nil, fmt.Errorf("wait for room: %w", context.Cause(ctx))
	}
}
