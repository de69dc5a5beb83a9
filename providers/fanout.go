package providers

import (
	"context"
	"strings"
	"sync"
	"time"
)

const (
	sideBySide  = 4       // how many targets of a fan-out run at once
	leastOfView = 2 << 10 // bytes each section may show, however many there are
)

// runAll runs the command on all its targets, side by side. One that fails does not hide the others.
func (e *Executor) runAll(ctx context.Context, ask Ask, p Prepared) Result {
	sections := make([]Section, len(p.Targets))
	private := make([]string, len(p.Targets))
	view := max(e.MaxView/len(p.Targets), min(leastOfView, e.MaxView))
	room := make(chan struct{}, sideBySide)
	began := time.Now()
	var wg sync.WaitGroup
	for i, t := range p.Targets {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			sections[i], private[i] = e.runJob(ctx, job{ask: ask, prepared: p, target: t, view: view})
		})
	}
	wg.Wait()
	r := e.combine(ask, p, sections)
	r.Duration = Millis(time.Since(began))
	for i, secret := range private {
		if secret == "" {
			continue
		}
		if len(sections) > 1 {
			secret = sections[i].heading() + "\n" + secret
		}
		r.Private = strings.TrimPrefix(r.Private+"\n"+secret, "\n")
	}
	return r
}

// combine makes one result of the sections: ok when at least one is, failed when all that ran failed, an error when
// none ran.
func (e *Executor) combine(ask Ask, p Prepared, sections []Section) Result {
	r := e.describe(p)
	r.Sections = append([]Section(nil), sections...)
	r.AskerOnly = p.Ruling.AskerOnly
	if len(sections) == 1 {
		s := &r.Sections[0]
		r.Status, r.Output, r.Code, r.Error = s.Status, s.Output, s.Code, s.Error
		r.Truncated, r.Duration = s.Truncated, s.Duration
		s.Output = ""
		return r
	}
	var text strings.Builder
	for _, s := range sections {
		text.WriteString(s.block())
		r.Truncated = r.Truncated || s.Truncated
		switch {
		case s.Status == StatusOK:
			r.Status = StatusOK
		case s.Status == StatusFailed && r.Status == "":
			r.Status = StatusFailed
		}
	}
	r.Output = strings.TrimSpace(text.String())
	if r.Status == "" {
		r.Code, r.Error, r.Output = sections[0].Code, r.Output, ""
	}
	return r
}

// block is a section as text under its heading.
func (s Section) block() string {
	var b strings.Builder
	b.WriteString(s.heading() + "\n")
	for _, part := range []string{s.Output, s.Error} {
		if part != "" {
			b.WriteString(part + "\n")
		}
	}
	if s.Output == "" && s.Error == "" {
		b.WriteString("(no output)\n")
	}
	b.WriteString("\n")
	return b.String()
}
