package slacksim

import (
	"math"
	"time"
)

// channelBurst is how many messages a channel takes at once before one a second is enforced.
const channelBurst = 4

// bucket is what is left of one rate.
type bucket struct {
	left float64
	at   time.Time
}

// take uses one request of a rate and returns how long to wait when there is none left, in whole seconds.
func (b *bucket) take(now time.Time, perSecond, burst float64) time.Duration {
	if b.at.IsZero() {
		b.left = burst
	} else {
		b.left = math.Min(burst, b.left+now.Sub(b.at).Seconds()*perSecond)
	}
	b.at = now
	if b.left >= 1 {
		b.left--
		return 0
	}
	return time.Duration(math.Ceil((1-b.left)/perSecond)) * time.Second
}

// limited returns how long a caller must wait before this call, 0 when it may go on.
func (s *Server) limited(method string, e endpoint, t *token, a args) time.Duration {
	team := ""
	if t.team != nil {
		team = t.team.ID
	}
	now := time.Now()
	if s.config.HistoryRestricted && (method == "conversations.history" || method == "conversations.replies") {
		return s.limit(method+" "+team).take(now, 1.0/60, 1)
	}
	if s.config.Rates == RatesOff {
		return 0
	}
	if method == "chat.postMessage" {
		return s.limit(method+" "+team+" "+a.str("channel")).take(now, 1, channelBurst)
	}
	return s.limit(method+" "+team).take(now, float64(e.tier)/60, float64(e.tier))
}

func (s *Server) limit(key string) *bucket {
	if s.limits[key] == nil {
		s.limits[key] = &bucket{}
	}
	return s.limits[key]
}
