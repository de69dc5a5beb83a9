package store

import "testing"

func TestEveryAccountNameFitsIntoAPathOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for account, want := range map[string]string{
		"123456789012": "123456789012", "ada@example.com": "ada@example.com", "eu:ac12345-ovh": "eu:ac12345-ovh",
		"ada+x@example.com": "ada=2Bx@example.com", "ada=2Bx@example.com": "ada=3D2Bx@example.com", "o'neil@example.com": "o=27neil@example.com",
		"a/b": "a=2Fb", "ü": "=C3=BC",
	} {
		path := CredentialPath("", "usr_1", GCP, account, false)
		if path != "kv/data/aurora/users/usr_1/gcp/"+want {
			t.Errorf("%q lies at %s", account, path)
		}
		if err := CheckCredentialPath(path); err != nil {
			t.Errorf("%q: %v", account, err)
		}
		if other, taken := seen[path]; taken {
			t.Errorf("%q and %q lie at one path", account, other)
		}
		seen[path] = account
	}
}
