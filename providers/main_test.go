package providers_test

import (
	"os"
	"testing"

	"aurora/providers"
	"aurora/providers/confine"
)

// TestMain lets the test binary be what Aurora's is: a keeper of programs; and a parent that is killed.
func TestMain(m *testing.M) {
	if status, keeper := confine.Reexec(os.Args, os.Environ()); keeper {
		os.Exit(status)
	}
	if providers.PlayParent() {
		os.Exit(1)
	}
	os.Exit(m.Run())
}
