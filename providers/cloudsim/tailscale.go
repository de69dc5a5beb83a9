package cloudsim

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// tailscaleCloud is Tailscale's API below /api/v2.
type tailscaleCloud struct {
	server  *Server
	clients map[string]*tailClient
	tokens  map[string]*tailToken
}

// tailClient is an OAuth client of one tailnet.
type tailClient struct {
	TailscaleClient
	tailnet string
	revoked bool
}

// tailToken is an access token of an OAuth client, or a person's API key.
type tailToken struct {
	id, tailnet string
	client      *tailClient // nil for an API key
	scopes      []string
	expires     time.Time
	revoked     bool
}

// tailRoute is one method of the API with the scope it needs: the scope itself, or its :read form when it only reads.
type tailRoute struct {
	method, pattern, action string
	scope                   string
	run                     func(*tailCall) (any, *tailError)
}

type tailCall struct {
	*request
	cloud   *tailscaleCloud
	route   tailRoute
	params  map[string]string
	token   *tailToken
	tailnet *TailnetState
}

// tailError is a refusal; Tailscale says everything in one message.
type tailError struct {
	status  int
	message string
}

var (
	errTailAuth   = &tailError{http.StatusUnauthorized, "API token invalid"}
	errTailScope  = &tailError{http.StatusForbidden, "calling actor does not have enough permissions to perform this function"}
	errTailDevice = &tailError{http.StatusNotFound, "no manageable device matching ID found"}
	errTailJSON   = &tailError{http.StatusBadRequest, "unable to parse request body as JSON"}
)

func newTailscaleCloud(s *Server) *tailscaleCloud {
	t := &tailscaleCloud{server: s, clients: map[string]*tailClient{}, tokens: map[string]*tailToken{}}
	client := s.config.TailscaleClient
	t.clients[client.ID] = &tailClient{TailscaleClient: client, tailnet: Tailnet}
	s.world.keepKey(Tailnet, TailKey{ID: client.ID, Kind: "client", Description: "aurora", Scopes: client.Scopes, Created: worldBegan})
	return t
}

// keepKey lists a key with its tailnet's.
func (w *World) keepKey(name string, k TailKey) {
	if t := w.tailnet(name); t != nil {
		t.Keys = append(t.Keys, k)
	}
}

// TailscaleClient gives the OAuth client made at the start, for the tailnet example.com.
func (s *Server) TailscaleClient() TailscaleClient { return s.config.TailscaleClient }

// NewTailscaleClient makes an OAuth client of the tailnet with these scopes.
func (s *Server) NewTailscaleClient(tailnet string, scopes ...string) TailscaleClient {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "k" + randomUpper(10) + "CNTRL"
	client := TailscaleClient{ID: id, Secret: "tskey-client-" + id + "-" + randomUpper(32), Scopes: scopes}
	s.tailnet.clients[id] = &tailClient{TailscaleClient: client, tailnet: tailnet}
	s.world.keepKey(tailnet, TailKey{ID: id, Kind: "client", Scopes: scopes, Created: time.Now().UTC()})
	return client
}

// NewTailscaleKey makes an API key (tskey-api-...) with the rights of an admin of the tailnet.
func (s *Server) NewTailscaleKey(tailnet string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := "k" + randomUpper(10) + "CNTRL"
	key := "tskey-api-" + id + "-" + randomUpper(32)
	expires := time.Now().UTC().Add(90 * 24 * time.Hour)
	s.tailnet.tokens[key] = &tailToken{id: id, tailnet: tailnet, scopes: []string{"all"}, expires: expires}
	s.world.keepKey(tailnet, TailKey{ID: id, Kind: "api", Created: time.Now().UTC(), Expires: expires})
	return key
}

func (t *tailscaleCloud) plan(r *request) func() reply {
	if r.rest == "/oauth/token" {
		r.entry.Action = "oauth.token.client_credentials"
		return func() reply { return t.issue(r) }
	}
	call := &tailCall{request: r, cloud: t}
	if !call.find() {
		r.entry.Action = "unknown"
		return func() reply { return call.fail(&tailError{http.StatusNotFound, "404 page not found"}) }
	}
	r.entry.Action = call.route.action
	for _, name := range []string{"device", "key"} {
		if id := call.params[name]; id != "" {
			r.entry.Resources = []string{id}
		}
	}
	if call.authenticate() {
		r.entry.Principal, r.entry.Account = call.token.id, call.token.tailnet
	}
	return call.carryOut
}

func (c *tailCall) find() bool {
	for _, route := range tailRoutes {
		if params, ok := matchPath(route.pattern, c.rest); ok && route.method == c.Method {
			c.route, c.params = route, params
			return true
		}
	}
	return false
}

// authenticate takes the token as Bearer or as the user of Basic authentication.
func (c *tailCall) authenticate() bool {
	text := bearer(c.Request)
	if user, _, ok := c.BasicAuth(); ok {
		text = user
	}
	token := c.cloud.tokens[text]
	if token == nil || token.revoked || !time.Now().Before(token.expires) || (token.client != nil && token.client.revoked) {
		return false
	}
	c.token = token
	return true
}

func (c *tailCall) carryOut() reply {
	if !c.authenticate() {
		return c.fail(errTailAuth)
	}
	c.tailnet = c.cloud.server.world.tailnet(c.token.tailnet)
	named := c.params["tailnet"]
	if c.tailnet == nil || (named != "" && named != "-" && named != c.tailnet.Name) {
		return c.fail(&tailError{http.StatusNotFound, "tailnet not found"})
	}
	if !c.token.may(c.route.scope, c.Method == http.MethodGet || strings.HasSuffix(c.route.action, ".validate")) {
		return c.fail(errTailScope)
	}
	output, refused := c.route.run(c)
	if refused != nil {
		return c.fail(refused)
	}
	if raw, ok := output.(rawOutput); ok {
		raw.header["Content-Type"] = raw.contentType
		return reply{status: http.StatusOK, body: raw.body, header: raw.header}
	}
	return jsonReply(output)
}

// oldScopes are the names scopes had before they were made finer.
var oldScopes = map[string]string{"devices": "devices:core", "routes": "devices:routes", "acl": "policy_file"}

// may tells whether the token's scopes cover this one. A scope covers its :read form; "all" covers everything.
func (t *tailToken) may(scope string, reads bool) bool {
	return slices.ContainsFunc(t.scopes, func(have string) bool {
		have, readOnly := strings.CutSuffix(have, ":read")
		if readOnly && !reads {
			return false
		}
		return have == "all" || have == scope || oldScopes[have] == scope
	})
}

// issue answers the client credentials grant: a token of an hour with the client's scopes, or those of them asked for.
func (t *tailscaleCloud) issue(r *request) reply {
	call := &tailCall{request: r, cloud: t}
	form, err := url.ParseQuery(string(r.body))
	if err != nil || r.Method != http.MethodPost {
		return call.fail(&tailError{http.StatusBadRequest, "the request is not a posted form"})
	}
	id, secret := form.Get("client_id"), form.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		id, secret = user, password
	}
	client := t.clients[id]
	if client == nil || client.revoked || subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1 {
		return call.fail(errTailAuth)
	}
	r.entry.Principal, r.entry.Account = client.ID, client.tailnet
	if grant := form.Get("grant_type"); grant != "" && grant != "client_credentials" {
		return call.fail(&tailError{http.StatusBadRequest, "unsupported grant_type"})
	}
	scopes := client.Scopes
	if asked := strings.Fields(form.Get("scope")); len(asked) > 0 {
		whole := &tailToken{scopes: client.Scopes}
		for _, scope := range asked {
			base, readOnly := strings.CutSuffix(scope, ":read")
			if !whole.may(base, readOnly) {
				return call.fail(errTailScope)
			}
		}
		scopes = asked
	}
	token := "tskey-api-" + client.ID + "-" + randomUpper(32)
	t.tokens[token] = &tailToken{id: client.ID, tailnet: client.tailnet, client: client, scopes: scopes, expires: time.Now().Add(time.Hour)}
	return jsonReply(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": strings.Join(scopes, " ")})
}

func (c *tailCall) fail(e *tailError) reply {
	answer := jsonReply(map[string]string{"message": e.message})
	answer.status, answer.code = e.status, e.message
	return answer
}

func (t *tailscaleCloud) refusal(r *request, status int, _, message string) reply {
	if message == "" {
		message = "internal error"
	}
	return (&tailCall{request: r, cloud: t}).fail(&tailError{status, message})
}

func (c *tailCall) readBody(into any) *tailError {
	if err := json.Unmarshal(c.body, into); err != nil {
		return errTailJSON
	}
	return nil
}
