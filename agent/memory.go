package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// Recaller keeps thread memory: capped lists, oldest entry first, that end by themselves. *redis.DB is one.
type Recaller interface {
	Remember(ctx context.Context, thread, layer string, entry json.RawMessage) error
	Recall(ctx context.Context, thread, layer string) ([]json.RawMessage, error)
}

// Memory is what a thread remembers, in two layers: what was posted for everyone to read, and what commands showed to
// one user, which no one else's turn is told. The loop recalls both and keeps findings; bot says what was posted, since
// it alone knows who could read it. Entries may be kept twice: they are told once.
type Memory struct{ Keep Recaller }

// Remembered is one thing a thread remembers.
type Remembered struct {
	Turn   string `json:"turn"`
	Kind   string `json:"kind"` // "ask", "answer" or "finding"
	User   string `json:"user,omitempty"`
	Text   string `json:"text"`
	Origin string `json:"origin,omitempty"` // of a finding: the command

	Private bool `json:"private,omitempty"` // it holds what the asker alone may see: who is told of it whispers too
}

const (
	kindAsk     = "ask"
	kindAnswer  = "answer"
	kindFinding = "finding"

	layerPosted = "posted"
)

func layerOf(userID string) string { return "user:" + userID }

// Posted keeps an exchange that everybody in the thread could read. Call it once the answer is public, never for a whisper.
func (m Memory) Posted(ctx context.Context, thread, turn, userID, ask, answer string) error {
	return m.exchange(ctx, thread, layerPosted, Remembered{Turn: turn, User: userID}, ask, answer)
}

// Whispered keeps an exchange for the asker alone. private says that it holds what may never stand in the open: a turn
// that is told of it is for the asker alone as well.
func (m Memory) Whispered(ctx context.Context, thread, turn, userID, ask, answer string, private bool) error {
	return m.exchange(ctx, thread, layerOf(userID), Remembered{Turn: turn, User: userID, Private: private}, ask, answer)
}

// Found keeps what a command showed, for the asker alone.
func (m Memory) Found(ctx context.Context, thread, turn, userID, origin, text string) error {
	return m.put(ctx, thread, layerOf(userID), Remembered{Turn: turn, Kind: kindFinding, User: userID, Text: text, Origin: origin})
}

func (m Memory) exchange(ctx context.Context, thread, layer string, r Remembered, ask, answer string) error {
	private := r.Private
	r.Kind, r.Text, r.Private = kindAsk, ask, false // his own words are his to say
	if err := m.put(ctx, thread, layer, r); err != nil {
		return err
	}
	r.Kind, r.Text, r.Private = kindAnswer, answer, private
	return m.put(ctx, thread, layer, r)
}

func (m Memory) put(ctx context.Context, thread, layer string, r Remembered) error {
	if m.Keep == nil || r.Text == "" {
		return nil
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode memory: %w", err)
	}
	if err := m.Keep.Remember(ctx, thread, layer, raw); err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return nil
}

// recall reads one layer, each entry once. What cannot be read is left out: memory has no authority.
func (m Memory) recall(ctx context.Context, thread, layer string) ([]Remembered, error) {
	if m.Keep == nil || thread == "" {
		return nil, nil
	}
	raws, err := m.Keep.Recall(ctx, thread, layer)
	if err != nil {
		return nil, fmt.Errorf("recall %s: %w", layer, err)
	}
	var found []Remembered
	for _, raw := range raws {
		var r Remembered
		if json.Unmarshal(raw, &r) == nil && r.Text != "" && !slices.Contains(found, r) {
			found = append(found, r)
		}
	}
	return found, nil
}
