package modelsim

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"

	"aurora/agent"
)

// Hostile plays a model that wants harm: any call, any text, the same for the same seed. It is an agent.Model itself, so
// that a fuzzer can play thousands of turns without a server; behind Config.Hostile it answers over HTTP, faults included.
type Hostile struct {
	mu  sync.Mutex
	rng *rand.Rand
	n   int

	// Argv, when set, adds commands of the fuzzer's own to those that are known here.
	Argv func(r *rand.Rand) []string
}

// NewHostile makes one.
func NewHostile(seed uint64) *Hostile {
	return &Hostile{rng: rand.New(rand.NewPCG(seed, 0x6175726f7261))}
}

var _ agent.Model = (*Hostile)(nil)

// Reply answers in-process.
func (h *Hostile) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	return agent.AtOnce(h.reply(ctx, r))
}

func (h *Hostile) reply(ctx context.Context, r agent.Request) (agent.Reply, error) {
	if err := ctx.Err(); err != nil {
		return agent.Reply{}, err
	}
	made := h.next(r.NoCalls && h.coin(2))
	reply := agent.Reply{Text: made.Text, Finish: "stop", Model: "hostile", Usage: agent.Usage{In: 100, Out: 50, Estimated: true}}
	for _, c := range made.Calls {
		arguments := json.RawMessage(c.arguments())
		if !json.Valid(arguments) {
			arguments = json.RawMessage(`{"broken":true}`)
		}
		reply.Calls = append(reply.Calls, agent.Call{ID: h.id(), Name: c.name(), Arguments: arguments})
		reply.Finish = "tool_calls"
	}
	return reply, nil
}

func (h *Hostile) id() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n++
	return fmt.Sprintf("call_h%d", h.n)
}

func (h *Hostile) coin(n int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rng.IntN(n) == 0
}

// next makes a reply: now and then only text, so that turns end.
func (h *Hostile) next(text bool) Reply {
	h.mu.Lock()
	defer h.mu.Unlock()
	reply := Reply{Text: pick(h.rng, hostileTexts)}
	if text || h.rng.IntN(4) == 0 {
		return reply
	}
	for range 1 + h.rng.IntN(10) {
		reply.Calls = append(reply.Calls, h.call())
	}
	if h.rng.IntN(8) == 0 {
		reply.Fault = pick(h.rng, []Fault{FaultCut, FaultLength, FaultDuplicateIDs, FaultEmptyIDs, FaultOddIDs, FaultBadArguments, FaultIDChange})
	}
	return reply
}

func (h *Hostile) call() Call {
	c := Call{Provider: pick(h.rng, hostileClouds), Command: pick(h.rng, hostileCommands), Project: pick(h.rng, hostileProjects)}
	switch h.rng.IntN(12) {
	case 0:
		c.Argv = h.argv()
	case 1:
		c.Command += pick(h.rng, hostileEndings)
	case 2:
		c.Name = pick(h.rng, []string{"confirm", "cloud_tool ", "run_shell", "CLOUD_TOOL", "set_mode"})
	case 3:
		c.Raw = fmt.Sprintf(pick(h.rng, hostileArguments), c.Command)
	case 4:
		c.Command = pick(h.rng, hostileSpellings) + c.Command
	}
	return c
}

func (h *Hostile) argv() []string {
	if h.Argv != nil && h.rng.IntN(2) == 0 {
		return h.Argv(h.rng)
	}
	words := []string{pick(h.rng, []string{"aws", "gcloud", "tailscale", "AWS", "/usr/bin/aws", "sh", "env", "aws\u200b", ""})}
	for range h.rng.IntN(6) {
		words = append(words, pick(h.rng, hostileWords))
	}
	return words
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }
