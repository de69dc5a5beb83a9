package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/scaleway/scaleway-cli/v2/commands"
	"github.com/scaleway/scaleway-cli/v2/core"
	"github.com/scaleway/scaleway-sdk-go/scw"
)

// reading is how the CLI reads one argv.
type reading struct {
	Path  string `json:"path"`  // the command it would have run; empty when it runs none
	Error string `json:"error"` // what it says against the argv
}

// parseAll reads argvs as JSON lines and writes how the CLI itself reads each. No command runs and no request is made:
// the commands' own functions are replaced by one that notes the name.
func parseAll() error {
	client, err := scw.NewClient(scw.WithAuth("SCWXXXXXXXXXXXXXXXXX", "11111111-1111-1111-1111-111111111111"), scw.WithHTTPClient(closed{}),
		scw.WithDefaultOrganizationID("11111111-1111-1111-1111-111111111111"), scw.WithDefaultProjectID("11111111-1111-1111-1111-111111111111"),
		scw.WithDefaultRegion(scw.RegionFrPar), scw.WithDefaultZone(scw.ZoneFrPar1))
	if err != nil {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var argv []string
		if err := json.Unmarshal(lines.Bytes(), &argv); err != nil {
			return err
		}
		if err := enc.Encode(parse(client, argv)); err != nil {
			return err
		}
	}
	return lines.Err()
}

// errRan stands for a command's run, which is enough to know.
var errRan = errors.New("it would run")

func parse(client *scw.Client, argv []string) reading {
	var r reading
	all := commands.GetCommands()
	for _, c := range all.GetAll() {
		if c.Run == nil {
			continue
		}
		path := strings.Join(strings.Fields("scw "+c.Namespace+" "+c.Resource+" "+c.Verb), " ")
		c.Interceptor, c.PreValidateFunc, c.View = nil, nil, nil
		c.Run = func(context.Context, any) (any, error) {
			r.Path = path
			return nil, errRan
		}
	}
	_, _, err := core.Bootstrap(&core.BootstrapConfig{
		Args: argv, Commands: all, Client: client, HTTPClient: &http.Client{Transport: closed{}}, DisableTelemetry: true,
		BuildInfo: &core.BuildInfo{}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil && !errors.Is(err, errRan) {
		r.Error = err.Error()
	}
	return r
}

// closed is a network on which nothing is reached.
type closed struct{}

func (closed) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("no network") }

func (c closed) Do(r *http.Request) (*http.Response, error) { return c.RoundTrip(r) }
