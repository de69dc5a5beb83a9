package egress

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// gate is the proxy of one run.
type gate struct {
	proxy   *Proxy
	allowed allowed
	named   map[string]bool // host:port that whoever runs Aurora has set for this cloud
	secret  string
	token   string // what Proxy-Authorization must be
	room    chan struct{}
	up      atomic.Int64 // bytes that may still be sent
	down    atomic.Int64 // bytes that may still be received

	ctx    context.Context // ends with the run
	cancel context.CancelFunc

	mu      sync.Mutex
	refused []string
}

func newGate(p *Proxy, a allowed, named map[string]bool, secret string) *gate {
	g := &gate{proxy: p, allowed: a, named: named, secret: secret, room: make(chan struct{}, mostOpen)}
	g.token = "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
	g.up.Store(mostUp)
	g.down.Store(mostDown)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

// serve takes connections until the run ends.
func (g *gate) serve(l net.Listener) {
	context.AfterFunc(g.ctx, func() { _ = l.Close() })
	for {
		conn, err := l.Accept()
		if err != nil {
			g.cancel()
			return
		}
		select {
		case g.room <- struct{}{}:
		default:
			_ = conn.Close() // a program that needs so many connections needs no more
			continue
		}
		go func() {
			defer func() { <-g.room }()
			g.handle(conn)
		}()
	}
}

// close ends every tunnel.
func (g *gate) close() []string {
	g.cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.refused)
}

// handle answers one request, which must be a CONNECT, and then carries its bytes.
func (g *gate) handle(conn net.Conn) {
	defer context.AfterFunc(g.ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(helloWait)) // a connection that is gone fails at the next read
	limited := &io.LimitedReader{R: conn, N: headerSize}
	in := bufio.NewReader(limited)
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	limited.N = 1 << 62
	target, status, why := g.judge(request)
	if status != http.StatusOK {
		answer(conn, status, why)
		return
	}
	out, err := g.dial(target)
	if err != nil {
		answer(conn, http.StatusBadGateway, err.Error())
		return
	}
	defer context.AfterFunc(g.ctx, func() { _ = out.Close() })()
	defer func() { _ = out.Close() }()
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	_ = conn.SetDeadline(time.Now().Add(helloWait))
	hello, name, err := readHello(in)
	if err != nil || !strings.EqualFold(name, target.host) {
		g.note(fmt.Sprintf("%s (behind %s)", shown(name), target.host))
		return
	}
	_ = conn.SetDeadline(time.Time{})
	g.carry(conn, out, io.MultiReader(hello, in))
}

// place is a host that may be reached.
type place struct {
	host, port string
	named      bool // set by whoever runs Aurora
}

// judge says whether a request may pass. Everything that is not said here is refused.
func (g *gate) judge(r *http.Request) (place, int, string) {
	token := r.Header.Get("Proxy-Authorization")
	if subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) != 1 {
		return place{}, http.StatusProxyAuthRequired, "this is the way out of another run"
	}
	if r.Method != http.MethodConnect {
		g.note(shown(r.Host) + " (without TLS)")
		return place{}, http.StatusForbidden, "only CONNECT passes: nothing leaves without TLS"
	}
	host, port, err := net.SplitHostPort(r.Host)
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if err != nil || host == "" {
		return place{}, http.StatusBadRequest, "a host and a port are needed"
	}
	if g.named[net.JoinHostPort(host, port)] {
		return place{host, port, true}, http.StatusOK, ""
	}
	if port != "443" || !g.allowed.match(host) {
		g.note(net.JoinHostPort(shown(host), shown(port)))
		return place{}, http.StatusForbidden, "that is no host of this command's cloud service"
	}
	return place{host, port, false}, http.StatusOK, ""
}

// dial resolves the name once and connects to an address that was checked. A name with any address that is not public
// is refused whole: no cloud's own name has one.
func (g *gate) dial(p place) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(g.ctx, dialWait)
	defer cancel()
	found, err := g.proxy.config.Resolve(ctx, p.host)
	if err != nil || len(found) == 0 {
		return nil, fmt.Errorf("the name %s does not resolve", p.host)
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "tcp", p.port)
	if err != nil {
		return nil, fmt.Errorf("%s is no port", p.port)
	}
	for _, a := range found {
		if !p.named && !public(a) {
			g.note(p.host + " (not a public address)")
			return nil, fmt.Errorf("%s leads to an address that is not public", p.host)
		}
	}
	for _, a := range found {
		conn, dialErr := g.proxy.config.Dial(ctx, netip.AddrPortFrom(a.Unmap(), uint16(port)))
		if dialErr == nil {
			return conn, nil
		}
	}
	return nil, fmt.Errorf("%s cannot be reached", p.host)
}

// carry copies both ways until one side has ended and what the other still sends has come, or the run's bytes are used up.
func (g *gate) carry(conn, out net.Conn, in io.Reader) {
	done := make(chan struct{}, 2)
	pump := func(to net.Conn, from io.Reader, left *atomic.Int64) {
		defer func() { done <- struct{}{} }()
		if !spend(to, from, left) {
			_, _ = conn.Close(), out.Close()
			return
		}
		if half, ok := to.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}
	go pump(out, in, &g.up)
	pump(conn, out, &g.down)
	<-done
	<-done
}

// spend copies as long as there are bytes left; false when they ran out or the copy broke.
func spend(to io.Writer, from io.Reader, left *atomic.Int64) bool {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if left.Add(-int64(n)) < 0 {
			return false
		}
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return false
			}
		}
		if err != nil {
			return err == io.EOF //nolint:errorlint // readers give it bare
		}
	}
}

func (g *gate) note(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.refused) < mostNoted && !slices.Contains(g.refused, host) {
		g.refused = append(g.refused, host)
	}
}

// shown makes a name that a program chose fit to be told: plain, and short.
func shown(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return '?'
	}, name)
	if len(plain) > 100 {
		plain = plain[:100] + "..."
	}
	if plain == "" {
		return "a host without a name"
	}
	return plain
}

func answer(conn net.Conn, status int, why string) {
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(why), why)
}
