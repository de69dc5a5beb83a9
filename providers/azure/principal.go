package azure

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // x5t is defined as SHA-1: it names a certificate, it proves nothing
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aurora/store"
)

// principal is one service principal with its way to sign in: a secret, a certificate with its key, or federation.
type principal struct {
	tenant, client string
	secret         string
	certificate    string // PEM with certificate and private key
	federated      bool
}

// readerMembers is what the read-only principal's members of a credential begin with.
const readerMembers = "reader_"

// principalOf reads one of the two principals of a credential; false when it is not there.
func principalOf(cred store.Credential, reader bool) (principal, bool) {
	prefix := ""
	if reader {
		prefix = readerMembers
	}
	p := principal{
		tenant: cred.Get("tenant_id"), client: cred.Get(prefix + "client_id"), secret: cred.Get(prefix + "client_secret"),
		certificate: cred.Get(prefix + "certificate"), federated: cred.Get(prefix+"federated") == "true",
	}
	return p, p.client != ""
}

// store writes the principal's members.
func (p principal) store(into map[string]string, prefix string) {
	into["tenant_id"], into[prefix+"client_id"] = p.tenant, p.client
	switch {
	case p.federated:
		into[prefix+"federated"] = "true"
	case p.certificate != "":
		into[prefix+"certificate"] = p.certificate
	default:
		into[prefix+"client_secret"] = p.secret
	}
}

var guid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// check says what is wrong with what was typed; who names the principal in the sentence.
func (p principal) check(who string) error {
	ways := 0
	for _, way := range []bool{p.secret != "", p.certificate != "", p.federated} {
		if way {
			ways++
		}
	}
	switch {
	case !guid.MatchString(p.client):
		return refuse("%q is not the client id of %s: it is the Application (client) ID, such as 11111111-2222-3333-4444-555555555555.", p.client, who)
	case ways != 1:
		return refuse("Give exactly one way for %s to sign in: its client secret, its certificate with the private key (PEM), or the word yes for federation.", who)
	case p.secret != "" && (guid.MatchString(strings.ToLower(p.secret)) || strings.ContainsAny(p.secret, " \r\n\t")):
		return refuse("That is not the client secret of %s: copy the secret's Value, not its Secret ID.", who)
	}
	if p.certificate != "" {
		if _, err := p.assertion("https://login.microsoftonline.com", time.Now()); err != nil {
			return refuse("The certificate of %s cannot be used: paste one PEM text with both the certificate and its unencrypted RSA private key.", who)
		}
	}
	return nil
}

// assertion signs in the principal's name with its certificate's key, for ten minutes.
func (p principal) assertion(audience string, now time.Time) (string, error) {
	certificate, key, err := parsePEM(p.certificate)
	if err != nil {
		return "", err
	}
	token := jwt.NewWithClaims(jwt.SigningMethodPS256, jwt.RegisteredClaims{
		Issuer: p.client, Subject: p.client, Audience: jwt.ClaimStrings{audience}, ID: rand.Text(),
		NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(now.Add(10 * time.Minute)),
	})
	old, sum := sha1.Sum(certificate.Raw), sha256.Sum256(certificate.Raw) //nolint:gosec // see the import
	token.Header["x5t"] = base64.RawURLEncoding.EncodeToString(old[:])
	token.Header["x5t#S256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	signed, err := token.SignedString(key)
	if err != nil {
		return "", fmt.Errorf("sign in with a certificate: %w", err)
	}
	return signed, nil
}

func parsePEM(text string) (certificate *x509.Certificate, key *rsa.PrivateKey, err error) {
	rest := []byte(text)
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		switch {
		case block.Type == "CERTIFICATE" && certificate == nil: // the first is the principal's own, the rest its chain
			certificate, err = x509.ParseCertificate(block.Bytes)
		case block.Type == "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		case block.Type == "PRIVATE KEY":
			key, err = rsaKey(block.Bytes)
		}
		if err != nil {
			return nil, nil, errors.New("the PEM text cannot be read") // the cause may show parts of it
		}
	}
	if certificate == nil || key == nil {
		return nil, nil, errors.New("the PEM text lacks the certificate or the key")
	}
	if public, ok := certificate.PublicKey.(*rsa.PublicKey); !ok || !public.Equal(&key.PublicKey) {
		return nil, nil, errors.New("the key is not the certificate's")
	}
	return certificate, key, nil
}

func rsaKey(der []byte) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an RSA key")
	}
	return key, nil
}
