package gcp

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/oauth2/jwt"

	"aurora/providers"
	"aurora/store"
)

const (
	mostKey  = 16 << 10 // bytes of a key file
	leastRSA = 2048
)

var (
	accountEmail = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}@(?:[a-z0-9-]{1,63}\.){0,6}gserviceaccount\.com$`)
	keyID        = regexp.MustCompile(`^[0-9a-f]{8,64}$`)
)

// keyFile is what is taken from a service account's key. Addresses in the file are not: they would send what the key signs
// to whoever wrote the file.
type keyFile struct {
	Type     string `json:"type"`
	Project  string `json:"project_id"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	Email    string `json:"client_email"`
	Universe string `json:"universe_domain"`
}

// ConnectKey takes the JSON of a service account's key, checks it with Google and lists what it reaches. In Ask its tokens
// can only read; in Agent they can do what the account's roles say. What is wrong is a *providers.Problem.
func (c *Connector) ConnectKey(ctx context.Context, keyJSON string) (providers.SignedIn, error) {
	key, err := readKey(keyJSON)
	if err != nil {
		return providers.SignedIn{}, err
	}
	cred := store.NewCredential(map[string]string{
		"kind": providers.KindServiceAccount, "email": key.Email, "subject": key.Email, "project_id": key.Project,
		"private_key": key.Key, "private_key_id": key.KeyID,
	})
	tokens, err := c.sign(ctx, cred, providers.ReadSlot)
	if err != nil {
		return providers.SignedIn{}, notAccepted(err)
	}
	projects, more, err := c.Projects(ctx, tokens.Access)
	if err != nil {
		return providers.SignedIn{}, err
	}
	if !slices.Contains(projects, key.Project) { // it may work there without being allowed to look at the project itself
		projects = append([]string{key.Project}, projects...)
	}
	return providers.SignedIn{
		Account: key.Email, Projects: projects, Settings: settings(projects, key.Project), Reduced: more,
		Credential: providers.WithTokens(cred, providers.ReadSlot, tokens),
	}, nil
}

// notAccepted says of a key that was just given what a key in use would say in other words.
func notAccepted(err error) error {
	var p *providers.Problem
	if errors.As(err, &p) && p.Broken {
		return &providers.Problem{Code: providers.CodeRefused, Err: p.Err,
			Sentence: "Google does not accept this key: it was deleted, or its service account is disabled. Make a new key and paste that."}
	}
	return err
}

func readKey(text string) (keyFile, error) {
	refuse := func(sentence string) (keyFile, error) {
		return keyFile{}, &providers.Problem{Code: providers.CodeRefused, Sentence: sentence}
	}
	var key keyFile
	text = strings.TrimSpace(text)
	if len(text) > mostKey || json.Unmarshal([]byte(text), &key) != nil { // the cause would quote the key
		return refuse("That is not the JSON of a service account's key: paste the whole file that Google gave you.")
	}
	switch {
	case key.Type != "service_account":
		return refuse("Only the key of a service account is accepted; the file's type must be \"service_account\".")
	case key.Universe != "" && key.Universe != "googleapis.com":
		return refuse("The key belongs to another cloud than Google's own.")
	case !accountEmail.MatchString(key.Email):
		return refuse("The key's client_email is not the address of a service account.")
	case !projectID.MatchString(key.Project):
		return refuse("The key's project_id is not a Google Cloud project.")
	case !keyID.MatchString(key.KeyID):
		return refuse("The key's private_key_id cannot be right: paste the whole file that Google gave you.")
	}
	var err error
	if key.Key, err = cleanKey(key.Key); err != nil {
		return refuse("The key's private_key cannot be right: paste the whole file that Google gave you.")
	}
	return key, nil
}

// cleanKey reads an RSA key and writes it anew, so that nothing but a key is kept.
func cleanKey(text string) (string, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "PRIVATE KEY" || strings.TrimSpace(string(rest)) != "" {
		return "", errors.New("not one PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok || key.N.BitLen() < leastRSA {
		return "", errors.New("not an RSA key")
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", errors.New("not a key that can be written")
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// sign gets an access token for what the slot may do: the key's own account's, or one of the account that it acts as.
func (c *Connector) sign(ctx context.Context, cred store.Credential, slot providers.Slot) (providers.Tokens, error) {
	account, scope := actsAs(cred, slot)
	own := scope
	if account != "" {
		own = scopeIAM
	}
	g, err := c.oauth.Assert(ctx, jwt.Config{
		Email: cred.Get("email"), PrivateKey: []byte(cred.Get("private_key")), PrivateKeyID: cred.Get("private_key_id"),
		Scopes: []string{own}, TokenURL: c.oauth.TokenURL, Audience: tokenAddress,
	})
	if err != nil {
		return providers.Tokens{}, err
	}
	if account != "" {
		return c.impersonate(ctx, g.Access, account, scope)
	}
	return providers.Tokens{Access: g.Access, Expiry: g.Expiry, Scopes: []string{scope}}, nil
}
