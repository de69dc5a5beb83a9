package policy

import "strings"

// ovhCommands is our grammar over the OVHcloud API, with the words of OVHcloud's own CLI. Deletions, reinstalls and
// credentials are named so that the refusal can say why; nothing else of that CLI is here.
func ovhCommands() []GrammarCommand {
	id := func(name string) []GrammarArg { return []GrammarArg{{Name: name, Pattern: namePattern}} }
	var all []GrammarCommand
	// things adds "list" and "get" of a kind under all its names.
	things := func(arg string, names ...string) {
		all = append(all,
			GrammarCommand{Name: names[0] + " list", Paths: spell(names, "list", "ls", ""), Effect: Read, Help: "Lists " + names[0] + "."},
			GrammarCommand{Name: names[0] + " get", Paths: spell(names, "get", "show", "describe"), Args: id(arg), Effect: Read, Help: "Shows one of " + names[0] + "."})
	}
	things("project", "cloud project", "cloud projects", "project", "projects")
	things("instance", "cloud instance", "cloud instances", "instance", "instances")
	things("cluster", "cloud kube", "cloud kubernetes", "kube")
	things("volume", "cloud volume", "cloud volumes", "cloud storage-block")
	things("snapshot", "cloud snapshot", "cloud snapshots", "cloud instance snapshot")
	things("network", "cloud network private", "cloud network", "cloud networks")
	things("loadbalancer", "cloud loadbalancer", "cloud loadbalancers", "cloud lb")
	things("database", "cloud database-service", "cloud database", "cloud databases")
	things("container", "cloud storage-s3", "cloud storage", "cloud container")
	things("region", "cloud region", "cloud regions")
	things("flavor", "cloud flavor", "cloud flavors", "cloud reference list-flavors")
	things("image", "cloud image", "cloud images", "cloud reference list-images")
	things("sshkey", "cloud ssh-key", "cloud sshkey", "cloud ssh-keys")
	things("server", "baremetal", "dedicated", "dedicated-server")
	things("vps", "vps")
	things("ip", "ip", "ips")
	all[len(all)-1].Args[0].Pattern = blockPattern
	things("zone", "domain-zone", "dns", "domain zone")
	things("domain", "domain-name", "domain", "domains")
	things("rack", "vrack", "vracks")
	things("iplb", "iploadbalancing", "iplb")
	things("operation", "cloud operation", "cloud operations")
	all = append(all,
		GrammarCommand{Name: "account get", Paths: []string{"account get", "account", "me", "account show"}, Effect: Read, Help: "Shows the account."},
		GrammarCommand{Name: "cloud kube nodepool list", Paths: []string{"cloud kube nodepool list", "cloud kube nodepools", "kube nodepool list"}, Args: id("cluster"), Effect: Read, Help: "Lists the node pools of a cluster."},
		GrammarCommand{Name: "cloud kube node list", Paths: []string{"cloud kube node list", "cloud kube nodes", "kube node list"}, Args: id("cluster"), Effect: Read, Help: "Lists the nodes of a cluster."},
		GrammarCommand{Name: "cloud quota get", Paths: []string{"cloud quota get", "cloud quota", "cloud quota list"}, Effect: Read, Help: "Shows the quotas of a project."},
		GrammarCommand{Name: "domain-zone record list", Paths: []string{"domain-zone record list", "domain-zone records", "dns record list"}, Args: id("zone"), Effect: Read, Help: "Lists the records of a zone."},
		GrammarCommand{Name: "cloud usage get", Paths: []string{"cloud usage get", "cloud usage", "cloud usage current"}, Effect: Read, Help: "Shows this month's usage."},
		GrammarCommand{Name: "cloud instance start", Paths: spell([]string{"cloud instance", "instance"}, "start"), Args: id("instance"), Effect: Write, Help: "Starts an instance."},
		GrammarCommand{Name: "cloud instance stop", Paths: spell([]string{"cloud instance", "instance"}, "stop", "shelve"), Args: id("instance"), Effect: Disrupt, Help: "Stops an instance."},
		GrammarCommand{Name: "cloud instance reboot", Paths: spell([]string{"cloud instance", "instance"}, "reboot", "restart"), Args: id("instance"), Flags: []GrammarFlag{{Name: "--hard"}}, Effect: Disrupt, Help: "Reboots an instance."},
		GrammarCommand{Name: "cloud instance snapshot create", Paths: []string{"cloud instance snapshot create", "cloud snapshot create", "instance snapshot create"}, Args: []GrammarArg{{Name: "instance", Pattern: namePattern}, {Name: "name", Pattern: namePattern}}, Effect: Write, Help: "Takes a snapshot of an instance."},
		GrammarCommand{Name: "baremetal reboot", Paths: []string{"baremetal reboot", "dedicated reboot"}, Args: id("server"), Effect: Disrupt, Help: "Reboots a server."},
		GrammarCommand{Name: "vps reboot", Paths: []string{"vps reboot", "vps restart"}, Args: id("vps"), Effect: Disrupt, Help: "Reboots a VPS."},
		GrammarCommand{Name: "vps start", Paths: []string{"vps start"}, Args: id("vps"), Effect: Write, Help: "Starts a VPS."},
		GrammarCommand{Name: "vps stop", Paths: []string{"vps stop"}, Args: id("vps"), Effect: Disrupt, Help: "Stops a VPS."},
	)
	for i := range all {
		all[i].Flags = append(all[i].Flags, GrammarFlag{Name: "--json"}, GrammarFlag{Name: "--cloud-project", Value: true, Pattern: namePattern}, GrammarFlag{Name: "--region", Value: true, Pattern: namePattern})
	}
	return append(all, ovhRefusals()...)
}

// spell joins every name with every verb; an empty verb stands for the bare plural and is taken for names after the first.
func spell(names []string, verbs ...string) []string {
	var all []string
	for _, v := range verbs {
		for i, n := range names {
			if v == "" && (i == 0 && len(names) > 1 || !strings.HasSuffix(n, "s")) {
				continue
			}
			all = append(all, strings.TrimSpace(n+" "+v))
		}
	}
	return all
}

// ovhRefusals are commands of OVHcloud's CLI that never run from chat, so that the answer is a reason, not "unknown".
func ovhRefusals() []GrammarCommand {
	anything := []GrammarArg{{Name: "words", Pattern: textPattern, Optional: true, Repeated: true}}
	refuse := func(name, help string, paths ...string) GrammarCommand {
		return GrammarCommand{Name: name, Paths: append([]string{name}, paths...), Args: anything, Effect: Forbidden, Help: help}
	}
	const noUndo = "OVHcloud keeps no copy of what is deleted or reinstalled, so Aurora does not offer it; use the OVHcloud manager."
	return []GrammarCommand{
		refuse("cloud instance delete", noUndo, "instance delete", "cloud instance remove", "cloud instance reinstall"),
		refuse("cloud kube delete", noUndo, "cloud kube reset", "cloud kube nodepool delete"),
		refuse("cloud volume delete", noUndo, "cloud snapshot delete", "cloud network private delete", "cloud database-service delete", "cloud storage-s3 delete"),
		refuse("cloud project delete", noUndo, "cloud project terminate"),
		refuse("baremetal reinstall", noUndo, "baremetal delete", "baremetal terminate", "dedicated reinstall"),
		refuse("vps reinstall", noUndo, "vps delete", "vps terminate"),
		refuse("cloud kube kubeconfig generate", "A kubeconfig is a credential; that never goes to a channel or a model.", "cloud kube kubeconfig", "kube kubeconfig", "cloud kube kubeconfig get", "cloud kube kubeconfig reset"),
		refuse("cloud user credentials", "Credentials never go to a channel or a model.", "cloud user s3-credentials", "cloud storage-s3 credentials", "cloud user openrc"),
		refuse("login", "Connect with: /aurora connect ovh", "logout", "config", "config set", "config show"),
	}
}
