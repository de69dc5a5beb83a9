package agent_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// TestDraftsAreWholeLinesOfWhatMayBeTheAnswer: half a line may be half a mention; what turns out to be no answer is
// taken back; only the whole reply counts.
func TestDraftsAreWholeLinesOfWhatMayBeTheAnswer(t *testing.T) {
	t.Parallel()
	text := func(parts ...string) (all []agent.Piece) {
		for _, p := range parts {
			all = append(all, agent.Piece{Text: p})
		}
		return all
	}
	begun := []agent.Piece{{Call: true}}
	for name, c := range map[string]struct {
		pieces []agent.Piece
		reply  agent.Reply
		want   []string
	}{
		"no line is whole":       {text("a <!he", "re> b"), says("a <!here> b"), nil},
		"a mention in two":       {text("a <!he", "re> b\nc", "\nd"), says("x"), []string{"a <!here> b\n", "a <!here> b\nc\n"}},
		"lines in one piece":     {text("a\nb\nc"), says("x"), []string{"a\nb\n"}},
		"a call after words":     {append(text("I will look.\n"), begun...), calls("1", "read a"), []string{"I will look.\n", ""}},
		"words after a call":     {append(begun, text("a\nb\n")...), calls("1", "read a"), nil},
		"a call nobody foretold": {text("a\n"), calls("1", "read a"), []string{"a\n", ""}},
		"too long":               {text(strings.Repeat("x", 70<<10) + "\n"), says("x"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(c.reply, says("done"))
			b.model.pieces = map[int][]agent.Piece{0: c.pieces}
			o := b.run(t, askTurn(store.Ask, "list things"))
			var got []string
			for _, d := range eventsOf[agent.Drafted](o) {
				got = append(got, d.Text)
			}
			if diff := cmp.Diff(c.want, got); o.err != nil || diff != "" {
				t.Errorf("err %v, drafts (-want +got):\n%s", o.err, diff)
			}
		})
	}
}

func TestDraftOfAReplyThatBrokeOffIsTakenBack(t *testing.T) {
	t.Parallel()
	b := newBench(says("right"))
	b.model.pieces = map[int][]agent.Piece{0: {{Text: "wrong\n"}}}
	b.model.failures = map[int]error{0: &agent.Failure{Kind: agent.FailTruncated}}
	o := b.run(t, askTurn(store.Ask, "list things"))
	want := []agent.Drafted{{Step: 1, Text: "wrong\n"}, {Step: 1}}
	if diff := cmp.Diff(want, eventsOf[agent.Drafted](o)); diff != "" || o.final.Text != "right" {
		t.Errorf("the answer is %q, drafts (-want +got):\n%s", o.final.Text, diff)
	}
}

func TestDraftAfterDataIsForTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a"), says("x"))
	b.model.pieces = map[int][]agent.Piece{0: {{Text: "a\n"}}, 1: {{Text: "b\n"}}}
	b.runner.results["read a"] = providers.Result{Status: providers.StatusOK, Output: "rows", AskerOnly: true}
	drafts := eventsOf[agent.Drafted](b.run(t, askTurn(store.Ask, "list things")))
	if len(drafts) != 3 || drafts[0].Private || !drafts[2].Private {
		t.Errorf("drafts: %+v", drafts)
	}
}

// TestNobodyListeningEndsTheReply: whoever leaves in the middle of a draft ends the turn without a Final.
func TestNobodyListeningEndsTheReply(t *testing.T) {
	t.Parallel()
	b := newBench(says("x"))
	b.model.pieces = map[int][]agent.Piece{0: {{Text: "a\n"}, {Text: "b\n"}}}
	for e, err := range b.loop.Run(t.Context(), askTurn(store.Ask, "list"), b.journal) {
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := e.(agent.Drafted); ok {
			break
		}
		if _, ok := e.(agent.Final); ok {
			t.Fatal("the turn went on")
		}
	}
}

// TestWhatIsAboutToRunIsNamed: a call that runs is told with where it runs; one that is refused, held or replayed is not.
func TestWhatIsAboutToRunIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(calls("1", "read a", "delete b"), says("done"))
	o := b.run(t, askTurn(store.Agent, "list"))
	var got []string
	for _, e := range eventsOf[agent.CallStarted](o) {
		got = append(got, strings.Join(e.Shown, " "))
	}
	if diff := cmp.Diff([]string{"read a", ""}, got); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
}
