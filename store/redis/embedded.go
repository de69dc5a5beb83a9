package redis

import (
	"crypto/rand"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// beat is how often time passes in the embedded server: no TTL is off by more.
const beat = 200 * time.Millisecond

// Embedded starts a Redis inside this process, on loopback with a random password. All it holds is lost with the
// process: after a restart waiting confirmations answer "expired, not run", modes are back at Ask, tickets and sign-ins
// must be asked for again, and thread memory starts empty.
func Embedded() (*DB, error) {
	server := miniredis.NewMiniRedis()
	password := rand.Text()
	server.RequireAuth(password)
	if err := server.StartAddr(net.JoinHostPort("127.0.0.1", "0")); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	opts := defaults()
	opts.Addrs, opts.Password = []string{server.Addr()}, password
	db := connect(opts)
	db.stop = passTime(server)
	return db, nil
}

// passTime makes TTLs elapse, which the embedded server does not do by itself, and gives what ends that and the server.
func passTime(server *miniredis.Miniredis) (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(beat)
		defer ticker.Stop()
		last := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				now := time.Now()
				server.FastForward(now.Sub(last))
				last = now
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(quit)
		<-done
		server.Close()
	})
}
