package openai

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"aurora/agent"
)

var (
	errIdle  = errors.New("the stream stood still")
	errWhole = errors.New("the reply took too long")
	errMoved = errors.New("the server answers with a redirect")
)

// openError is an error before the first chunk: the request may be sent again.
type openError struct{ error }

func (e *openError) Unwrap() error { return e.error }

func malformed(detail string) *agent.Failure {
	return &agent.Failure{Kind: agent.FailMalformed, Detail: detail}
}

// failure says in our own words what went wrong. Nothing of err's text is kept: it may quote bodies, addresses and keys.
func failure(ctx context.Context, err error) *agent.Failure {
	var (
		ours   *agent.Failure
		api    *openai.Error
		inside *ssestream.StreamError
		large  *http.MaxBytesError
		early  *openError
	)
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.Is(err, errIdle):
		return &agent.Failure{Kind: agent.FailIdle, Detail: "the server sent nothing for too long"}
	case errors.Is(err, errMoved):
		return &agent.Failure{Kind: agent.FailRejected, Detail: "the server redirects elsewhere: set OPENAI_BASE_URL to the address it ends at"}
	case errors.Is(err, errWhole), errors.Is(context.Cause(ctx), errWhole):
		return &agent.Failure{Kind: agent.FailUnavailable, Detail: "the reply took too long"}
	case errors.As(err, &large):
		return &agent.Failure{Kind: agent.FailTooLarge, Detail: "the answer is larger than we take"}
	case errors.As(err, &api):
		return refused(api)
	case errors.As(err, &inside):
		return &agent.Failure{Kind: agent.FailTruncated, Detail: "the server broke the stream off with an error"}
	case errors.As(err, &early):
		return &agent.Failure{Kind: agent.FailUnavailable, Detail: "no connection to the server"}
	}
	return &agent.Failure{Kind: agent.FailTruncated, Detail: "the stream could not be read to its end"}
}

func refused(e *openai.Error) *agent.Failure {
	f := &agent.Failure{Kind: agent.FailRejected, Status: e.StatusCode}
	switch {
	case e.Code == "insufficient_quota":
		f.Kind = agent.FailQuota
	case e.StatusCode == http.StatusRequestEntityTooLarge, e.Code == "context_length_exceeded", e.StatusCode == http.StatusBadRequest && strings.Contains(e.Message, "context length"):
		f.Kind = agent.FailContext
	case e.StatusCode == http.StatusTooManyRequests:
		f.Kind = agent.FailLimited
	case e.StatusCode >= 500, e.StatusCode == http.StatusRequestTimeout, e.StatusCode == http.StatusConflict:
		f.Kind = agent.FailUnavailable
	}
	if e.Response != nil {
		f.After = retryAfter(e.Response.Header.Get("Retry-After"), time.Now())
	}
	return f
}

// retryAfter reads seconds or a date; 0 when there is neither.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// again tells whether the request may be sent once more by itself: the server was away or busy, and said nothing yet.
func again(f *agent.Failure, longest time.Duration) bool {
	return (f.Kind == agent.FailLimited || f.Kind == agent.FailUnavailable) && f.After <= longest
}

// wait waits as long as the server asked, else longer with every try.
func wait(ctx context.Context, after time.Duration, try int) error {
	if after == 0 {
		after = time.Duration(250<<min(try, 5)) * time.Millisecond
		after += rand.N(after / 2)
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
