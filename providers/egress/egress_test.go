package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/providers"
	"aurora/store"
)

// world is a cloud on loopback that takes the place of every address on the internet, and the names that lead there.
type world struct {
	*httptest.Server
	mu       sync.Mutex
	names    map[string][]string
	resolved []string
	dialled  []netip.AddrPort
}

func newWorld(t *testing.T) *world {
	w := &world{names: map[string][]string{}}
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(rw, "hello from "+r.Host)
	}))
	w.EnableHTTP2 = false
	w.StartTLS()
	t.Cleanup(w.Close)
	return w
}

func (w *world) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resolved = append(w.resolved, host)
	list := w.names[host]
	if list == nil {
		list = []string{"52.95.110.1"}
	}
	var found []netip.Addr
	for _, a := range list {
		found = append(found, netip.MustParseAddr(a))
	}
	return found, nil
}

func (w *world) dial(ctx context.Context, at netip.AddrPort) (net.Conn, error) {
	w.mu.Lock()
	w.dialled = append(w.dialled, at)
	w.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, "tcp", w.Listener.Addr().String())
}

func (w *world) dials() []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.dialled)
}

func (w *world) open(t *testing.T, r providers.Route, endpoints ...string) (*Proxy, providers.Way) {
	t.Helper()
	p, err := New(Config{Endpoints: map[store.Cloud][]string{r.Cloud: endpoints}, Resolve: w.resolve, Dial: w.dial})
	if err != nil {
		t.Fatal(err)
	}
	way, err := p.Open(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { way.Close() })
	return p, way
}

// client speaks through the way as a CLI does.
func (w *world) client(t *testing.T, way providers.Way) *http.Client {
	t.Helper()
	at, err := url.Parse(way.Env["HTTPS_PROXY"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(w.Certificate())
	tr := &http.Transport{Proxy: http.ProxyURL(at), TLSClientConfig: &tls.Config{RootCAs: roots, InsecureSkipVerify: true}} //nolint:gosec // the server has one certificate for all names
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

var ec2 = providers.Route{Cloud: store.AWS, Service: "ec2", Account: "111122223333"}

func TestTheOwnAPIIsReached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, way := w.open(t, ec2)
	reply, err := w.client(t, way).Get("https://ec2.eu-west-1.amazonaws.com/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(reply.Body)
	if string(body) != "hello from ec2.eu-west-1.amazonaws.com" {
		t.Errorf("%q", body)
	}
	if got := w.dials(); len(got) != 1 || got[0].String() != "52.95.110.1:443" {
		t.Errorf("dialled %v", got)
	}
	if refused := way.Close(); len(refused) != 0 {
		t.Errorf("refused %v", refused)
	}
}

// TestNothingElseIsReached holds the ways out that a program could try.
func TestNothingElseIsReached(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ address, told string }{
		"a stranger's bucket":         {"https://loot.s3.eu-west-1.amazonaws.com/", "loot.s3.eu-west-1.amazonaws.com:443"},
		"the bucket service itself":   {"https://s3.eu-west-1.amazonaws.com/", "s3.eu-west-1.amazonaws.com:443"},
		"a stranger's machine":        {"https://ec2-203-0-113-9.compute-1.amazonaws.com/", "ec2-203-0-113-9.compute-1.amazonaws.com:443"},
		"a stranger's load balancer":  {"https://x-1.us-east-1.elb.amazonaws.com/", "x-1.us-east-1.elb.amazonaws.com:443"},
		"a stranger's function":       {"https://abc.lambda-url.us-east-1.on.aws/", "abc.lambda-url.us-east-1.on.aws:443"},
		"a stranger's gateway":        {"https://abc.execute-api.us-east-1.amazonaws.com/", "abc.execute-api.us-east-1.amazonaws.com:443"},
		"another cloud":               {"https://compute.googleapis.com/", "compute.googleapis.com:443"},
		"a name that ends alike":      {"https://ec2.eu-west-1.amazonaws.com.evil.example/", "ec2.eu-west-1.amazonaws.com.evil.example:443"},
		"a name that begins alike":    {"https://evil.example/ec2.eu-west-1.amazonaws.com", "evil.example:443"},
		"another port":                {"https://ec2.eu-west-1.amazonaws.com:8443/", "ec2.eu-west-1.amazonaws.com:8443"},
		"the metadata address":        {"https://169.254.169.254/", "169.254.169.254:443"},
		"the metadata address in v6":  {"https://[fd00:ec2::254]/", "[fd00:ec2::254]:443"},
		"this machine":                {"https://127.0.0.1/", "127.0.0.1:443"},
		"an address as one number":    {"https://2852039166/", "2852039166:443"},
		"plain HTTP to the right one": {"http://ec2.eu-west-1.amazonaws.com/", "ec2.eu-west-1.amazonaws.com (without TLS)"},
		"plain HTTP to metadata":      {"http://169.254.169.254/latest/", "169.254.169.254 (without TLS)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, way := w.open(t, ec2)
			reply, err := w.client(t, way).Get(c.address)
			if err == nil && reply.StatusCode != http.StatusForbidden {
				t.Errorf("it answered %s", reply.Status)
			}
			if len(w.dials()) != 0 {
				t.Errorf("dialled %v", w.dials())
			}
			if got := way.Close(); !slices.Equal(got, []string{c.told}) {
				t.Errorf("told %q, want %q", got, c.told)
			}
		})
	}
}

func TestNamesThatLeadInsideAreRefused(t *testing.T) {
	t.Parallel()
	for _, list := range [][]string{
		{"10.0.0.1"}, {"127.0.0.1"}, {"169.254.169.254"}, {"::1"}, {"::ffff:169.254.169.254"}, {"fd00:ec2::254"}, {"fe80::1"},
		{"224.0.0.1"}, {"ff02::1"}, {"0.0.0.0"}, {"::"}, {"100.100.100.200"}, {"168.63.129.16"}, {"64:ff9b::a9fe:a9fe"},
		{"2002:7f00:1::"}, {"192.168.0.1"}, {"172.16.5.5"}, {"240.0.0.1"}, {"52.95.110.1", "10.0.0.1"},
	} {
		w := newWorld(t)
		w.names["ec2.eu-west-1.amazonaws.com"] = list
		_, way := w.open(t, ec2)
		if _, err := w.client(t, way).Get("https://ec2.eu-west-1.amazonaws.com/"); err == nil {
			t.Errorf("%v was reached", list)
		}
		if len(w.dials()) != 0 {
			t.Errorf("%v: dialled %v", list, w.dials())
		}
		if told := way.Close(); len(told) != 1 || !strings.Contains(told[0], "not a public address") {
			t.Errorf("%v: told %q", list, told)
		}
	}
}

// TestTheCheckedAddressIsDialled: a name that leads elsewhere the second time is asked for once.
func TestTheCheckedAddressIsDialled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answers := []string{"52.95.110.1", "127.0.0.1"}
	p, err := New(Config{Dial: w.dial, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		first := answers[0]
		answers = answers[1:]
		return []netip.Addr{netip.MustParseAddr(first)}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	way, err := p.Open(ec2)
	if err != nil {
		t.Fatal(err)
	}
	defer way.Close()
	if _, err := w.client(t, way).Get("https://ec2.eu-west-1.amazonaws.com/"); err != nil {
		t.Fatal(err)
	}
	if got := w.dials(); len(got) != 1 || got[0].Addr().String() != "52.95.110.1" || len(answers) != 1 {
		t.Errorf("dialled %v, %d answers left", got, len(answers))
	}
}

// ask sends raw lines to a way's proxy and gives the connection after its first answer.
func ask(t *testing.T, way providers.Way, request string) (net.Conn, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", way.Reach[0].String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	reply, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return conn, nil
	}
	return conn, reply
}

func connect(way providers.Way, host string) string {
	u, _ := url.Parse(way.Env["HTTPS_PROXY"])
	r := &http.Request{Header: http.Header{}}
	password, _ := u.User.Password()
	r.SetBasicAuth(u.User.Username(), password)
	return fmt.Sprintf("CONNECT %s:443 HTTP/1.1\r\nHost: %s:443\r\nProxy-Authorization: %s\r\n\r\n", host, host, r.Header.Get("Authorization"))
}

func TestAnotherRunsSecretDoesNotPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, one := w.open(t, ec2)
	two, err := p.Open(ec2)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	for _, request := range []string{
		connect(two, "ec2.eu-west-1.amazonaws.com"),
		"CONNECT ec2.eu-west-1.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		if _, reply := ask(t, one, request); reply == nil || reply.StatusCode != http.StatusProxyAuthRequired {
			t.Errorf("%q: %+v", request, reply)
		}
	}
	if len(w.dials()) != 0 {
		t.Errorf("dialled %v", w.dials())
	}
}

func TestATunnelCarriesNothingButTLSToItsOwnHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, way := w.open(t, ec2)
	conn, reply := ask(t, way, connect(way, "ec2.eu-west-1.amazonaws.com"))
	if reply == nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%+v", reply)
	}
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: loot\r\n\r\n")
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes came back for what is not TLS", n)
	}
	conn, _ = ask(t, way, connect(way, "ec2.eu-west-1.amazonaws.com"))
	fronted := tls.Client(conn, &tls.Config{ServerName: "loot.s3.eu-west-1.amazonaws.com", InsecureSkipVerify: true})
	if err := fronted.Handshake(); err == nil {
		t.Error("another host was asked for behind the tunnel's own")
	}
	told := way.Close()
	if len(told) != 2 || told[1] != "loot.s3.eu-west-1.amazonaws.com (behind ec2.eu-west-1.amazonaws.com)" {
		t.Errorf("told %q", told)
	}
}

func TestTheEndOfTheRunEndsItsTunnels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, way := w.open(t, ec2)
	conn, reply := ask(t, way, connect(way, "ec2.eu-west-1.amazonaws.com"))
	if reply == nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%+v", reply)
	}
	inner := tls.Client(conn, &tls.Config{ServerName: "ec2.eu-west-1.amazonaws.com", InsecureSkipVerify: true})
	if err := inner.Handshake(); err != nil {
		t.Fatal(err)
	}
	way.Close()
	if _, err := inner.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("the tunnel outlived its run: %v", err)
	}
	if late, err := net.Dial("tcp", way.Reach[0].String()); err == nil {
		_ = late.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := late.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
			t.Error("the proxy outlived its run")
		}
	}
}

func TestBytesAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p, way := w.open(t, ec2)
	allowed, err := p.hosts.of(ec2)
	if err != nil {
		t.Fatal(err)
	}
	g := newGate(p, allowed, nil, way.Secret)
	g.up.Store(1 << 20)
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	go g.serve(l)
	defer g.close()
	way.Env["HTTPS_PROXY"] = "http://aurora:" + way.Secret + "@" + l.Addr().String()
	client := w.client(t, way)
	if _, err := client.Post("https://ec2.eu-west-1.amazonaws.com/", "", strings.NewReader(strings.Repeat("x", 1<<19))); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	if _, err := client.Post("https://ec2.eu-west-1.amazonaws.com/", "", strings.NewReader(strings.Repeat("x", 1<<20))); err == nil {
		t.Error("more than the limit was sent")
	}
}

func TestEndpointsThatAreSetAreReachedExactly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.names["ec2.internal.example"] = []string{"10.0.0.7"}
	p, way := w.open(t, ec2, "http://127.0.0.1:4566/aws", "https://ec2.internal.example:8443", "")
	var reach []string
	for _, a := range way.Reach[1:] {
		reach = append(reach, a.String())
	}
	if !slices.Equal(reach, []string{"127.0.0.1:4566"}) {
		t.Errorf("reach is %v", reach)
	}
	client := w.client(t, way)
	if _, err := client.Get("https://ec2.internal.example:8443/"); err != nil {
		t.Errorf("an endpoint that is set: %v", err)
	}
	if _, err := client.Get("https://ec2.internal.example/"); err == nil {
		t.Error("another port of an endpoint's host was reached")
	}
	other, err := p.Open(providers.Route{Cloud: store.GCP, Service: "compute"})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if len(other.Reach) != 1 {
		t.Errorf("another cloud's program reaches %v", other.Reach)
	}
	if _, err := w.client(t, other).Get("https://ec2.internal.example:8443/"); err == nil {
		t.Error("another cloud's program reached the endpoint")
	}
	if _, err := New(Config{Endpoints: map[store.Cloud][]string{store.AWS: {"nonsense"}}}); err == nil {
		t.Error("an endpoint without a host was taken")
	}
}

func TestHostsByService(t *testing.T) {
	t.Parallel()
	list, err := readHosts()
	if err != nil {
		t.Fatal(err)
	}
	if len(list[store.AWS]) < 300 {
		t.Errorf("only %d services of AWS", len(list[store.AWS]))
	}
	own := "111122223333"
	for _, c := range []struct {
		cloud         store.Cloud
		service, host string
		want          bool
	}{
		{store.AWS, "s3api", "s3.eu-west-1.amazonaws.com", true},
		{store.AWS, "s3api", "loot.s3.eu-west-1.amazonaws.com", false},
		{store.AWS, "s3control", own + ".s3-control.eu-west-1.amazonaws.com", true},
		{store.AWS, "s3control", "444455556666.s3-control.eu-west-1.amazonaws.com", false},
		{store.AWS, "iam", "iam.amazonaws.com", true},
		{store.AWS, "ecr", "api.ecr.us-east-1.amazonaws.com", true},
		{store.AWS, "ecr", own + ".dkr.ecr.us-east-1.amazonaws.com", false},
		{store.AWS, "ec2", "ec2.cn-north-1.amazonaws.com.cn", true},
		{store.AWS, "ec2", "ec2.us-gov-west-1.amazonaws.com", true},
		{store.AWS, "nonsense", "ec2.us-east-1.amazonaws.com", false},
		{store.GCP, "compute", "compute.googleapis.com", true},
		{store.GCP, "ai", "us-central1-aiplatform.googleapis.com", true},
		{store.GCP, "storage", "storage.googleapis.com", true},
		{store.GCP, "storage", "loot.storage.googleapis.com", false},
		{store.GCP, "run", "loot-abc-uc.a.run.app", false},
		{store.GCP, "compute", "metadata.google.internal", false},
		{store.Azure, "vm", "management.azure.com", true},
		{store.Azure, "storage", "loot.blob.core.windows.net", false},
		{store.Azure, "storage", "orders.blob.core.windows.net", true},
		{store.Azure, "storage", "orders.blob.core.windows.net.evil.example", false},
		{store.Azure, "keyvault", "orders.vault.azure.net", false},
		{store.Scaleway, "instance", "api.scaleway.com", true},
		{store.Scaleway, "object", "loot.s3.fr-par.scw.cloud", false},
	} {
		a, err := list.of(providers.Route{Cloud: c.cloud, Service: c.service, Account: own,
			Argv: []string{"az", "storage", "blob", "list", "--account-name", "Orders", "--vault-name=a.b"}})
		if err != nil || a.match(c.host) != c.want {
			t.Errorf("%s %s to %s: %t, %v", c.cloud, c.service, c.host, !c.want, err)
		}
	}
}

// TestEveryTemplateCompiles also holds every host of every list against names that strangers choose.
func TestEveryTemplateCompiles(t *testing.T) {
	t.Parallel()
	list, err := readHosts()
	if err != nil {
		t.Fatal(err)
	}
	strangers := []string{
		"loot.s3.amazonaws.com", "loot.s3.us-east-1.amazonaws.com", "ec2-1-2-3-4.compute-1.amazonaws.com", "loot.us-east-1.elb.amazonaws.com",
		"loot.execute-api.us-east-1.amazonaws.com", "loot.us-east-1.es.amazonaws.com", "vpce-1.ec2.us-east-1.vpce.amazonaws.com",
		"444455556666.ddb.us-east-1.amazonaws.com", "loot.us-east-1.rds.amazonaws.com", "loot.iot.us-east-1.amazonaws.com",
		"loot.storage.googleapis.com", "loot.appspot.com", "loot.blob.core.windows.net", "loot.vault.azure.net", "loot.azurewebsites.net",
		"loot.s3.fr-par.scw.cloud", "s3-website-us-east-1.amazonaws.com", "loot.s3-website.eu-west-1.amazonaws.com",
	}
	for cloud, services := range list {
		for service := range services {
			a, err := list.of(providers.Route{Cloud: cloud, Service: service, Account: "111122223333"})
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range strangers {
				if a.match(host) {
					t.Errorf("%s %s reaches %s", cloud, service, host)
				}
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	f.Add("ec2.eu-west-1.amazonaws.com:443")
	f.Add("EC2.eu-west-1.amazonaws.com.:443")
	f.Add("[::1]:443")
	p, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	a, err := p.hosts.of(ec2)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		g := newGate(p, a, nil, "s")
		at, status, _ := g.judge(&http.Request{Method: http.MethodConnect, Host: host, Header: http.Header{"Proxy-Authorization": {g.token}}})
		ours := strings.HasPrefix(at.host, "ec2.") && (strings.HasSuffix(at.host, ".amazonaws.com") || strings.HasSuffix(at.host, ".amazonaws.com.cn"))
		if status == http.StatusOK && (!ours || at.port != "443" || strings.Count(at.host, ".") > 4) {
			t.Errorf("%q leads to %+v", host, at)
		}
	})
}
