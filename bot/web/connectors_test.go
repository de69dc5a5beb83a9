package web

import (
	"testing"

	"aurora/store"
)

func TestAConnectionSaysUntilWhenItWorks(t *testing.T) {
	t.Parallel()
	c := store.Connection{Status: store.ConnectionActive, Settings: map[string]string{store.SettingExpires: "2026-12-01T08:30:00Z"}}
	for status, want := range map[store.ConnectionStatus]string{store.ConnectionActive: "connected, until 2026-12-01 08:30 UTC", store.ConnectionBroken: "needs a new sign-in"} {
		c.Status = status
		if got := rowOf(c, session{}, c.CreatedAt).State; got != want {
			t.Errorf("%s: %q, want %q", status, got, want)
		}
	}
	if got := rowOf(store.Connection{}, session{}, c.CreatedAt).State; got != "connected" {
		t.Errorf("without an end: %q", got)
	}
}
