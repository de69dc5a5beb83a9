package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxCredentialPath = 512

// CheckCredentialPath refuses every path that CredentialPath does not make: other mounts, other trees, missing or
// further segments, and characters that a path or URL would give a meaning of its own.
func CheckCredentialPath(path string) error {
	rest, ok := strings.CutPrefix(path, "kv/data/aurora/")
	if !ok || len(path) > maxCredentialPath {
		return fmt.Errorf("%q is not the path of a credential", path)
	}
	parts := strings.Split(rest, "/")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "users" && parts[0] != "orgs" {
		return fmt.Errorf("%q is not the path of a credential", path)
	}
	if !slices.Contains(Clouds(), Cloud(parts[2])) {
		return fmt.Errorf("%q does not end with a cloud Aurora knows", path)
	}
	for _, part := range parts {
		if err := checkSegment(part); err != nil {
			return fmt.Errorf("%q is not the path of a credential: %w", path, err)
		}
	}
	return nil
}

func checkSegment(part string) error {
	if part == "" || strings.Trim(part, ".") == "" {
		return errors.New("a segment is empty or only dots")
	}
	for _, r := range part {
		if !inSegment(r) {
			return fmt.Errorf("the character %q is not allowed", r)
		}
	}
	return nil
}

func inSegment(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@:=~", r)
}

// asSegment writes a name so that it fits into a path and no two names fall together.
func asSegment(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if c := name[i]; c < utf8.RuneSelf && c != '=' && inSegment(rune(c)) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// CheckCredential refuses what no keeper could give back as it was: nothing at all, and text that is not UTF-8. It
// names the value that is wrong, never what it holds.
func CheckCredential(c Credential) error {
	if c.IsZero() {
		return errors.New("the credential is empty")
	}
	for name, value := range c.Reveal() {
		if name == "" || !utf8.ValidString(name) || !utf8.ValidString(value) {
			return fmt.Errorf("the credential's value %q has no name or is not UTF-8 text", name)
		}
	}
	return nil
}
