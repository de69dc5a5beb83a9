package bot

import (
	"strings"
	"testing"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// afterALostAnswer is an office whose answer to one ask stands there though nobody heard so, and is found when it is tried
// again. It gives the ts of the ask, and how often the answer was said over itself.
func afterALostAnswer(t *testing.T, answer events) (o *office, ts string, again *[]Message) {
	t.Helper()
	o, again = newOffice(t), &[]Message{}
	o.Agent = answer
	stands := ""
	o.room.onFind = func() (string, error) {
		if stands == "" {
			return "", store.ErrNotFound
		}
		return stands, nil
	}
	o.room.onUpdate = func(at string) error {
		if at != stands {
			return ErrGone // somebody took the placeholder away, so that the answer is posted
		}
		*again = append(*again, o.room.said[at])
		return nil
	}
	o.room.onPost = func(m Message) error {
		if m.Status != "" {
			return nil
		}
		stands = "9.9"
		o.room.said[stands], o.room.order = m, append(o.room.order, stands)
		return ErrInDoubt
	}
	ts = o.put("U1", "list")
	o.tryUntilQuiet(5)
	return o, ts, again
}

func TestAnswerThatStandsGetsTheFileItPromises(t *testing.T) {
	t.Parallel()
	o, _, again := afterALostAnswer(t, events{
		agent.CallDone{Step: 1, Ran: true, Result: providers.Result{Status: providers.StatusOK, Output: "long output", Argv: []string{"aws", "s3", "ls"}}},
		agent.Final{State: store.TurnDone},
	})
	if len(*again) != 1 || o.stands("Looking") != 1 || len(o.room.order) != 2 {
		t.Fatalf("said again %d times; said %q", len(*again), o.room.words())
	}
	if m := o.room.said["9.9"]; len(m.Outputs) != 1 {
		t.Errorf("what stands there now: %+v", m)
	}
}

func TestAnswerThatStandsIsRemembered(t *testing.T) {
	t.Parallel()
	o, ts, again := afterALostAnswer(t, events{agent.Final{Text: "CANARY", State: store.TurnDone}})
	if len(*again) != 0 {
		t.Errorf("an answer without a file was said again: %+v", *again)
	}
	if got := o.recalled("T1:C1:"+ts, "posted"); !strings.Contains(got, "CANARY") {
		t.Errorf("the thread remembers %q", got)
	}
}
