package ovh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"

	"aurora/providers/policy"
)

// command is a resolved command with the project it works in.
type command struct {
	policy.Call
	project string
}

// verb runs one typed command and gives what is printed as JSON.
type verb func(ctx context.Context, c client, cmd command) (any, error)

// verbs are the typed commands by the name that policy's grammar gives them.
var verbs = allVerbs()

// thing is a kind of thing that can be listed and shown.
type thing struct {
	name string   // in the grammar, before list and get
	arg  string   // of get
	path []string // "" stands for the project, "*" for a region
	bare bool     // the list has names only
}

var things = []thing{
	{"cloud project", "project", []string{"cloud", "project"}, true},
	{"cloud instance", "instance", []string{"cloud", "project", "", "instance"}, false},
	{"cloud kube", "cluster", []string{"cloud", "project", "", "kube"}, true},
	{"cloud volume", "volume", []string{"cloud", "project", "", "volume"}, false},
	{"cloud snapshot", "snapshot", []string{"cloud", "project", "", "snapshot"}, false},
	{"cloud network private", "network", []string{"cloud", "project", "", "network", "private"}, false},
	{"cloud loadbalancer", "loadbalancer", []string{"cloud", "project", "", "region", "*", "loadbalancing", "loadbalancer"}, false},
	{"cloud database-service", "database", []string{"cloud", "project", "", "database", "service"}, true},
	{"cloud storage-s3", "container", []string{"cloud", "project", "", "region", "*", "storage"}, false},
	{"cloud region", "region", []string{"cloud", "project", "", "region"}, true},
	{"cloud flavor", "flavor", []string{"cloud", "project", "", "flavor"}, false},
	{"cloud image", "image", []string{"cloud", "project", "", "image"}, false},
	{"cloud ssh-key", "sshkey", []string{"cloud", "project", "", "sshkey"}, false},
	{"baremetal", "server", []string{"dedicated", "server"}, true},
	{"vps", "vps", []string{"vps"}, true},
	{"ip", "ip", []string{"ip"}, true},
	{"domain-zone", "zone", []string{"domain", "zone"}, true},
	{"domain-name", "domain", []string{"domain"}, true},
	{"vrack", "rack", []string{"vrack"}, true},
	{"iploadbalancing", "iplb", []string{"ipLoadbalancing"}, true},
	{"cloud operation", "operation", []string{"cloud", "project", "", "operation"}, false},
}

func allVerbs() map[string]verb {
	all := map[string]verb{
		"account get":                    show("me"),
		"cloud quota get":                show("cloud", "project", "", "quota"),
		"cloud usage get":                show("cloud", "project", "", "usage", "current"),
		"cloud kube nodepool list":       below("cluster", "nodepool", "cloud", "project", "", "kube"),
		"cloud kube node list":           below("cluster", "node", "cloud", "project", "", "kube"),
		"domain-zone record list":        listRecords,
		"cloud instance start":           change("instance", "start", "cloud", "project", "", "instance"),
		"cloud instance stop":            change("instance", "stop", "cloud", "project", "", "instance"),
		"cloud instance reboot":          rebootInstance,
		"cloud instance snapshot create": createSnapshot,
		"baremetal reboot":               change("server", "reboot", "dedicated", "server"),
		"vps reboot":                     change("vps", "reboot", "vps"),
		"vps start":                      change("vps", "start", "vps"),
		"vps stop":                       change("vps", "stop", "vps"),
	}
	for _, t := range things {
		all[t.name+" list"], all[t.name+" get"] = t.list, t.get
	}
	return all
}

// done is what a command prints that has nothing to say.
type done struct {
	OK bool   `json:"ok"`
	ID string `json:"id,omitempty"`
}

// place fills the project and the region into a path.
func (cmd command) place(path []string, region string) ([]string, error) {
	out := make([]string, 0, len(path)+2)
	for _, part := range path {
		switch part {
		case "":
			if part = cmd.project; part == "" {
				return nil, fmt.Errorf("no Public Cloud project is %w here: name one with --cloud-project", errBadArgument)
			}
		case "*":
			part = region
		}
		out = append(out, part)
	}
	return out, nil
}

func (cmd command) argument(name string) (string, error) {
	if values := cmd.Args[name]; len(values) == 1 {
		return values[0], nil
	}
	return "", fmt.Errorf("%q is %w for %s", cmd.Args[name], errBadArgument, name)
}

func (t thing) regional() bool {
	for _, part := range t.path {
		if part == "*" {
			return true
		}
	}
	return false
}

func (t thing) list(ctx context.Context, c client, cmd command) (any, error) {
	if t.regional() {
		return t.everywhere(ctx, c, cmd)
	}
	path, err := cmd.place(t.path, "")
	if err != nil {
		return nil, err
	}
	if t.bare {
		names, err := c.names(ctx, path...)
		if err != nil {
			return nil, err
		}
		return c.details(ctx, names, path...)
	}
	query := url.Values{}
	if region := cmd.Flags["--region"]; region != "" {
		query.Set("region", region)
	}
	return c.get(ctx, query, path...)
}

func (t thing) get(ctx context.Context, c client, cmd command) (any, error) {
	id, err := cmd.argument(t.arg)
	if err != nil {
		return nil, err
	}
	if t.name == "ip" {
		id = block(id)
	}
	if t.regional() {
		return t.somewhere(ctx, c, cmd, id)
	}
	path, err := cmd.place(t.path, "")
	if err != nil {
		return nil, err
	}
	return c.get(ctx, nil, append(path, id)...)
}

// block makes of an address the block that the API knows it by.
func block(id string) string {
	if at, err := netip.ParseAddr(id); err == nil {
		return netip.PrefixFrom(at, at.BitLen()).String()
	}
	return id
}

// in lists the regions to look in: the one that is named, or all of the project.
func (cmd command) in(ctx context.Context, c client) ([]string, error) {
	if region := cmd.Flags["--region"]; region != "" {
		return []string{region}, nil
	}
	path, err := cmd.place([]string{"cloud", "project", "", "region"}, "")
	if err != nil {
		return nil, err
	}
	return c.names(ctx, path...)
}

// everywhere lists a thing region by region. A region that does not have the service has none of it.
func (t thing) everywhere(ctx context.Context, c client, cmd command) (any, error) {
	names, err := cmd.in(ctx, c)
	if err != nil {
		return nil, err
	}
	all := []json.RawMessage{}
	for _, name := range names {
		path, err := cmd.place(t.path, name)
		if err != nil {
			return nil, err
		}
		raw, err := c.get(ctx, nil, path...)
		if absent(err) && len(names) > 1 {
			continue
		}
		if err != nil {
			return nil, err
		}
		var part []json.RawMessage
		if err := json.Unmarshal(raw, &part); err != nil {
			return nil, fmt.Errorf("read ovh answer: %w", err)
		}
		all = append(all, part...)
	}
	return all, nil
}

// somewhere looks for one thing region by region.
func (t thing) somewhere(ctx context.Context, c client, cmd command, id string) (any, error) {
	names, err := cmd.in(ctx, c)
	if err != nil {
		return nil, err
	}
	missing := error(&apiError{http.StatusNotFound, "there is no such " + t.arg})
	for _, name := range names {
		path, err := cmd.place(t.path, name)
		if err != nil {
			return nil, err
		}
		raw, err := c.get(ctx, nil, append(path, id)...)
		if !absent(err) {
			return raw, err
		}
		missing = err
	}
	return nil, missing
}

// absent tells that a region does not have a thing, or not the service at all.
func absent(err error) bool {
	var refused *apiError
	if !errors.As(err, &refused) {
		return false
	}
	return refused.status == http.StatusNotFound || refused.status == http.StatusBadRequest || refused.status == http.StatusNotImplemented
}

// show makes the verb that reads one place.
func show(path ...string) verb {
	return func(ctx context.Context, c client, cmd command) (any, error) {
		at, err := cmd.place(path, "")
		if err != nil {
			return nil, err
		}
		return c.get(ctx, nil, at...)
	}
}

// below makes the verb that lists what belongs to a thing.
func below(arg, what string, path ...string) verb {
	return func(ctx context.Context, c client, cmd command) (any, error) {
		id, err := cmd.argument(arg)
		if err != nil {
			return nil, err
		}
		at, err := cmd.place(path, "")
		if err != nil {
			return nil, err
		}
		return c.get(ctx, nil, append(at, id, what)...)
	}
}

func listRecords(ctx context.Context, c client, cmd command) (any, error) {
	zone, err := cmd.argument("zone")
	if err != nil {
		return nil, err
	}
	ids, err := c.names(ctx, "domain", "zone", zone, "record")
	if err != nil {
		return nil, err
	}
	return c.details(ctx, ids, "domain", "zone", zone, "record")
}
