// Package egress is the only way out of the machine for the programs that Aurora runs: a proxy on loopback, one for each
// run, that lets TLS through to the API hosts of the run's own cloud or service and to nothing else. The executor opens one
// before it starts a program and closes it when the program has ended. It never reads what goes through, never resolves
// a name twice, and never speaks plain HTTP with anybody outside.
package egress

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"aurora/providers"
	"aurora/store"
)

// Config is what a Proxy needs; its zero value serves the clouds themselves.
type Config struct {
	// Endpoints are addresses that take the place of a cloud's own for its programs, as URLs; empty ones are left out. One on
	// loopback is reached directly, any other through the proxy, wherever its name leads: whoever runs Aurora has set it.
	Endpoints map[store.Cloud][]string

	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)     // the system's resolver when nil
	Dial    func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) // TCP when nil
}

// Proxy opens ways out. It is safe for concurrent use.
type Proxy struct {
	config    Config
	hosts     hosts
	endpoints map[store.Cloud]endpoints
}

// endpoints are those of one cloud.
type endpoints struct {
	named  map[string]bool  // host:port of what is reached through the proxy
	direct []netip.AddrPort // what is on loopback
}

var _ providers.Network = (*Proxy)(nil)

// New reads the lists of hosts and checks the endpoints.
func New(c Config) (*Proxy, error) {
	if c.Resolve == nil {
		c.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr.String())
		}
	}
	list, err := readHosts()
	if err != nil {
		return nil, err
	}
	p := &Proxy{config: c, hosts: list, endpoints: map[store.Cloud]endpoints{}}
	for cloud, addresses := range c.Endpoints {
		set := endpoints{named: map[string]bool{}}
		for _, address := range addresses {
			if err := set.add(address); err != nil {
				return nil, err
			}
		}
		p.endpoints[cloud] = set
	}
	return p, nil
}

func (e *endpoints) add(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("endpoint %q is no URL with a host", endpoint)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	at := net.JoinHostPort(strings.ToLower(u.Hostname()), port)
	if u.Hostname() == "localhost" {
		at = net.JoinHostPort("127.0.0.1", port)
	}
	if addr, err := netip.ParseAddrPort(at); err == nil && addr.Addr().IsLoopback() {
		e.direct = append(e.direct, addr)
		return nil
	}
	e.named[at] = true
	return nil
}

// Open makes the way of one run: a listener on a port of its own, with a secret of its own.
func (p *Proxy) Open(r providers.Route) (providers.Way, error) {
	allowed, err := p.hosts.of(r)
	if err != nil {
		return providers.Way{}, err
	}
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return providers.Way{}, fmt.Errorf("open the proxy of a run: %w", err)
	}
	own := p.endpoints[r.Cloud]
	g := newGate(p, allowed, own.named, rand.Text())
	go g.serve(listener)
	at := listener.Addr().(*net.TCPAddr).AddrPort()
	address := "http://" + user + ":" + g.secret + "@" + at.String()
	const direct = "127.0.0.1,localhost,::1"
	return providers.Way{
		Env: map[string]string{
			"HTTPS_PROXY": address, "https_proxy": address, "HTTP_PROXY": address, "http_proxy": address,
			"NO_PROXY": direct, "no_proxy": direct,
		},
		Secret: g.secret, Reach: append([]netip.AddrPort{at}, own.direct...), Close: g.close,
	}, nil
}

// user is the name in the proxy's address; the secret is what counts.
const user = "aurora"

// What one run may take.
const (
	helloWait  = 10 * time.Second // for a request and for what TLS begins with
	dialWait   = 15 * time.Second // for a name and a connection
	mostOpen   = 64               // connections at once
	mostUp     = 64 << 20         // bytes sent
	mostDown   = 512 << 20        // bytes received
	mostNoted  = 8                // refused hosts that are told
	headerSize = 16 << 10         // bytes of a request
)
