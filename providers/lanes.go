package providers

import (
	"context"
	"fmt"
	"slices"
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

// lane is in the map as long as somebody is in it. A place that becomes free passes to who waits in front, then to who
// waits longest.
type lane struct {
	free        int
	front, back []chan struct{} // closed for whom the place passes to
}

// enter waits for a place in the lane, before everybody who is not in front. leave must be called once, when err is nil.
func (l *lanes) enter(ctx context.Context, name string, front bool) (leave func(), err error) {
	leave = func() { l.leave(name) }
	turn := l.join(name, front)
	if turn == nil {
		return leave, nil
	}
	select {
	case <-turn:
		return leave, nil
	case <-ctx.Done():
		if !l.quit(name, turn) {
			leave() // the place had passed to us at that moment
		}
		return nil, fmt.Errorf("wait for other calls to the same account: %w", context.Cause(ctx))
	}
}

// join takes a place, and gives nil, or waits for one.
func (l *lanes) join(name string, front bool) (turn chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]*lane{}
	}
	at := l.open[name]
	if at == nil {
		at = &lane{free: perLane}
		l.open[name] = at
	}
	if at.free > 0 {
		at.free--
		return nil
	}
	turn = make(chan struct{})
	if front {
		at.front = append(at.front, turn)
	} else {
		at.back = append(at.back, turn)
	}
	return turn
}

// quit stops waiting; false when the place has passed to who waited.
func (l *lanes) quit(name string, turn chan struct{}) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.open[name]
	for _, queue := range []*[]chan struct{}{&at.front, &at.back} {
		if i := slices.Index(*queue, turn); i >= 0 {
			*queue = slices.Delete(*queue, i, i+1)
			return true
		}
	}
	return false
}

func (l *lanes) leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.open[name]
	for _, queue := range []*[]chan struct{}{&at.front, &at.back} {
		if len(*queue) > 0 {
			close((*queue)[0])
			*queue = (*queue)[1:]
			return
		}
	}
	if at.free++; at.free == perLane {
		delete(l.open, name)
	}
}

// lane names what a job's calls are counted by.
func (j job) lane() string {
	r := j.route()
	return fmt.Sprintf("%s %q %s", r.Cloud, r.Account, r.Service)
}

// enter waits for a place beside the other calls to the same account and service, and then for room among the CLIs that
// run on this machine, each of which takes the memory of a whole Python. What a person clicked for goes before all that
// nobody clicked for and takes room only where there is some, and what needs no process takes none.
func (e *Executor) enter(ctx context.Context, j job) (leave func(), err error) {
	if e.lanes == nil {
		return func() {}, nil
	}
	clicked := j.confirmation != ""
	part, err := e.lanes.enter(ctx, j.lane(), clicked)
	if err != nil || e.Direct[j.target.Connection.Cloud] != nil {
		return part, err
	}
	both := func() { <-e.room; part() }
	if clicked {
		select {
		case e.room <- struct{}{}:
			return both, nil
		default:
			return part, nil
		}
	}
	select {
	case e.room <- struct{}{}:
		return both, nil
	case <-ctx.Done():
		part()
		return nil, fmt.Errorf("wait for room: %w", context.Cause(ctx))
	}
}
