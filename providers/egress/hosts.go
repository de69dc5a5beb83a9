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
		pattern, err := compile(template, r.Account)
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

var accountNumber = regexp.MustCompile(`^[0-9]{12}$`)

func compile(template, account string) (*regexp.Regexp, error) {
	text := regexp.QuoteMeta(template)
	if strings.Contains(template, "{account}") {
		if !accountNumber.MatchString(account) {
			return nil, nil
		}
		text = strings.ReplaceAll(text, `\{account\}`, account)
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
