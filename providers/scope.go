package providers

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aurora/providers/policy"
	"aurora/store"
)

// scope is where a command says, by flags or by the ask's project, that it wants to run.
type scope struct {
	cloud    store.Cloud
	account  string
	project  string
	also     []string // further words for the project: its name beside its id
	region   string
	settings map[string]string // further places by the connection setting they must equal
	selected string            // `/aurora use`, when nothing is named
}

// Places in Google's resource paths, alone or in lists and documents of paths; and what only looks like one.
var (
	pathPlace  = regexp.MustCompile(`(?:^|[^\w.-])(projects|folders|organizations)/([^/\s,;"'()\[\]{}]+)(/global/images?/)?`)
	objectName = regexp.MustCompile(`gs://[^\s,]*`)
)

// wanted collects the places that the argv names. Two that disagree are refused.
func wanted(p Prepared, project string, cloud store.Cloud) (scope, *refusal) {
	s := scope{cloud: cloud, settings: map[string]string{}}
	places := slices.Clone(p.Verdict.Scope)
	if project != "" {
		places = append(places, policy.Scope{Kind: selectedKind(cloud), Flag: "selected_project_id", Value: project})
	}
	if cloud == store.GCP {
		places = append(places, pathPlaces(p)...)
	}
	for _, place := range places {
		if bad := s.add(place); bad != nil {
			return s, bad
		}
	}
	return s, nil
}

// pathPlaces are the projects, folders and organisations that words name inside resource paths. An image may be looked at, and
// used by what is made, wherever it is shared from.
func pathPlaces(p Prepared) []policy.Scope {
	var places []policy.Scope
	for i, word := range p.Command.Argv {
		if i == 0 || narrows(p, i) {
			continue
		}
		changed := p.Verdict.Effect > policy.Read && slices.Contains(p.Verdict.Position, word)
		for _, m := range pathPlace.FindAllStringSubmatch(objectName.ReplaceAllString(word, ""), -1) {
			if m[3] == "" || changed {
				places = append(places, policy.Scope{Kind: strings.TrimSuffix(m[1], "s"), Flag: word, Value: m[2]})
			}
		}
	}
	return places
}

// narrows reports words that only choose among what a command finds, or how it is shown.
func narrows(p Prepared, i int) bool {
	flags := []string{"--filter", "--format", "--log-filter", "--query"}
	word := p.Command.Argv[i]
	name, _, joined := strings.Cut(word, "=")
	if slices.Contains(flags, name) && joined || slices.Contains(flags, p.Command.Argv[i-1]) {
		return true
	}
	if !strings.HasSuffix(p.Verdict.Path, " logging read") && !strings.HasSuffix(p.Verdict.Path, " logging tail") {
		return false
	}
	twice := slices.Contains(p.Command.Argv[:i], word) || slices.Contains(p.Command.Argv[i+1:], word) // one may be a flag's value
	return slices.Contains(p.Verdict.Position, word) && !twice
}

// selectedKind is what selected_project_id means in each cloud.
func selectedKind(cloud store.Cloud) string {
	switch cloud {
	case store.AWS, store.Tailscale:
		return "account"
	}
	return "project"
}

func (s *scope) add(place policy.Scope) *refusal {
	field := new(string)
	switch place.Kind {
	case "account", "tailnet":
		field = &s.account
	case "project", "subscription":
		field = &s.project
	case "region":
		field = &s.region
	case "zone", "location":
		return nil // checked by the cloud; neither says anything about whose it is
	default:
		if old, ok := s.settings[place.Kind]; ok {
			*field = old
		}
	}
	if field == &s.project && *field != "" && *field != place.Value {
		s.also = append(s.also, place.Value)
		return nil
	}
	if *field != "" && *field != place.Value {
		return &refusal{CodeRefused, fmt.Sprintf("The command names two places, %q and %q: name one.", *field, place.Value)}
	}
	*field = place.Value
	if field != &s.account && field != &s.project && field != &s.region {
		s.settings[place.Kind] = place.Value
	}
	return nil
}

// fitting keeps the connections that everything named belongs to. None is a refusal with the list of what there is.
func (s scope) fitting(connections []store.Connection) ([]store.Connection, *refusal) {
	var kept []store.Connection
	for _, c := range connections {
		if s.fits(c) {
			kept = append(kept, c)
		}
	}
	if len(kept) > 0 {
		return kept, nil
	}
	if len(s.also) > 0 {
		return nil, &refusal{CodeRefused, fmt.Sprintf("The command names two places, %q and %q: name one.", s.project, s.also[0])}
	}
	var have []string
	for _, c := range connections {
		if !c.Spans() {
			have = append(have, label(c))
		}
		have = append(have, namedProjects(c)...)
	}
	return nil, &refusal{CodeRefused, fmt.Sprintf("%s is not part of any of your connections to %s. They reach: %s.",
		s.describe(), s.cloud, strings.Join(few(have), ", "))}
}

// few keeps a list readable.
func few(names []string) []string {
	const most = 20
	if len(names) <= most {
		return names
	}
	return append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
}

func (s scope) fits(c store.Connection) bool {
	if s.account != "" && !s.inAccount(c) {
		return false
	}
	if s.project != "" {
		id, ok := projectIn(c, s.project)
		if !ok || slices.ContainsFunc(s.also, func(word string) bool { other, _ := projectIn(c, word); return other != id }) {
			return false
		}
	}
	if allowed := c.Settings["regions"]; s.region != "" && allowed != "" && !slices.Contains(strings.Split(allowed, ","), s.region) {
		return false
	}
	for kind, value := range s.settings {
		if c.Settings[kind] != value {
			return false
		}
	}
	return true
}

// inAccount tells whether the account named is the connection's, or one of those it spans.
func (s scope) inAccount(c store.Connection) bool {
	if c.Spans() {
		_, ok := projectIn(c, s.account)
		return ok
	}
	return s.account == c.Account
}

func (s scope) describe() string {
	var parts []string
	add := func(kind, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf("%s %q", kind, value))
		}
	}
	add("Account", s.account)
	add("project", s.project)
	add("region", s.region)
	for kind, value := range s.settings {
		add(kind, value)
	}
	slices.Sort(parts)
	text := strings.Join(parts, " with ")
	if text == "" {
		return "That"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// targets gives one target for each connection, and for each of its projects when the command works in a project and
// none is named.
func (s scope) targets(path string, connections []store.Connection) []Target {
	var targets []Target
	for _, c := range connections {
		region := s.region
		if region == "" {
			region = c.Region
		}
		for _, project := range s.projects(path, c) {
			targets = append(targets, Target{Connection: c, Project: project, Region: region})
		}
	}
	return targets
}

func (s scope) projects(path string, c store.Connection) []string {
	if s.project != "" {
		id, _ := projectIn(c, s.project) // fitting has checked that it is there
		return []string{id}
	}
	if s.account != "" && c.Spans() {
		id, _ := projectIn(c, s.account)
		return []string{id}
	}
	if len(c.Projects) == 0 || aboveProjects(path) {
		return []string{""}
	}
	if id, ok := projectIn(c, s.selected); ok {
		return []string{id}
	}
	if id := c.Settings[store.SettingDefaultProject]; slices.Contains(c.Projects, id) {
		return []string{id}
	}
	return c.Projects
}

// namedProjects are the projects as people may name them.
func namedProjects(c store.Connection) []string {
	names := ProjectNames(c)
	list := make([]string, len(c.Projects))
	for i, id := range c.Projects {
		list[i] = id
		if names[id] != "" {
			list[i] = names[id] + " (" + id + ")"
		}
	}
	return list
}

// aboveProjects tells commands that do not work in a project.
func aboveProjects(path string) bool {
	words := strings.Fields(path)
	if len(words) < 2 {
		return false
	}
	if words[0] == "aws" { // an organisation's own commands work in the account that manages it
		return words[1] == "organizations"
	}
	if words[0] == "ovhcloud" { // only the Public Cloud has projects
		return words[1] != "cloud" || len(words) > 2 && words[2] == "project"
	}
	return slices.Contains([]string{"projects", "organizations", "billing", "account"}, words[1])
}
