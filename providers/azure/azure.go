// Package azure signs in to Azure as service principals and gives runs of the az CLI what they need. The executor calls
// Session before each run; the connect page calls Connect. The CLI is never given a secret: the token of an hour that
// Aurora asked Entra for lies where az keeps its own, so that no run signs in and none could sign in again. Ask runs get
// the token of a read-only principal and nothing that leads to the other. It keeps tokens in memory only.
package azure

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"aurora/providers"
)

// Config is what the connector needs; its zero value is Azure itself, without federation.
type Config struct {
	Login string // override for Entra's address; one that ends in /adfs is taken for AD FS
	ARM   string // override for Azure Resource Manager's; set together with Login
	CA    []byte // further certificates to trust, PEM; az gets them too
	// Federated gives Aurora's own token of its platform's issuer, which principals may trust in place of a secret. Nil
	// where the platform has none. az never sees it.
	Federated func() (string, error)
	// Learn runs az without a credential, in a session with these files, and gives the file of that name which it left among
	// them. It is called once, beside the first run. Nil for not at all: then each run takes az a second longer.
	Learn func(ctx context.Context, s providers.Session, file string) ([]byte, error)
	HTTP  *http.Client     // nil for one of our own
	Now   func() time.Time // nil for time.Now
}

const (
	entra      = "https://login.microsoftonline.com"
	armAPI     = "https://management.azure.com"
	answerTime = 30 * time.Second
	mostBytes  = 8 << 20 // of one answer
)

// Connector is the providers.Driver for Azure. It is safe for concurrent use.
type Connector struct {
	config Config
	custom bool // not the public cloud
	http   *http.Client
	tokens *cache
	index  index
}

// New checks the configuration.
func New(c Config) (*Connector, error) {
	if (c.Login == "") != (c.ARM == "") {
		return nil, errors.New("azure connector needs the addresses of both Entra and Resource Manager, or neither")
	}
	custom := c.ARM != ""
	if !custom {
		c.Login, c.ARM = entra, armAPI
	}
	c.Login, c.ARM = strings.TrimSuffix(c.Login, "/"), strings.TrimSuffix(c.ARM, "/")
	for _, address := range []string{c.Login, c.ARM} {
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return nil, fmt.Errorf("azure address %q is not a URL", address)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.HTTP == nil {
		var err error
		if c.HTTP, err = client(c.CA); err != nil {
			return nil, err
		}
	}
	return &Connector{config: c, custom: custom, http: c.HTTP, tokens: newCache(c.Now)}, nil
}

// client follows no redirect: it would carry the credential somewhere else.
func client(ca []byte) (*http.Client, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the process's HTTP transport is not the standard one")
	}
	transport = transport.Clone()
	if len(ca) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(ca) {
			return nil, errors.New("the further certificates for Azure are not PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{
		Timeout: answerTime, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

func refuse(format string, args ...any) *providers.Problem {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: fmt.Sprintf(format, args...)}
}

func unreachable(err error) *providers.Problem {
	return &providers.Problem{
		Code: providers.CodeUnavailable, Err: err,
		Sentence: "Azure cannot be reached for signing in, so nothing was done. Try again in a minute; if it stays, an admin should run aurora doctor.",
	}
}
