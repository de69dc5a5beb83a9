package cloudsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The issuer whose tokens a federated principal trusts, and the audience Entra demands of them.
const (
	federatedIssuer   = "https://issuer.example"
	federatedAudience = "api://AzureADTokenExchange"
)

// FederatedToken is what Aurora's own platform would give it: a token of the issuer that federated principals trust, for
// ten minutes.
func (s *Server) FederatedToken(subject string) (string, error) {
	key, err := s.issuerKey()
	if err != nil {
		return "", err
	}
	return jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.RegisteredClaims{
		Issuer: federatedIssuer, Subject: subject, Audience: jwt.ClaimStrings{federatedAudience}, ExpiresAt: jwt.NewNumericDate(time.Now().Add(10 * time.Minute)),
	}).SignedString(key)
}

func (s *Server) issuerKey() (*rsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issuer == nil {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		s.issuer = key
	}
	return s.issuer, nil
}

// proves checks that the caller is the principal: by its secret, or by an assertion of its certificate's key or of the
// issuer it trusts.
func (a *azureLogin) proves(r *request, p AzurePrincipal, form url.Values) *oauthError {
	assertion := form.Get("client_assertion")
	if assertion == "" {
		if p.Secret == "" || subtle.ConstantTimeCompare([]byte(p.Secret), []byte(form.Get("client_secret"))) != 1 {
			return &oauthError{http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID."}
		}
		return nil
	}
	if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return &oauthError{http.StatusBadRequest, "invalid_request", "AADSTS900144: The request body must contain the following parameter: 'client_assertion_type'."}
	}
	if p.Federated != "" {
		return a.federates(p, assertion)
	}
	return certifies(p, assertion, r.base+r.URL.Path)
}

func (a *azureLogin) federates(p AzurePrincipal, assertion string) *oauthError {
	claims := jwt.RegisteredClaims{}
	key := a.server.issuer
	if key == nil { // nobody was ever given a token
		return &oauthError{http.StatusUnauthorized, "invalid_client", "AADSTS700211: No matching federated identity record found for presented assertion issuer."}
	}
	_, err := jwt.ParseWithClaims(assertion, &claims, func(*jwt.Token) (any, error) { return &key.PublicKey, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuer(federatedIssuer), jwt.WithAudience(federatedAudience))
	if err != nil {
		return &oauthError{http.StatusUnauthorized, "invalid_client", "AADSTS700211: No matching federated identity record found for presented assertion issuer."}
	}
	if claims.Subject != p.Federated {
		return &oauthError{http.StatusUnauthorized, "invalid_client", "AADSTS700213: No matching federated identity record found for presented assertion subject '" + claims.Subject + "'."}
	}
	return nil
}

func certifies(p AzurePrincipal, assertion, endpoint string) *oauthError {
	refused := &oauthError{http.StatusUnauthorized, "invalid_client", "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application."}
	block, _ := pem.Decode([]byte(p.Certificate))
	if block == nil {
		return refused
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil || time.Now().After(certificate.NotAfter) {
		return refused
	}
	sum := sha256.Sum256(certificate.Raw)
	token, err := jwt.ParseWithClaims(assertion, &jwt.RegisteredClaims{}, func(*jwt.Token) (any, error) { return certificate.PublicKey, nil },
		jwt.WithValidMethods([]string{"PS256", "RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuer(p.ClientID), jwt.WithSubject(p.ClientID), jwt.WithAudience(endpoint))
	if err != nil || token.Header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(sum[:]) {
		return refused
	}
	return nil
}
