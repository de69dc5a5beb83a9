package store_test

import (
	"errors"
	"strings"
	"testing"

	"aurora/store"
)

func TestPanicTextQuotesNothing(t *testing.T) {
	t.Parallel()
	caught := func(broken func()) (text string) {
		defer func() { text = store.PanicText(recover()) }()
		broken()
		return ""
	}
	none := []int{}
	if text := caught(func() { none[len(none)]++ }); !strings.Contains(text, "index out of range") {
		t.Errorf("of a fault of the program it says %q", text)
	}
	for _, value := range []any{"hunter2", errors.New("hunter2"), struct{ Text string }{"hunter2"}} {
		if text := caught(func() { panic(value) }); strings.Contains(text, "hunter2") || text == "" {
			t.Errorf("of %T it says %q", value, text)
		}
	}
}
