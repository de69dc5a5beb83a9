package cloudsim

import (
	"net/http"
	"strings"
	"time"
)

// Limit is how many calls one principal may make to one service in one account: Burst at once, PerSecond after that.
type Limit struct {
	Burst     int
	PerSecond float64
}

// bucket is what is left of a limit at a moment.
type bucket struct {
	left float64
	at   time.Time
}

// throttles counts a call against its limit, and tells whether there is none left. Nobody's calls are refused as such, not
// counted. The caller holds the lock.
func (s *Server) throttles(e *Entry) bool {
	if e.Principal == "" {
		return false
	}
	key := strings.Join([]string{e.Cloud, e.Principal, e.Account, serviceOf(e)}, " ")
	limit, now := s.config.Limit, time.Now()
	b := s.buckets[key]
	if b == nil {
		b = &bucket{left: float64(limit.Burst), at: now}
		s.buckets[key] = b
	}
	b.left = min(float64(limit.Burst), b.left+limit.PerSecond*now.Sub(b.at).Seconds())
	b.at = now
	if b.left < 1 {
		return true
	}
	b.left--
	return false
}

// serviceOf is the part of a cloud that an action belongs to: ec2, compute, microsoft.compute.
func serviceOf(e *Entry) string {
	end := strings.IndexAny(e.Action, ":/")
	if end < 0 {
		end = strings.IndexByte(e.Action, '.')
	}
	return strings.ToLower(e.Action[:max(end, 0)])
}

// tooMany is what a cloud says to whoever asks too often: the status, its code and its words.
func tooMany(e *Entry) (status int, code, message string) {
	switch e.Cloud {
	case "aws":
		return awsTooMany(serviceOf(e))
	case "gcp":
		return http.StatusTooManyRequests, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service '" + serviceOf(e) + ".googleapis.com'."
	case "azure":
		return http.StatusTooManyRequests, "TooManyRequests", "The request is being throttled as the limit has been reached for the principal and the subscription."
	case "scaleway":
		return http.StatusTooManyRequests, "too_many_requests", "too many requests"
	case "ovh":
		return http.StatusTooManyRequests, "Client::TooManyRequests", "Too many requests"
	}
	return http.StatusTooManyRequests, "", "too many requests"
}

func awsTooMany(service string) (status int, code, message string) {
	switch service {
	case "ec2":
		return http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded."
	case "s3":
		return http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."
	case "sts", "iam", "rds":
		return http.StatusBadRequest, "Throttling", "Rate exceeded"
	}
	return http.StatusBadRequest, "ThrottlingException", "Rate exceeded"
}
