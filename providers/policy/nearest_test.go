package policy

import (
	"math/rand/v2"
	"testing"
)

// A candidate is passed over by what its letters tell, so that must never be more than the edits there are.
func TestLettersNeverTellMoreThanTheEdits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same words each time
	word := func() string {
		b := make([]byte, 1+r.IntN(9))
		for i := range b {
			b[i] = "abc-"[r.IntN(4)]
		}
		return string(b)
	}
	for range 20_000 {
		a, b := word(), word()
		least := max(len(a), len(b)) - lettersOf(a).shared(b)
		if edits := distance(a, b, 99); least > edits {
			t.Fatalf("%q and %q are %d edits apart; their letters tell of %d", a, b, edits, least)
		}
	}
}

func TestNearestOfWhatPeopleMistype(t *testing.T) {
	t.Parallel()
	known := []string{"describe-images", "describe-instances", "describe-instance-types", "delete-volume", "run-instances", "--instance-ids"}
	for word, want := range map[string]string{
		"descibe-instances": "describe-instances", "describe-instnaces": "describe-instances", "describe-inst": "describe-instances", "--instnce-ids": "--instance-ids", "frobnicate": "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
