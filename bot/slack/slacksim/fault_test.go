package slacksim_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
)

func TestInjectedFaults(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	for _, c := range []struct {
		fault  slacksim.Fault
		status int // 0: no answer
		posted int
	}{
		{slacksim.Fault{Kind: slacksim.FaultRateLimit, RetryAfter: 7 * time.Second}, 429, 0},
		{slacksim.Fault{Kind: slacksim.FaultStatus}, 500, 0},
		{slacksim.Fault{Kind: slacksim.FaultStatus, Status: 503}, 503, 0},
		{slacksim.Fault{Kind: slacksim.FaultError, Error: "internal_error"}, 200, 0},
		{slacksim.Fault{Kind: slacksim.FaultCutBefore}, 0, 0},
		{slacksim.Fault{Kind: slacksim.FaultCutAfter}, 0, 1},
		{slacksim.Fault{Kind: slacksim.FaultDelay, Delay: time.Millisecond}, 200, 1},
		{slacksim.Fault{Kind: slacksim.FaultStatus, Skip: 1}, 200, 1},
	} {
		before, _ := s.Messages(ada, ops)
		c.fault.Method = "chat.postMessage"
		s.Inject(c.fault)
		response := tryPost(t, s)
		status := 0
		if response != nil {
			status = response.StatusCode
		}
		after, _ := s.Messages(ada, ops)
		if status != c.status || len(after)-len(before) != c.posted {
			t.Errorf("%+v: status %d, %d posted", c.fault, status, len(after)-len(before))
		}
		if status == 429 && response.Header.Get("Retry-After") != "7" {
			t.Errorf("Retry-After %q", response.Header.Get("Retry-After"))
		}
		s.ClearFaults()
	}
	if response := tryPost(t, s); response == nil || response.StatusCode != 200 {
		t.Errorf("faults outlived their calls: %v", response)
	}
}

// tryPost posts a line and returns the response, nil when the connection was cut.
func tryPost(t *testing.T, s *slacksim.Server) *http.Response {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL()+"chat.postMessage?channel="+ops+"&text=hi", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.BotToken(""))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	_ = response.Body.Close()
	return response
}

func TestHeldCallWaitsForItsRelease(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	s := start(t, slacksim.Config{OnCall: func(method string, phase slacksim.Phase) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, method+" "+string(phase))
	}})
	for _, c := range []struct {
		kind   slacksim.FaultKind
		posted int
	}{{slacksim.FaultHoldBefore, 0}, {slacksim.FaultHoldAfter, 2}} {
		id := s.Inject(slacksim.Fault{Method: "chat.postMessage", Kind: c.kind})
		done := make(chan *http.Response, 1)
		go func() { done <- tryPost(t, s) }()
		if err := s.WaitHeld(deadline(t), id); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.Messages(ada, ops); len(m) != c.posted {
			t.Errorf("%s: %d messages while held, want %d", c.kind, len(m), c.posted)
		}
		s.Release(id)
		if response := <-done; response == nil || response.StatusCode != 200 {
			t.Errorf("%s: %v after the release", c.kind, response)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"chat.postMessage before", "chat.postMessage after", "chat.postMessage before", "chat.postMessage after"}; !slices.Equal(told, want) {
		t.Errorf("hook heard %v", told)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, func() bool { return false }); err == nil {
		t.Error("waited for what never comes without an error")
	}
}
