package slack

import (
	"context"
	"sync"
	"time"

	"aurora/bot"
	"aurora/store"
)

const (
	postEvery   = time.Second // Slack: about one message a second in a channel
	postBurst   = 3
	updateEvery = 3 * time.Second // Slack: no more than one update of a message in about that time
)

// awaitTurn waits until a channel may hear the next message. It stands in line for as long as that takes: who left would
// begin again at the end.
func (a *Adapter) awaitTurn(ctx context.Context, place store.Place) error {
	wait := a.takeSlot(ctx, "slack:post:"+place.Team+":"+place.Channel, postEvery, postBurst)
	if wait > 0 && !sleep(ctx, wait) {
		return &bot.Later{After: postEvery}
	}
	return nil
}

// takeSlot takes the next slot of the pace all replicas share; of this process's own when that is away.
func (a *Adapter) takeSlot(ctx context.Context, key string, every time.Duration, burst int) time.Duration {
	if a.config.Pace != nil {
		if wait, err := a.config.Pace(ctx, key, every, burst); err == nil {
			return wait
		}
	}
	return a.pace.take(key, every, burst, time.Now())
}

// pacer gives out slots: burst at once and then one in every interval, by key. A slot given is taken. It keeps one time
// per key: when the key's bucket will be full again.
type pacer struct {
	mu   sync.Mutex
	full map[string]time.Time
}

const pacerRoom = 10_000

func (p *pacer) take(key string, every time.Duration, burst int, now time.Time) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full == nil || len(p.full) > pacerRoom {
		p.prune(now)
	}
	full := p.full[key]
	if full.Before(now) {
		full = now
	}
	p.full[key] = full.Add(every)
	return max(0, full.Sub(now)-time.Duration(burst-1)*every)
}

func (p *pacer) prune(now time.Time) {
	kept := map[string]time.Time{}
	for key, full := range p.full {
		if full.After(now) {
			kept[key] = full
		}
	}
	p.full = kept
}

// progress keeps words on progress apart by updateEvery: of those that come in between only the last is shown, and none
// after the final word.
type progress struct {
	mu   sync.Mutex
	open map[string]*progressing
}

// progressing is a message that is being updated. Its lock is held while something is sent, so that a word on progress
// never lands on top of a final one.
type progressing struct {
	mu    sync.Mutex
	last  time.Time
	next  *bot.Message
	ctx   context.Context // of whoever said next: once it is over nobody wants it shown
	due   time.Time
	timer *time.Timer
}

const progressRoom = 10_000

func (p *progress) of(channel, ts string) *progressing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open == nil || len(p.open) > progressRoom {
		p.open = map[string]*progressing{} // what is forgotten is at worst updated once too early
	}
	key := channel + ":" + ts
	if p.open[key] == nil {
		p.open[key] = &progressing{}
	}
	return p.open[key]
}

// touched notes that the message was just posted.
func (p *progress) touched(channel, ts string) {
	m := p.of(channel, ts)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = time.Now()
}

// final drops what was to be shown: something better follows now.
func (p *progress) final(channel, ts string) {
	m := p.of(channel, ts)
	m.mu.Lock()
	m.next = nil
	if m.timer != nil {
		m.timer.Stop()
		m.timer = nil
	}
	m.last = time.Now()
	m.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, channel+":"+ts)
}

// showProgress shows a word on progress now or when its time has come.
func (a *Adapter) showProgress(ctx context.Context, place store.Place, ts string, m bot.Message) error {
	p := a.progress.of(place.Channel, ts)
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := updateEvery - time.Since(p.last)
	if wait <= 0 && p.timer == nil {
		wait = a.takeSlot(ctx, "slack:update:"+place.Channel+":"+ts, updateEvery, 1)
	}
	if wait <= 0 && p.timer == nil {
		a.sendProgress(ctx, p, place, ts, m)
		return nil
	}
	p.next, p.ctx = &m, ctx
	if p.timer == nil {
		p.due = time.Now().Add(wait)
		p.timer = time.AfterFunc(wait, func() { a.beside(func() { a.flush(p, place, ts) }) })
	}
	return nil
}

// tooLate is how long behind its time a word on progress is dropped: the process stood still meanwhile, and somebody else
// may have put the answer there.
const tooLate = 2 * time.Second

// flush shows the last word that waited.
func (a *Adapter) flush(p *progressing, place store.Place, ts string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer = nil
	if p.next == nil {
		return
	}
	m := *p.next
	p.next = nil
	if p.ctx.Err() != nil || time.Since(p.due) > tooLate {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, replyTime)
	defer cancel()
	a.sendProgress(ctx, p, place, ts, m)
}

// sendProgress shows it. Failing is no loss: the final word follows anyhow.
func (a *Adapter) sendProgress(ctx context.Context, p *progressing, place store.Place, ts string, m bot.Message) {
	p.last = time.Now()
	err := a.stillFor(ctx, place, m)
	if err == nil {
		err = a.update(ctx, place, ts, m, nil)
	}
	if err != nil {
		a.config.Log.Debug().Str("why", safe(err)).Msg("a word on progress was not shown")
		return
	}
	a.showStatus(ctx, place, m, false)
}
