package modelsim

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// ParseScript reads the form transcripts use. Blocks are parted by empty lines; each is one rule, of lines
//
//	on <regexp>                    matches the last user message
//	after <regexp>                 matches the tool results since
//	any                            results do not matter
//	times <n>
//	call <cloud>[/<project>] <command line, or a JSON array of words>
//	tool <name> <arguments as they are>
//	say <text>                     further ones are further lines
//	fault <name>
//
// A block with none of on, after, any answers once, whatever is asked: such blocks answer one after the other. Lines that
// begin with # are left out.
func ParseScript(text string) (Script, error) {
	var script Script
	for i, block := range blocks(text) {
		rule, err := parseBlock(block)
		if err != nil {
			return nil, fmt.Errorf("block %d of the model's script: %w", i+1, err)
		}
		script = append(script, rule)
	}
	return script, script.check()
}

func blocks(text string) [][]string {
	var all [][]string
	var block []string
	for line := range strings.Lines(text + "\n\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "#"):
		case line != "":
			block = append(block, line)
		case len(block) > 0:
			all, block = append(all, block), nil
		}
	}
	return all
}

func parseBlock(lines []string) (Rule, error) {
	var r Rule
	for _, line := range lines {
		word, rest, _ := strings.Cut(line, " ")
		if err := r.parseLine(word, strings.TrimSpace(rest)); err != nil {
			return r, err
		}
	}
	if r.User == "" && r.Tool == "" && !r.Any {
		r.Any = true
		if r.Times == 0 {
			r.Times = 1
		}
	}
	return r, nil
}

func (r *Rule) parseLine(word, rest string) (err error) {
	switch word {
	case "on":
		r.User = rest
	case "after":
		r.Tool = rest
	case "any":
		r.Any = true
	case "times":
		r.Times, err = strconv.Atoi(rest)
	case "call":
		var c Call
		c, err = parseCallLine(rest)
		r.Reply.Calls = append(r.Reply.Calls, c)
	case "tool":
		name, args, _ := strings.Cut(rest, " ")
		r.Reply.Calls = append(r.Reply.Calls, Call{Name: name, Raw: args})
	case "say":
		r.Reply.Text = strings.TrimPrefix(r.Reply.Text+"\n"+rest, "\n")
	case "fault":
		r.Reply.Fault = Fault(rest)
	default:
		return fmt.Errorf("no line begins with %q", word)
	}
	return err
}

func parseCallLine(rest string) (Call, error) {
	where, command, ok := strings.Cut(rest, " ")
	if !ok {
		return Call{}, fmt.Errorf("call %s: it needs a cloud and a command", rest)
	}
	var c Call
	c.Provider, c.Project, _ = strings.Cut(where, "/")
	command = strings.TrimSpace(command)
	if !strings.HasPrefix(command, "[") {
		c.Command = command
		return c, nil
	}
	if err := json.Unmarshal([]byte(command), &c.Argv); err != nil {
		return c, fmt.Errorf("call %s: %w", where, err)
	}
	return c, nil
}
