package slacksim

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets  = 10               // per app
	ticketLife  = 30 * time.Second // a Socket Mode address not used by then is void
	shortLife   = 360 * time.Second
	defaultLife = 18060 // seconds Slack says a connection will last
)

// socket is one Socket Mode connection.
type socket struct {
	n        int
	conn     *websocket.Conn
	since    time.Time
	ready    bool // hello is on its way
	draining bool // told to disconnect
	frozen   bool
	queue    [][]byte // frames to send, under the server's lock
	wake     chan struct{}
	done     chan struct{} // closed by end
	once     sync.Once
}

// Socket is one open connection.
type Socket struct {
	N     int       `json:"n"`
	Since time.Time `json:"since"`
}

// Sockets lists the connections that had their hello and were not told to leave.
func (s *Server) Sockets() []Socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Socket{}
	for _, k := range s.sockets {
		if k.ready && !k.draining {
			out = append(out, Socket{N: k.n, Since: k.since})
		}
	}
	return out
}

// serveLink opens a Socket Mode connection for a ticket, which works once.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	if !s.takeTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "unknown or used ticket", http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	k := s.join(conn, r.URL.Query().Get("debug_reconnects") == "true")
	if k == nil {
		return
	}
	go s.write(k)
	s.read(k)
}

func (s *Server) takeTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok && time.Now().Before(end)
}

// join registers a connection and greets it, or tells it why not.
func (s *Server) join(conn *websocket.Conn, short bool) *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	reason := ""
	switch {
	case s.closed:
		_ = conn.Close()
		return nil
	case s.linkOff:
		reason = "link_disabled"
	case len(s.sockets) >= maxSockets:
		reason = "too_many_websockets"
	}
	if reason != "" {
		_ = conn.WriteMessage(websocket.TextMessage, disconnectFrame(reason))
		_ = conn.Close()
		return nil
	}
	s.socketNo++
	k := &socket{n: s.socketNo, conn: conn, since: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.sockets = append(s.sockets, k)
	life := defaultLife
	if short {
		life = int(shortLife.Seconds())
		s.after(shortLife, func() { s.dismiss(k, "refresh_requested", 0) })
	}
	k.push(compact(object{"type": "hello", "num_connections": len(s.sockets), "connection_info": object{"app_id": s.config.AppID},
		"debug_info": object{"host": "slacksim", "build_number": 1, "approximate_connection_time": life}}))
	k.ready = true
	s.touch()
	return k
}

func disconnectFrame(reason string) []byte {
	return compact(object{"type": "disconnect", "reason": reason, "debug_info": object{"host": "slacksim"}})
}

// push queues a frame. The server's lock is held.
func (k *socket) push(frame []byte) {
	k.queue = append(k.queue, frame)
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// pick is the socket whose turn it is: never two for one envelope. One told to leave is used only when there is
// no other.
func (s *Server) pick() *socket {
	for _, leaving := range []bool{false, true} {
		ready := slices.DeleteFunc(slices.Clone(s.sockets), func(k *socket) bool { return k.draining != leaving })
		if len(ready) > 0 {
			s.turn++
			return ready[s.turn%len(ready)]
		}
	}
	return nil
}

// write sends what is queued, and pings.
func (s *Server) write(k *socket) {
	ticker := time.NewTicker(s.config.PingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-k.done:
			return
		case <-ticker.C:
			if s.silent(k) {
				continue
			}
			_ = k.conn.WriteControl(websocket.PingMessage, []byte("Ping from slacksim"), time.Now().Add(time.Second))
		case <-k.wake:
			if !s.flush(k) {
				return
			}
		}
	}
}

// flush writes the queued frames and tells whether the connection still works.
func (s *Server) flush(k *socket) bool {
	s.mu.Lock()
	frames := k.queue
	k.queue = nil
	frozen := k.frozen
	s.mu.Unlock()
	if frozen {
		return true
	}
	for _, frame := range frames {
		_ = k.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
		if err := k.conn.WriteMessage(websocket.TextMessage, frame); err != nil {
			s.leave(k)
			return false
		}
	}
	return true
}

func (s *Server) silent(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return k.frozen
}

// read takes acks until the connection ends.
func (s *Server) read(k *socket) {
	defer s.leave(k)
	k.conn.SetReadLimit(1 << 20)
	pong := k.conn.PingHandler()
	k.conn.SetPingHandler(func(data string) error {
		if s.silent(k) {
			return nil
		}
		return pong(data)
	})
	for {
		kind, raw, err := k.conn.ReadMessage()
		if err != nil {
			return
		}
		if kind == websocket.TextMessage && !s.silent(k) {
			s.acked(k, raw)
		}
	}
}

// leave forgets a connection that ended.
func (s *Server) leave(k *socket) {
	s.mu.Lock()
	s.sockets = slices.DeleteFunc(s.sockets, func(x *socket) bool { return x == k })
	if !s.closed {
		s.lose(k)
		s.touch()
	}
	s.mu.Unlock()
	k.end()
}

// end closes the connection; only the first call does anything.
func (k *socket) end() {
	k.once.Do(func() {
		close(k.done)
		_ = k.conn.Close()
	})
}

// which lists the sockets numbered n, all for 0. The lock is held.
func (s *Server) which(n int) []*socket {
	return slices.DeleteFunc(slices.Clone(s.sockets), func(k *socket) bool { return n != 0 && k.n != n })
}

// Disconnect sends a disconnect frame with that reason (warning, refresh_requested, link_disabled) to a socket, 0
// meaning all, and closes it after grace.
func (s *Server) Disconnect(n int, reason string, grace time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.which(n) {
		s.dismiss(k, reason, grace)
	}
}

func (s *Server) dismiss(k *socket, reason string, grace time.Duration) {
	k.draining = true
	k.push(disconnectFrame(reason))
	// A moment for the frame to get out before the connection goes.
	s.after(max(grace, 20*time.Millisecond), func() { go s.leave(k) })
	s.touch()
}

// Cut closes a socket, 0 meaning all, without a word.
func (s *Server) Cut(n int) {
	s.mu.Lock()
	sockets := s.which(n)
	s.mu.Unlock()
	for _, k := range sockets {
		s.leave(k)
	}
}

// Freeze leaves a socket open but dead: what comes is ignored, nothing is sent, no ping answered. It stays the
// next socket's equal when envelopes are dealt out, as a dead peer does.
func (s *Server) Freeze(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.which(n) {
		k.frozen = true
	}
}

// DisableSocketMode turns Socket Mode off for the app, or on again: open sockets are told link_disabled and
// closed, new ones are told so instead of hello.
func (s *Server) DisableSocketMode(off bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.linkOff = off
	if !off {
		return
	}
	for _, k := range s.which(0) {
		s.dismiss(k, "link_disabled", 0)
	}
}
