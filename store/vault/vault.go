// Package vault keeps credentials in HashiCorp Vault's KV version 2 engine, with check-and-set. providers reads and
// writes credentials through interfaces of its own; cmd opens the Keeper. It never caches, logs or prints a value, and
// never touches a path outside kv/data/aurora.
package vault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"

	"aurora/store"
)

// opTimeout bounds every operation, signing in included.
const opTimeout = 5 * time.Second

// Config says where Vault is and how to sign in to it: with a token, or with an AppRole's two ids.
type Config struct {
	Addr     string       // https://vault.example.org:8200; http sends credentials in the clear and suits loopback alone
	Token    store.Secret // renewed while it can be
	RoleID   string
	SecretID store.Secret // must be usable more than once: Aurora signs in again when its token ends
}

// Keeper keeps credentials in Vault.
type Keeper struct {
	client *api.Client
	config Config
	addr   string

	signing sync.Mutex // one sign-in at a time; the others then find the new token
	quit    context.CancelFunc
	done    chan struct{}
}

// Open signs in and checks what the credential may do. It fails with store.ErrUnavailable when Vault cannot be
// reached or is sealed, and with a sentence saying what to do when the sign-in is refused.
func Open(ctx context.Context, cfg Config) (*Keeper, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("open Vault: %w", err)
	}
	client, err := dial(cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("open Vault: %w", err)
	}
	k := &Keeper{client: client, config: cfg, addr: cfg.Addr, done: make(chan struct{})}
	lease, err := k.signIn(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("open Vault: %w", err)
	}
	if err := k.Ready(ctx); err != nil {
		return nil, err
	}
	alive, quit := context.WithCancel(context.Background())
	k.quit = quit
	go k.keepSignedIn(alive, lease)
	return k, nil
}

// Close ends the renewal of the token. The token itself is left to end by its time to live.
func (k *Keeper) Close() error {
	k.quit()
	<-k.done
	return nil
}

func (c Config) check() error {
	u, err := url.Parse(c.Addr)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return errors.New("its address must look like https://host:8200")
	}
	role := c.RoleID != "" || c.SecretID != ""
	if role && (c.RoleID == "" || c.SecretID == "") {
		return errors.New("an AppRole needs both the role id and the secret id")
	}
	if role == (c.Token != "") {
		return errors.New("give either a token or an AppRole")
	}
	return nil
}

// dial builds the client from plain values: the environment the library would read is not ours to read here.
func dial(addr string) (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address:      addr,
		HttpClient:   &http.Client{Transport: transport(), CheckRedirect: noRedirect},
		Timeout:      opTimeout,
		MinRetryWait: time.Millisecond,
		MaxRetryWait: time.Millisecond,
		MaxRetries:   0, // a write whose answer was lost may have happened; repeated, it would look like a conflict
	})
	if err != nil {
		return nil, fmt.Errorf("set up the client: %w", err)
	}
	client.ClearToken()
	client.ClearNamespace()
	return client, nil
}

func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.MaxIdleConnsPerHost = 16
	return t
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
