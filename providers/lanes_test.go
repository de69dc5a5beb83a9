package providers

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

// TestClicksTakeAPlaceInFront fills a lane and has reads and clicks wait for it.
func TestClicksTakeAPlaceInFront(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l lanes
		var leaves []func()
		for _, front := range []bool{true, false} {
			leave, err := l.enter(t.Context(), "a", front)
			if err != nil {
				t.Fatal(err)
			}
			leaves = append(leaves, leave)
		}
		var order []string
		left := make(chan func(), 4)
		wait := func(ctx context.Context, name string, front bool) {
			go func() {
				leave, err := l.enter(ctx, "a", front)
				if err != nil {
					order = append(order, name+" gave up")
					return
				}
				order = append(order, name)
				left <- leave
			}()
			synctest.Wait()
		}
		stopped, stop := context.WithCancelCause(t.Context())
		wait(t.Context(), "read 1", false)
		wait(stopped, "read 2", false)
		wait(t.Context(), "read 3", false)
		wait(t.Context(), "click 1", true)
		wait(t.Context(), "click 2", true)
		if len(order) != 0 {
			t.Fatalf("more than %d are in: %q", perLane, order)
		}
		stop(errors.New("stopped"))
		synctest.Wait()
		for _, leave := range leaves {
			leave()
			synctest.Wait()
		}
		for range 2 {
			(<-left)()
			synctest.Wait()
		}
		if want := []string{"read 2 gave up", "click 1", "click 2", "read 1", "read 3"}; !slices.Equal(order, want) {
			t.Errorf("%q", order)
		}
		for range 2 {
			(<-left)()
		}
		if len(l.open) != 0 {
			t.Errorf("%d lanes stay", len(l.open))
		}
	})
}

// TestClicksAreCountedButNeedNoRoom has two clicks fill the lane of an account, without any room.
func TestClicksAreCountedButNeedNoRoom(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	b.room = make(chan struct{}, 1)
	var leaves []func()
	for range perLane {
		leave, err := b.enter(t.Context(), job{confirmation: "conf_1/0"})
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	if len(b.room) != 1 {
		t.Error("a click takes no room though there is some")
	}
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errTimeout)
	if _, err := b.enter(stopped, job{confirmation: "conf_1/1"}); !errors.Is(err, errTimeout) {
		t.Errorf("a third click: %v", err)
	}
	for _, leave := range leaves {
		leave()
	}
	if len(b.room) != 0 || len(b.lanes.open) != 0 {
		t.Errorf("%d places and %d lanes stay taken", len(b.room), len(b.lanes.open))
	}
}
