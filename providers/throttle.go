package providers

import (
	"context"
	"math/rand/v2"
	"regexp"
	"time"

	"aurora/providers/policy"
)

// mostTries is how often a read is made in all while its cloud says that it is asked too often. The CLIs try again by
// themselves, within seconds; this is for what outlasts that.
const mostTries = 3

// throttledWords are how the clouds say that they are asked too often, in what CLIs and our own calls print.
var throttledWords = regexp.MustCompile(`\((?:Throttling|ThrottlingException|ThrottledException|RequestThrottled(?:Exception)?|RequestLimitExceeded|TooManyRequestsException|SlowDown|BandwidthLimitExceeded|ProvisionedThroughputExceededException)\)` +
	`|\b(?:rateLimitExceeded|userRateLimitExceeded|RATE_LIMIT_EXCEEDED|RESOURCE_EXHAUSTED: Quota exceeded for quota metric|TooManyRequests|SubscriptionRequestsThrottled)\b` +
	`|(?i:\b(?:HTTP(?:Error)?|status(?: code)?|code)[:= ]*429\b|\btoo many requests\b)`)

// throttled tells a run that failed since its cloud was asked too often.
func throttled(out Output) bool {
	return out.ExitCode != 0 && (throttledWords.Match(out.Stderr) || len(out.Stderr) == 0 && throttledWords.Match(out.Stdout))
}

// patiently runs a read again, after a while, when its cloud says that it is asked too often. What changes things runs
// once: some of it may have been done. The waits double, and end early when the run's time would.
func (e *Executor) patiently(ctx context.Context, j job, start func(context.Context) (Output, error)) (Output, error) {
	wait := e.Patience
	for try := 1; ; try++ {
		out, err := start(ctx)
		if err != nil || !throttled(out) {
			return out, err
		}
		out.Throttled = try
		if j.prepared.Verdict.Effect != policy.Read || try == mostTries {
			return out, nil
		}
		pause := wait/2 + rand.N(wait)
		if end, ok := ctx.Deadline(); ok && time.Until(end) < 2*pause {
			return out, nil
		}
		select {
		case <-ctx.Done():
			return out, context.Cause(ctx)
		case <-time.After(pause):
			wait *= 2
		}
	}
}

// throttledNote is said of a command that was not answered for being asked too often.
func throttledNote(tries int) string {
	switch tries {
	case 0:
		return ""
	case 1:
		return "The cloud says that it is asked too often. Try again in a minute."
	}
	return "The cloud says that it is asked too often, also when it was asked again after a while. Try again in a minute, or ask for less."
}
