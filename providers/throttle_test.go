package providers

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/store"
)

// throttling is a CLI that is throttled as often as the file left says, in the words given.
const throttling = `n=$(/bin/cat %[1]s/left); [ "$n" = 0 ] && { echo fine; exit 0; }; echo $((n-1)) >%[1]s/left; echo %[2]q >&2; exit 254`

func throttledBench(t *testing.T, times int, words string) *bench {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/left", []byte(fmt.Sprint(times)), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, fmt.Sprintf(throttling, dir, words))
	b.Patience = time.Millisecond
	b.connect(store.AWS, "c1", "111122223333")
	return b
}

func TestAThrottledReadIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"An error occurred (ThrottlingException) when calling the DescribeInstances operation: Rate exceeded",
		"An error occurred (RequestLimitExceeded) when calling the DescribeInstances operation (reached max retries: 4)",
		"ERROR: (gcloud.compute.instances.list) HTTPError 429: rateLimitExceeded", "(TooManyRequests) The request is being throttled.", "scw: http error 429 Too Many Requests",
	} {
		b := throttledBench(t, 2, words)
		r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
		if r.Status != StatusOK || r.Output != "fine" || len(b.runs(t)) != 3 || len(b.ledger.intents) != 1 {
			t.Errorf("%s: %d runs, %+v", words, len(b.runs(t)), r)
		}
	}
}

func TestPatienceHasAnEnd(t *testing.T) {
	t.Parallel()
	const words = "An error occurred (Throttling) when calling X"
	b := throttledBench(t, 9, words)
	r := b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask))
	if r.Status != StatusFailed || len(b.runs(t)) != mostTries || !strings.Contains(r.Output, "asked too often") {
		t.Errorf("%d runs: %+v", len(b.runs(t)), r)
	}
	b = throttledBench(t, 9, words)
	b.Patience, b.ReadTimeout = time.Hour, 20*time.Second
	if r = b.Run(context.Background(), ask("aws ec2 describe-instances", store.Ask)); r.Status != StatusFailed || len(b.runs(t)) != 1 {
		t.Errorf("it waited for longer than the run may take: %+v", r)
	}
}

func TestAThrottledChangeIsNotMadeAgain(t *testing.T) {
	t.Parallel()
	b := throttledBench(t, 1, "An error occurred (RequestLimitExceeded) when calling StartInstances")
	r := b.Run(context.Background(), ask("aws ec2 start-instances", store.Agent))
	if r.Status != StatusFailed || len(b.runs(t)) != 1 {
		t.Errorf("%d runs: %+v", len(b.runs(t)), r)
	}
}

func TestOtherFailuresAreNotTakenForThrottling(t *testing.T) {
	t.Parallel()
	for _, words := range []string{"An error occurred (AccessDenied)", "instance i-429 not found", "the bucket SlowDown does not exist", "error 4290"} {
		if throttled(Output{ExitCode: 1, Stderr: []byte(words)}) {
			t.Errorf("%s", words)
		}
	}
	if throttled(Output{Stderr: []byte("(ThrottlingException) but it was answered")}) {
		t.Error("a run that went well was throttled")
	}
}

func TestTwoCallsToOneAccountsServiceAtOnce(t *testing.T) {
	t.Parallel()
	gate := t.TempDir()
	b := newBench(t, fmt.Sprintf(`m=$(/bin/mktemp %[1]s/in.$ACCOUNT.XXXXXX); while [ ! -e %[1]s/open ]; do /bin/sleep 0.01; done`, gate))
	b.connect(store.AWS, "c1", "111")
	b.connect(store.AWS, "c2", "222")
	done := make(chan Result, 5)
	for i := range 5 {
		a := ask("aws ec2 describe-instances", store.Ask)
		a.Call = fmt.Sprint("call_", i)
		go func() { done <- b.Run(context.Background(), a) }()
	}
	inside := func(account string) int { found, _ := filepath.Glob(gate + "/in." + account + ".*"); return len(found) }
	await(t, "two in each account", func() bool { return inside("111") == perLane && inside("222") == perLane })
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	a := ask("aws ec2 describe-instances --account-id=111", store.Ask)
	a.Call = "late"
	if r := b.Run(stopped, a); r.Code != CodeCancelled {
		t.Errorf("who was stopped went on waiting: %+v", r)
	}
	if inside("111") != perLane || inside("222") != perLane {
		t.Errorf("%d and %d at once", inside("111"), inside("222"))
	}
	if err := os.WriteFile(gate+"/open", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if r := <-done; r.Status != StatusOK {
			t.Errorf("%+v", r)
		}
	}
	if inside("111") != 5 || inside("222") != 5 || len(b.lanes.open) != 0 {
		t.Errorf("%d and %d ran; %d lanes stay", inside("111"), inside("222"), len(b.lanes.open))
	}
}
