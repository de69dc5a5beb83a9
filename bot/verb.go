package bot

import (
	"context"
	"strings"
	"unicode"

	"aurora/store"
)

// Verb is one of the words Aurora obeys without asking a model: `/aurora <verb>` and `@aurora <verb>`.
type Verb struct {
	Name string
	Args []string
	Rest string // everything behind the verb, as written
}

// verbSpec says how a verb is recognised in a mention, where plain English must not be taken for one.
type verbSpec struct {
	name    string
	usage   string
	about   string
	admin   bool
	cloud   bool // its answer can name accounts or commands: whispered where strangers read
	private bool // answered for the asker's eyes alone, also when it was asked in the open
	fits    func(args []string) bool
	do      func(d *Desk, ctx context.Context, o order) (Message, error)
}

func none(args []string) bool { return len(args) == 0 }

// aCommand tells whether the words begin with a program Aurora runs: "explain aws ec2 ..." is a verb, "explain why" is not.
func aCommand(args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0] {
	case "aws", "gcloud", "gsutil", "bq", "az", "scw", "tailscale", "ovhcloud", "kubectl", "terraform", "helm":
		return true
	}
	return false
}

func aCloud(args []string) bool { return len(args) >= 1 && len(args) <= 2 && cloudNamed(args[0]) != "" }

// aCloudAndWhom is a cloud with an account, or with the words that mean the whole organisation.
func aCloudAndWhom(args []string) bool {
	named, _ := forEveryone(args)
	return aCloud(named)
}

// forEveryone takes the words "for everyone" off the end of a verb's.
func forEveryone(args []string) (rest []string, shared bool) {
	n := len(args)
	if n >= 2 && strings.EqualFold(args[n-2], "for") && strings.EqualFold(args[n-1], "everyone") {
		return args[:n-2], true
	}
	return args, false
}

func aMode(args []string) bool {
	return len(args) == 0 || len(args) == 1 && (strings.EqualFold(args[0], "ask") || strings.EqualFold(args[0], "agent"))
}

// cloudAndMore takes a cloud and one name, which has several words only in quotes: "use aws to find" is a question.
func cloudAndMore(args []string) bool {
	if len(args) < 2 || cloudNamed(args[0]) == "" {
		return false
	}
	last := args[len(args)-1]
	return len(args) == 2 || strings.TrimLeft(args[1], nameQuotes) != args[1] && strings.TrimRight(last, nameQuotes) != last
}

func cloudList(args []string) bool { return len(args) > 0 && len(cloudsNamed(args)) > 0 }

// verbSpecs lists the verbs in the order help shows them.
func verbSpecs() []verbSpec {
	return []verbSpec{
		{name: "help", usage: "help", about: "what you can say", fits: none, do: (*Desk).help},
		{name: "connect", usage: "connect <cloud>", about: "link a cloud account; you get a private link", private: true, fits: aCloudAndWhom, do: (*Desk).connect},
		{name: "disconnect", usage: "disconnect <cloud> [account]", about: "forget a cloud account and its credential, after a click", private: true, fits: aCloudAndWhom, do: (*Desk).disconnect},
		{name: "status", usage: "status", about: "your connections, mode and role", private: true, fits: none, do: (*Desk).status},
		{name: "mode", usage: "mode ask|agent", about: "Ask only reads; Agent may change things, for an hour", fits: aMode, do: (*Desk).chooseMode},
		{name: "use", usage: "use <cloud> <project|all>", about: "the project or account to work in, by id or name", cloud: true, fits: cloudAndMore, do: (*Desk).use},
		{name: "prefer", usage: "prefer <cloud,..|all>", about: "the clouds to look at", fits: cloudList, do: (*Desk).prefer},
		{name: "run", usage: "run <command>", about: "run one cloud command yourself", cloud: true, fits: aCommand, do: (*Desk).runWhat},
		{name: "explain", usage: "explain <command>", about: "what Aurora would do with a command, and why", cloud: true, fits: aCommand, do: (*Desk).explain},
		{name: "stop", usage: "stop", about: "end what runs for you here", fits: none, do: (*Desk).stopHere},
		{name: "whoami", usage: "whoami", about: "who Aurora takes you for", private: true, fits: none, do: (*Desk).whoami},
		{name: "login", usage: "login", about: "a private link to your page and to a token for the API", private: true, fits: none, do: (*Desk).login},
		{name: "link", usage: "link", about: "join another chat account of yours", private: true, fits: none, do: (*Desk).link},
		{name: "freeze", usage: "freeze [why]", about: "stop every change, everywhere", admin: true, fits: none, do: (*Desk).freeze},
		{name: "unfreeze", usage: "unfreeze", about: "lift the freeze", admin: true, fits: none, do: (*Desk).freeze},
		{name: "role", usage: "role @person viewer|operator|approver|admin", about: "what somebody may do", admin: true, private: true, fits: aRole, do: (*Desk).setRole},
		{name: "channel", usage: "channel [max <effect>] [clouds <a,b>] | clear", about: "what may be done from this channel", admin: true, fits: aChannelRule, do: (*Desk).setChannelRule},
		{name: "grant", usage: "grant <cloud> to @person|<role>|#channel|everyone [on <project,..>] up to read|write|disrupt|delete",
			about: "who may use what was connected for everyone, and how far", admin: true, private: true, fits: aGrant, do: (*Desk).grant},
		{name: "revoke", usage: "revoke <cloud> from @person|<role>|#channel|everyone [on <project,..>]", about: "take a grant back", admin: true, private: true, fits: aRevocation, do: (*Desk).revoke},
		{name: "grants", usage: "grants", about: "what was connected for everyone, and who may use it", admin: true, private: true, fits: none, do: (*Desk).listGrants},
		{name: "audit", usage: "audit [rows]", about: "the last rows of the audit", admin: true, private: true, fits: none, do: (*Desk).showAudit},
	}
}

func aRole(args []string) bool {
	if len(args) != 2 {
		return false
	}
	_, ok := store.ParseRole(strings.ToLower(args[1]))
	return ok && personNamed(args[0]) != ""
}

func aChannelRule(args []string) bool {
	return len(args) > 0 && (args[0] == "max" || args[0] == "clouds" || args[0] == "clear")
}

// parseVerb reads a slash command's text: its first word is always meant as a verb. People paste commands as code and put
// them on a line of their own.
func parseVerb(text string) Verb {
	name, rest := uncoded(text), ""
	if end := strings.IndexFunc(name, unicode.IsSpace); end >= 0 {
		name, rest = name[:end], uncoded(name[end:])
	}
	return Verb{Name: strings.ToLower(name), Args: strings.Fields(rest), Rest: rest}
}

// uncoded takes off the marks that show a text as code.
func uncoded(text string) string {
	text = strings.TrimSpace(text)
	for _, mark := range []string{"```", "`"} {
		inner, opened := strings.CutPrefix(text, mark)
		inner, closed := strings.CutSuffix(inner, mark)
		if opened && closed && !strings.Contains(inner, "`") {
			return strings.TrimSpace(inner)
		}
	}
	return text
}

// mentionedVerb reads a mention's text. Only what has a verb's exact shape is one; the rest is for the model.
func mentionedVerb(text string) (Verb, verbSpec, bool) {
	v := parseVerb(text)
	for _, spec := range verbSpecs() {
		if spec.name == v.Name && (spec.fits(v.Args) || spec.name == "freeze") {
			return v, spec, true
		}
	}
	return Verb{}, verbSpec{}, false
}

// findVerb looks a slash command's verb up; near is the closest known verb when there is none of that name.
func findVerb(name string) (spec verbSpec, near string, ok bool) {
	best := 3
	for _, s := range verbSpecs() {
		if s.name == name {
			return s, "", true
		}
		if n := distance(s.name, name); n < best {
			best, near = n, s.name
		}
	}
	return verbSpec{}, near, false
}

// distance is the Levenshtein distance of two short words.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// cloudNamed gives the cloud people mean by a word, or "".
func cloudNamed(word string) store.Cloud {
	switch strings.ToLower(word) {
	case "gcp", "google", "gcloud":
		return store.GCP
	case "aws", "amazon":
		return store.AWS
	case "azure", "az":
		return store.Azure
	case "scaleway", "scw":
		return store.Scaleway
	case "tailscale":
		return store.Tailscale
	case "ovh", "ovhcloud":
		return store.OVH
	}
	return ""
}

// cloudsNamed reads "aws,gcp" or "all"; nil when a word names none.
func cloudsNamed(args []string) []store.Cloud {
	var clouds []store.Cloud
	for _, word := range strings.FieldsFunc(strings.Join(args, ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		if word == "all" {
			return store.Clouds()
		}
		c := cloudNamed(word)
		if c == "" {
			return nil
		}
		clouds = append(clouds, c)
	}
	return clouds
}

// channelNamed reads a channel as platforms escape one (<#C1>, <#C1|name>), or "".
func channelNamed(word string) string {
	inner, ok := strings.CutPrefix(word, "<#")
	if !ok || !strings.HasSuffix(inner, ">") {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimSuffix(inner, ">"), "|")
	return id
}

// personNamed reads a mention as platforms escape one (<@U1>, <@U1|name>), or "".
func personNamed(word string) string {
	inner, ok := strings.CutPrefix(word, "<@")
	if !ok || !strings.HasSuffix(inner, ">") {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimSuffix(inner, ">"), "|")
	return id
}
