package sql_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/storetest"
)

// Every number here is taken with the disk waited for.
func forEngines(b *testing.B, bench func(b *testing.B, e *engine)) {
	b.Run("postgres", func(b *testing.B) {
		_, serve := storetest.PostgresDurable(b)
		bench(b, &engine{name: "postgres", url: serve, raw: openRaw(b, "pgx", storetest.PostgresAdmin(b, serve))})
	})
	b.Run("sqlite", func(b *testing.B) { bench(b, sqliteEngine(b)) })
}

// BenchmarkReceive is the time from an event's arrival to its commit, one after the other and with many in flight.
func BenchmarkReceive(b *testing.B) {
	for _, flight := range []int{1, 64, 2000} {
		b.Run("inflight="+strconv.Itoa(flight), func(b *testing.B) {
			forEngines(b, func(b *testing.B, e *engine) {
				db := e.open(b, "r1")
				var next atomic.Int64
				var mu sync.Mutex
				var took []time.Duration
				b.ResetTimer()
				var wg sync.WaitGroup
				for range flight {
					wg.Go(func() {
						for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
							start := time.Now()
							if _, err := db.Receive(b.Context(), event("k"+name(int(n)), "thread "+name(int(n%1000)), ada)); err != nil {
								b.Error(err)
								return
							}
							mu.Lock()
							took = append(took, time.Since(start))
							mu.Unlock()
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		})
	}
}

// BenchmarkAudit is three writers that append to one chain.
func BenchmarkAudit(b *testing.B) {
	forEngines(b, func(b *testing.B, e *engine) {
		db := e.open(b, "r1")
		var next atomic.Int64
		b.ResetTimer()
		for _, err := range race(3, func(int) error {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := db.Audit(b.Context(), auditEntry(int(n))); err != nil {
					return err
				}
			}
			return nil
		}) {
			must(b, err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
}

// BenchmarkClaim is eight workers that claim and release, with ten thousand idle threads beside.
func BenchmarkClaim(b *testing.B) {
	forEngines(b, func(b *testing.B, e *engine) {
		db := e.open(b, "r1")
		_, err := e.raw.ExecContext(b.Context(), `INSERT INTO threads (key) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
			SELECT 'idle ' || i FROM n`)
		must(b, err)
		for i := range 100 {
			receive(b, db, event(name(i), "thread "+name(i), ada))
		}
		var next atomic.Int64
		b.ResetTimer()
		for _, err := range race(8, func(i int) error {
			for next.Add(1) <= int64(b.N) {
				c, err := db.Claim(b.Context(), name(i))
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if err := db.Release(b.Context(), c); err != nil {
					return err
				}
			}
			return nil
		}) {
			must(b, err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
	})
}
