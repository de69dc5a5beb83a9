package policy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// checked is one line of policy check's answer. The order of the fields is the contract.
type checked struct {
	Command  string   `json:"command"`
	Provider string   `json:"provider"`
	Effect   string   `json:"effect"`
	Facets   []string `json:"facets"`
	Ask      string   `json:"ask"`
	Agent    string   `json:"agent"`
	Tainted  string   `json:"tainted"`
	Rule     string   `json:"rule"`
	Reason   string   `json:"reason"`
}

// maxCheckLine bounds the memory one input line can take; a longer one gets a verdict like any unreadable line.
const maxCheckLine = 1 << 20

// Check reads JSON lines {"command":"..."} and writes one JSON verdict line for each, in order, until r ends; blank lines
// are passed over. Memory does not grow with the number of lines. The command is judged as it stands: nothing that chat
// does to text is undone. `agent` is for a command that a person typed, `tainted` for one that a model proposed after
// reading untrusted text, both for an operator. The error is r's or w's; a bad line is a verdict, not an error.
func (e *Engine) Check(r io.Reader, w io.Writer) error {
	in := bufio.NewReaderSize(r, 64<<10)
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := 1; ; n++ {
		line, tooLong, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 || tooLong {
			if err := enc.Encode(e.checkLine(line, tooLong)); err != nil {
				return fmt.Errorf("write verdict %d: %w", n, err)
			}
		}
		if err != nil {
			return out.Flush()
		}
		if in.Buffered() == 0 { // whoever feeds line by line gets his answers at once
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

// readLine returns one line without its end; what is longer than maxCheckLine is read over and dropped.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) > maxCheckLine {
			tooLong, line = true, nil
		}
		if !tooLong {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}

func (e *Engine) checkLine(line []byte, tooLong bool) checked {
	var in struct {
		Command *string `json:"command"`
	}
	if tooLong {
		return e.answer("", Refused(unparsed("The input line is longer than %d bytes.", maxCheckLine)))
	}
	if err := json.Unmarshal(line, &in); err != nil || in.Command == nil {
		return e.answer("", Refused(unparsed(`The input line is not {"command":"..."}.`)))
	}
	return e.answer(*in.Command, e.judge(e.Parse(*in.Command)))
}

func (e *Engine) answer(command string, v Verdict) checked {
	return checked{
		Command: command, Provider: v.Provider, Effect: v.Effect.String(), Facets: v.Facets.Names(),
		Ask:     e.Decide(v, explained[0].context).Decision.String(),
		Agent:   e.Decide(v, explained[1].context).Decision.String(),
		Tainted: e.Decide(v, explained[2].context).Decision.String(),
		Rule:    v.Rule, Reason: v.Reason,
	}
}
