package cloudsim

import (
	"net/http"
	"slices"
	"time"
)

const longestAuthKey = 90 * 24 * 60 * 60 // seconds

func keyDocument(k TailKey) map[string]any {
	doc := map[string]any{
		"id": k.ID, "keyType": k.Kind, "description": k.Description, "created": k.Created.Format(time.RFC3339), "invalid": !k.Revoked.IsZero(),
	}
	if !k.Expires.IsZero() {
		doc["expires"] = k.Expires.Format(time.RFC3339)
	}
	if !k.Revoked.IsZero() {
		doc["revoked"] = k.Revoked.Format(time.RFC3339)
	}
	if k.Kind == "client" {
		doc["scopes"], doc["tags"] = k.Scopes, listOrEmpty(k.Tags)
		return doc
	}
	if k.Kind == "api" {
		return doc
	}
	create := map[string]any{"reusable": k.Reusable, "ephemeral": k.Ephemeral, "preauthorized": k.Preauthorize, "tags": listOrEmpty(k.Tags)}
	doc["capabilities"] = map[string]any{"devices": map[string]any{"create": create}}
	return doc
}

func listKeys(c *tailCall) (any, *tailError) {
	list := []any{}
	for _, k := range c.tailnet.Keys {
		if k.Revoked.IsZero() {
			list = append(list, keyDocument(k))
		}
	}
	return map[string]any{"keys": list}, nil
}

func (c *tailCall) key() (*TailKey, *tailError) {
	i := slices.IndexFunc(c.tailnet.Keys, func(k TailKey) bool { return k.ID == c.params["key"] })
	if i < 0 {
		return nil, &tailError{http.StatusNotFound, "key not found"}
	}
	return &c.tailnet.Keys[i], nil
}

func getKey(c *tailCall) (any, *tailError) {
	k, refused := c.key()
	if refused != nil {
		return nil, refused
	}
	return keyDocument(*k), nil
}

// deleteKey revokes the key; it stays readable for a while, as invalid.
func deleteKey(c *tailCall) (any, *tailError) {
	k, refused := c.key()
	if refused != nil || !k.Revoked.IsZero() {
		return nil, &tailError{http.StatusNotFound, "key not found"}
	}
	if k.Kind == "client" && !c.token.may("oauth_keys", false) {
		return nil, errTailScope
	}
	k.Revoked = time.Now().UTC()
	for _, token := range c.cloud.tokens {
		if token.client == nil && token.id == k.ID {
			token.revoked = true
		}
	}
	if client := c.cloud.clients[k.ID]; client != nil {
		client.revoked = true
	}
	return nil, nil
}

type createKeyBody struct {
	KeyType      string
	Scopes       []string
	Tags         []string
	Capabilities struct {
		Devices struct {
			Create *struct {
				Reusable, Ephemeral, Preauthorized bool
				Tags                               []string
			}
		}
	}
	ExpirySeconds int64
	Description   string
}

// createKey makes an auth key or an OAuth client. The secret is in this answer and nowhere else.
func createKey(c *tailCall) (any, *tailError) {
	var in createKeyBody
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	if len(in.Description) > 50 {
		return nil, &tailError{http.StatusBadRequest, "description exceeds maximum length of 50 characters"}
	}
	if in.KeyType == "client" {
		return c.createClient(in)
	}
	create := in.Capabilities.Devices.Create
	if create == nil {
		return nil, &tailError{http.StatusBadRequest, "key capabilities must be specified"}
	}
	if c.token.client != nil && len(create.Tags) == 0 {
		return nil, &tailError{http.StatusBadRequest, "tailnet-owned auth key must have tags set"}
	}
	if refused := c.tailnet.checkTags(create.Tags); refused != nil {
		return nil, refused
	}
	if in.ExpirySeconds < 0 || in.ExpirySeconds > longestAuthKey {
		return nil, &tailError{http.StatusBadRequest, "expirySeconds must be at most 90 days"}
	}
	life := in.ExpirySeconds
	if life == 0 {
		life = longestAuthKey
	}
	now := time.Now().UTC().Truncate(time.Second)
	k := TailKey{
		ID: "k" + shortID(c.cloud.server.world.next("key"), 10) + "CNTRL", Kind: "auth", Description: in.Description, Reusable: create.Reusable, Ephemeral: create.Ephemeral,
		Preauthorize: create.Preauthorized, Tags: create.Tags, Created: now, Expires: now.Add(time.Duration(life) * time.Second),
	}
	return c.keep(k, "tskey-auth-"+k.ID+"-"+randomUpper(32)), nil
}

func (c *tailCall) createClient(in createKeyBody) (any, *tailError) {
	if !c.token.may("oauth_keys", false) {
		return nil, errTailScope
	}
	if len(in.Scopes) == 0 {
		return nil, &tailError{http.StatusBadRequest, "scopes must be specified"}
	}
	k := TailKey{ID: "k" + shortID(c.cloud.server.world.next("client"), 10) + "CNTRL", Kind: "client", Description: in.Description, Scopes: in.Scopes, Tags: in.Tags, Created: time.Now().UTC()}
	secret := "tskey-client-" + k.ID + "-" + randomUpper(32)
	c.cloud.clients[k.ID] = &tailClient{TailscaleClient: TailscaleClient{ID: k.ID, Secret: secret, Scopes: in.Scopes}, tailnet: c.tailnet.Name}
	return c.keep(k, secret), nil
}

func (c *tailCall) keep(k TailKey, secret string) map[string]any {
	c.tailnet.Keys = append(c.tailnet.Keys, k)
	c.entry.Resources = []string{k.ID}
	doc := keyDocument(k)
	doc["key"] = secret
	return doc
}
