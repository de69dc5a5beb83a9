package slack

import (
	"sync"
	"time"
)

// gate counts who is inside and lets no more than most in. Once closed nobody else gets in, and one can wait until the
// last has left.
type gate struct {
	mu     sync.Mutex
	most   int
	inside int
	closed bool
	empty  chan struct{} // made by whoever waits, closed by the last to leave
}

// enter tells whether there was room; closed tells that there never will be.
func (g *gate) enter() (ok, closed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.inside >= g.most {
		return false, g.closed
	}
	g.inside++
	return true, false
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

// drain waits until nobody is inside, but no longer than patience.
func (g *gate) drain(patience time.Duration) {
	g.mu.Lock()
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-empty:
	case <-timer.C:
	}
}
