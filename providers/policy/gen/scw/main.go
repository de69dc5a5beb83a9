// Command scw writes the grammar of scaleway-cli as JSON lines; with -parse it reads argvs and says how scaleway-cli reads them.
// It is a module of its own so that the CLI stays out of
// the product.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	"github.com/scaleway/scaleway-cli/v2/commands"
)

type line struct {
	Path  string            `json:"p"`
	Flags []any             `json:"f"`
	Args  [][]string        `json:"a"`
	Ev    map[string]string `json:"e"`
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-parse" {
		if err := parseAll(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	var lines []line
	for _, c := range commands.GetCommands().GetAll() {
		if c.Run == nil {
			continue
		}
		l := line{Path: strings.Join(strings.Fields("scw "+c.Namespace+" "+c.Resource+" "+c.Verb), " "), Flags: []any{}, Args: [][]string{}, Ev: map[string]string{}}
		for _, spec := range c.ArgSpecs {
			l.Flags = append(l.Flags, []any{[]string{spec.Name}, "k"})
			if spec.Positional {
				l.Args = append(l.Args, []string{spec.Name, "1"})
			}
		}
		lines = append(lines, l)
	}
	sort.Slice(lines, func(i, j int) bool { return lines[i].Path < lines[j].Path })
	enc := json.NewEncoder(os.Stdout)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
