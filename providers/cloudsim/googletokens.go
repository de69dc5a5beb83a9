package cloudsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	googleIssuer   = "https://accounts.google.com"
	googleAudience = "https://oauth2.googleapis.com/token"
	assertionGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
)

// serviceAccountKey is what Google knows of a key it gave out.
type serviceAccountKey struct {
	email   string
	public  *rsa.PublicKey
	revoked bool
}

func newRSAKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(fmt.Sprintf("make an RSA key: %v", err)) // unreachable: the runtime's randomness never fails
	}
	return key
}

// ServiceAccountKey makes a key for a service account and gives the file that Google would let people download. The key
// ends with Revoke("gcp", its private_key_id).
func (s *Server) ServiceAccountKey(email string) string {
	key, id := newRSAKey(), hexID(randomSecret(16), 40)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(fmt.Sprintf("write an RSA key: %v", err)) // unreachable: it was just made
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants["gcp"].keys[id] = &serviceAccountKey{email: email, public: &key.PublicKey}
	_, domain, _ := strings.Cut(email, "@")
	project, _, _ := strings.Cut(domain, ".")
	return string(mustJSON(map[string]string{
		"type": "service_account", "project_id": project, "private_key_id": id, "client_email": email, "client_id": numberOf(email),
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"auth_uri":    googleIssuer + "/o/oauth2/auth", "token_uri": googleAudience, "universe_domain": "googleapis.com",
		"auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
		"client_x509_cert_url":        "https://www.googleapis.com/robot/v1/metadata/x509/" + email,
	}))
}

// asGoogleSays writes scopes as Google's answers do and adds, where that was asked, what the person granted before.
func (a *authorizationServer) asGoogleSays(granted []string, subject string, further bool) []string {
	if further {
		for _, token := range a.refresh {
			if token.grant.subject == subject && !token.grant.revoked {
				granted = append(slices.Clone(granted), token.grant.scopes...)
			}
		}
	}
	var all []string
	for _, scope := range granted {
		switch scope {
		case "email", "profile":
			scope = "https://www.googleapis.com/auth/userinfo." + scope
		}
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	return all
}

// idToken says who signed in, in answer to the sign-in with this nonce.
func (a *authorizationServer) idToken(g *grant, nonce string) string {
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": a.issuer, "aud": a.client.ID, "azp": a.client.ID, "sub": numberOf(g.subject), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	if slices.Contains(g.scopes, "https://www.googleapis.com/auth/userinfo.email") {
		claims["email"], claims["email_verified"] = g.subject, true
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(a.signer())
	if err != nil {
		panic(fmt.Sprintf("sign an id token: %v", err)) // unreachable: the key and the claims are ours
	}
	return text
}

// assert answers a service account's signed assertion with an access token.
func (a *authorizationServer) assert(text string) (map[string]any, *oauthError) {
	refuse := func(why string) (map[string]any, *oauthError) {
		return nil, &oauthError{http.StatusBadRequest, "invalid_grant", why}
	}
	var claims struct {
		Scope string `json:"scope"`
		jwt.RegisteredClaims
	}
	var known *serviceAccountKey
	_, err := jwt.NewParser(jwt.WithValidMethods([]string{"RS256"}), jwt.WithAudience(googleAudience), jwt.WithExpirationRequired(), jwt.WithIssuedAt()).
		ParseWithClaims(text, &claims, func(t *jwt.Token) (any, error) {
			id, _ := t.Header["kid"].(string)
			if known = a.keys[id]; known == nil || known.revoked || known.email != claims.Issuer {
				return nil, fmt.Errorf("no such key")
			}
			return known.public, nil
		})
	switch {
	case err != nil && (known == nil || known.revoked):
		return refuse("Invalid JWT Signature.")
	case err != nil:
		return refuse("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	case claims.IssuedAt == nil || claims.ExpiresAt.Sub(claims.IssuedAt.Time) > time.Hour:
		return refuse("Invalid JWT: Token must be a short-lived token (60 minutes).")
	case claims.Scope == "":
		return nil, &oauthError{http.StatusBadRequest, "invalid_scope", "Invalid OAuth scope or ID token audience provided."}
	}
	answer := a.issue(&grant{subject: known.email, scopes: strings.Fields(claims.Scope)})
	delete(answer, "scope") // not told for assertions
	return answer, nil
}
