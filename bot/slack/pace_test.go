package slack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// paper is a Slack that says yes to everything and keeps what was said when. It needs no network, so time can be fake.
type paper struct {
	mu    sync.Mutex
	start time.Time
	said  []string
	took  []time.Duration
}

func (p *paper) Do(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	if method := r.URL.Path[len("/api/"):]; method != "auth.test" && method != "assistant.threads.setStatus" && method != "agents.sessions.setStatus" {
		p.said = append(p.said, form.Get("text"))
		p.took = append(p.took, time.Since(p.start))
	}
	answer := `{"ok":true,"ts":"1700000000.000001","channel":"C1","team_id":"T1","user_id":"UB"}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(answer)))}, nil
}

func onPaper(change ...func(*Config)) (*Adapter, *paper) {
	c := Config{}
	for _, f := range change {
		f(&c)
	}
	a, p := New(c), &paper{start: time.Now()}
	a.api = slackgo.New("", slackgo.OptionHTTPClient(p))
	return a, p
}

func TestPostsKeepToOneASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := onPaper()
		var posting sync.WaitGroup
		for range 10 {
			for _, channel := range []string{"C1", "C2"} {
				posting.Go(func() {
					if _, err := a.Post(t.Context(), store.Place{Channel: channel}, bot.Message{Notice: channel}, bot.Meta{}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		posting.Wait()
		if took, want := time.Since(p.start), (10-postBurst)*time.Second; took != want {
			t.Errorf("ten posts in each of two channels took %s, want %s", took, want)
		}
	})
}

func TestPostWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := onPaper(func(c *Config) {
			c.Pace = func(context.Context, string, time.Duration, int) (time.Duration, error) { return time.Hour, nil }
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var later *bot.Later
		if _, err := a.Post(ctx, store.Place{Channel: "C1"}, bot.Message{Notice: "x"}, bot.Meta{}); !errors.As(err, &later) || len(p.said) > 0 {
			t.Errorf("got %v with %d posts", err, len(p.said))
		}
	})
}

func TestPaceOfOneProcessHelpsOutForThatOfAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _ := onPaper(func(c *Config) {
			c.Pace = func(context.Context, string, time.Duration, int) (time.Duration, error) {
				return 0, store.ErrUnavailable
			}
		})
		began := time.Now()
		for range postBurst + 2 {
			if _, err := a.Post(t.Context(), store.Place{Channel: "C1"}, bot.Message{Notice: "x"}, bot.Meta{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestProgressIsCoalescedAndTheFinalWordIsNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := onPaper()
		where := store.Place{Channel: "C1"}
		ts, err := a.Post(t.Context(), where, bot.Message{Status: "0"}, bot.Meta{})
		if err != nil {
			t.Fatal(err)
		}
		update := func(m bot.Message) {
			t.Helper()
			if err := a.Update(t.Context(), where, ts, m); err != nil {
				t.Fatal(err)
			}
		}
		for _, word := range []string{"1", "2", "3", "4", "5", "6", "7"} {
			time.Sleep(time.Second)
			update(bot.Message{Status: word})
		}
		time.Sleep(500 * time.Millisecond)
		update(bot.Message{Notice: "final"})
		time.Sleep(time.Minute)
		synctest.Wait()
		want := map[string]time.Duration{"0": 0, "2": 3 * time.Second, "5": 6 * time.Second, "final": 7500 * time.Millisecond}
		// At the full second the word said then and the one that waited come together; either is the last.
		if len(p.said) != 4 || p.said[3] != "final" || p.took[3] != want["final"] || p.took[1] != 3*time.Second || p.took[2] != 6*time.Second {
			t.Errorf("said %v at %v", p.said, p.took)
		}
	})
}

func TestLastWordOnProgressIsShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := onPaper()
		where := store.Place{Channel: "C1"}
		for _, word := range []string{"1", "2", "3"} {
			if err := a.Update(t.Context(), where, "1.1", bot.Message{Status: word}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(p.said) != 2 || p.said[1] != "3" || p.took[1] != updateEvery {
			t.Errorf("said %v at %v", p.said, p.took)
		}
	})
}

func TestSlotsAreGivenInTurn(t *testing.T) {
	t.Parallel()
	var p pacer
	now := time.Now()
	for i, want := range []time.Duration{0, 0, 1, 2, 3} {
		if got := p.take("k", time.Second, 2, now); got != want*time.Second {
			t.Errorf("slot %d comes after %s, want %s", i, got, want*time.Second)
		}
	}
	if got := p.take("other", time.Second, 2, now); got != 0 {
		t.Errorf("another key waits %s", got)
	}
	if got := p.take("k", time.Second, 2, now.Add(time.Minute)); got != 0 {
		t.Errorf("after a minute it still waits %s", got)
	}
}

// TestWordOnProgressIsDroppedWithItsTurn: a word that waited for its time is not said once its turn is over, or somebody
// else's.
func TestWordOnProgressIsDroppedWithItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, p := onPaper()
		ctx, cancel := context.WithCancel(t.Context())
		for _, word := range []string{"1", "2"} {
			if err := a.Update(ctx, store.Place{Channel: "C1"}, "1.1", bot.Message{Status: word}); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(p.said) != 1 {
			t.Errorf("said %v", p.said)
		}
	})
}
