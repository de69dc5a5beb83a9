package egress

import (
	"embed"
	"fmt"
	"regexp"
	"strings"

	"aurora/providers"
	"aurora/store"
)

//go:embed hosts/*.txt
var lists embed.FS

// hosts are the hosts of each cloud's services, as templates. The service "*" is all of a cloud's.
type hosts map[store.Cloud]map[string][]string

func readHosts() (hosts, error) {
	found := hosts{}
	for _, name := range []string{"hosts/aws.txt", "hosts/others.txt"} {
		raw, err := lists.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the list of hosts: %w", err)
		}
		for line := range strings.Lines(string(raw)) {
			words := strings.Fields(line)
			if len(words) < 3 || strings.HasPrefix(line, "#") {
				continue
			}
			cloud := store.Cloud(words[0])
			if found[cloud] == nil {
				found[cloud] = map[string][]string{}
			}
			found[cloud][words[1]] = append(found[cloud][words[1]], words[2:]...)
		}
	}
	return found, nil
}

// of gives the hosts that a run may reach. A service that is not listed has none but those of its whole cloud.
func (h hosts) of(r providers.Route) (allowed, error) {
	services := h[r.Cloud]
	var list allowed
	for _, template := range append(append([]string(nil), services["*"]...), services[r.Service]...) {
		pattern, err := compile(template, r)
		if err != nil {
			return nil, err
		}
		if pattern != nil {
			list = append(list, pattern)
		}
	}
	return list, nil
}

// What stands for the words of a template. None of them spans a dot.
var words = strings.NewReplacer(
	`\{region\}`, `[a-z]{2}(?:-[a-z]+){1,3}-[0-9]{1,2}`,
	`\{api\}`, `[a-z][a-z0-9-]{1,61}[a-z0-9]`,
	`\{location\}`, `[a-z][a-z0-9-]{0,30}`,
)

var (
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
	resourceName  = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{1,61}[A-Za-z0-9])$`)
)

// valueOf is what the command that was judged gives a flag; "" when it is given twice.
func valueOf(flag string, argv []string) (value string) {
	times := 0
	for i, word := range argv {
		if joined, ok := strings.CutPrefix(word, flag+"="); ok {
			value = joined
			times++
		}
		if word == flag && i+1 < len(argv) {
			value = argv[i+1]
			times++
		}
	}
	if times > 1 {
		return ""
	}
	return value
}

// compile makes a pattern of a template; nil when the run lacks what it asks for.
func compile(template string, r providers.Route) (*regexp.Regexp, error) {
	for flag := range strings.SplitSeq(template, "{") {
		flag, _, found := strings.Cut(flag, "}")
		if !found || !strings.HasPrefix(flag, "--") {
			continue
		}
		value := valueOf(flag, r.Argv)
		if !resourceName.MatchString(value) {
			return nil, nil
		}
		template = strings.ReplaceAll(template, "{"+flag+"}", strings.ToLower(value))
	}
	text := regexp.QuoteMeta(template)
	if strings.Contains(template, "{account}") {
		if !accountNumber.MatchString(r.Account) {
			return nil, nil
		}
		text = strings.ReplaceAll(text, `\{account\}`, r.Account)
	}
	pattern, err := regexp.Compile(`^` + words.Replace(text) + `$`)
	if err != nil {
		return nil, fmt.Errorf("host template %q: %w", template, err)
	}
	return pattern, nil
}

// allowed are the patterns of one run's hosts.
type allowed []*regexp.Regexp

func (a allowed) match(host string) bool {
	for _, pattern := range a {
		if pattern.MatchString(host) {
			return true
		}
	}
	return false
}
