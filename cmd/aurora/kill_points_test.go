package main

import (
	"fmt"
	"sync"
	"time"
)

// killPoints numbers the moments at which a replica touches the world outside: a commit, a call to Slack, the model or a
// cloud, each before it goes out and after it took effect. Without a target it only lists them; with one it kills the
// replica that reaches that moment, before anything else passes through its proxies.
type killPoints struct {
	mu     sync.Mutex
	armed  bool
	target string
	seen   []string
	counts map[string]int
	hit    time.Time // when the kill happened
	victim *replica
}

func newKillPoints(target string) *killPoints {
	return &killPoints{target: target, counts: map[string]int{}}
}

// arm lets moments count from now on: what came before was the start.
func (k *killPoints) arm() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed = true
}

// reach tells whether the replica may go on. It returns after the replica is gone when it may not.
func (k *killPoints) reach(r *replica, label string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.dead() {
		return false
	}
	if !k.armed {
		return true
	}
	k.counts[label]++
	name := fmt.Sprintf("%s #%d", label, k.counts[label])
	k.seen = append(k.seen, name)
	if name != k.target || !k.hit.IsZero() {
		return true
	}
	r.kill()
	k.hit, k.victim = time.Now(), r
	return false
}

// list gives the moments reached so far, in order.
func (k *killPoints) list() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]string(nil), k.seen...)
}

// struck gives when the kill happened; false while it has not.
func (k *killPoints) struck() (time.Time, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.hit, !k.hit.IsZero()
}
