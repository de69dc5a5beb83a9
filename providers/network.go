package providers

import (
	"net/netip"
	"strings"

	"aurora/store"
)

// Network opens a way out of the machine for one run. Without one, programs reach the network as Aurora itself does.
type Network interface {
	Open(r Route) (Way, error)
}

// Route says what a run needs the network for.
type Route struct {
	Cloud   store.Cloud
	Service string   // the cloud's service that the command names; it narrows the hosts
	Argv    []string // as policy judged it; some hosts carry what a flag of it names
	Account string   // the connection's; some hosts carry it in their name
}

// Way is all of the network that a run has.
type Way struct {
	Env    map[string]string // tells the program about it
	Secret string            // lets the program through; in Env as well
	Reach  []netip.AddrPort  // the only addresses that the program may connect to

	// Close ends everything that is still open and gives the hosts that were refused, in the order they were asked for.
	Close func() (refused []string)
}

// route is the way that a job needs.
func (j job) route() Route {
	r := Route{Cloud: j.target.Connection.Cloud, Account: j.target.account(), Argv: j.prepared.Command.Argv}
	if words := strings.Fields(j.prepared.Verdict.Path); len(words) > 1 {
		r.Service = words[1]
	}
	return r
}

// refusedHosts says where a run was not let through; "" when nowhere.
func refusedHosts(program string, hosts []string) string {
	if len(hosts) == 0 {
		return ""
	}
	return program + " was not let through to " + strings.Join(hosts, ", ") +
		": a command reaches the hosts of its own cloud alone, and of AWS those of its own service."
}
