package redis

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// address is a Redis URL taken apart.
type address struct {
	tls, sentinel  bool
	user, password string
	hosts          []string
	path           []string
	query          url.Values
}

// parse reads a Redis URL. net/url is not used for the whole: it refuses several hosts, and its errors quote the
// password.
func parse(raw string) (*goredis.UniversalOptions, error) {
	addr, err := split(raw)
	if err != nil {
		return nil, fmt.Errorf("read the Redis URL: %w", err)
	}
	opts := defaults()
	opts.Addrs, opts.Username, opts.Password = addr.hosts, addr.user, addr.password
	if addr.tls {
		opts.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	number := addr.path
	if addr.sentinel {
		opts.MasterName, number = addr.path[0], addr.path[1:]
		opts.SentinelUsername = addr.query.Get("sentinel_user")
		opts.SentinelPassword = addr.query.Get("sentinel_password")
	}
	if opts.DB, err = database(number); err != nil {
		return nil, fmt.Errorf("read the Redis URL: %w", err)
	}
	return opts, nil
}

// defaults are the limits of every connection. Nothing is retried here: a script whose answer was lost may have run,
// and the callers know what may be repeated.
func defaults() *goredis.UniversalOptions {
	return &goredis.UniversalOptions{
		MaxRetries:               -1,
		DialTimeout:              time.Second,
		DialerRetries:            1,
		ReadTimeout:              time.Second,
		WriteTimeout:             time.Second,
		PoolTimeout:              time.Second,
		PoolSize:                 32,
		ContextTimeoutEnabled:    true,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

func split(raw string) (address, error) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return address{}, errors.New("it must begin with redis://, rediss:// or redis+sentinel://")
	}
	addr, err := withScheme(scheme)
	if err != nil {
		return address{}, err
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if path != "" {
		addr.path = strings.Split(path, "/")
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		if addr.user, addr.password, err = userinfo(authority[:at]); err != nil {
			return address{}, err
		}
		authority = authority[at+1:]
	}
	if addr.query, err = url.ParseQuery(query); err != nil {
		return address{}, errors.New("what follows the ? cannot be read")
	}
	if addr.hosts, err = hosts(authority, addr.sentinel); err != nil {
		return address{}, err
	}
	return addr, addr.check()
}

func withScheme(scheme string) (address, error) {
	switch scheme {
	case "redis":
		return address{}, nil
	case "rediss":
		return address{tls: true}, nil
	case "redis+sentinel":
		return address{sentinel: true}, nil
	case "rediss+sentinel":
		return address{tls: true, sentinel: true}, nil
	}
	return address{}, fmt.Errorf("scheme %q is not known: use redis, rediss, redis+sentinel or rediss+sentinel", scheme)
}

// check refuses what would otherwise be silently ignored.
func (a address) check() error {
	if len(a.hosts) > 1 && !a.sentinel {
		return errors.New("several hosts need redis+sentinel://; Redis Cluster is not supported")
	}
	if a.sentinel && (len(a.path) == 0 || a.path[0] == "") {
		return errors.New("name the master after the hosts, as in redis+sentinel://host:26379/mymaster/0")
	}
	for name := range a.query {
		if !a.sentinel || name != "sentinel_user" && name != "sentinel_password" {
			return fmt.Errorf("option %q is not known", name)
		}
	}
	return nil
}

func userinfo(raw string) (user, password string, err error) {
	user, password, _ = strings.Cut(raw, ":")
	user, err = url.PathUnescape(user)
	if err == nil {
		password, err = url.PathUnescape(password)
	}
	if err != nil { // the cause would quote the password
		return "", "", errors.New("write special characters of user and password as %XX")
	}
	return user, password, nil
}

func hosts(authority string, sentinel bool) ([]string, error) {
	port := "6379"
	if sentinel {
		port = "26379"
	}
	var out []string
	for _, host := range strings.Split(authority, ",") {
		name, given, err := net.SplitHostPort(host)
		if err != nil {
			name, given = strings.Trim(host, "[]"), port
		}
		if n, err := strconv.Atoi(given); err != nil || n < 1 || n > 65535 {
			return nil, errors.New("a port is not a number from 1 to 65535; a / or # in the password must be written as %XX")
		}
		if name == "" || strings.ContainsAny(name, " \t\r\n#") {
			return nil, errors.New("a host is missing or cannot be read")
		}
		out = append(out, net.JoinHostPort(name, given))
	}
	return out, nil
}

// database reads the number that may end the path.
func database(path []string) (int, error) {
	if len(path) == 0 || len(path) == 1 && path[0] == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(path[0])
	if err != nil || n < 0 || len(path) > 1 {
		return 0, errors.New("the path must end with the number of the database, as in /0")
	}
	return n, nil
}
