package policy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// maxLine is the longest line that is parsed, in bytes; the clouds' longest real commands are a tenth of it.
const maxLine = 32 << 10

// Rules of verdicts that stand for "not a command we know".
const (
	RuleUnparsed = "unparsed" // the text is not one plain command
	RuleUnknown  = "unknown"  // the command or one of its flags is in no table
)

func unparsed(format string, args ...any) *Refusal {
	return &Refusal{Rule: RuleUnparsed, Reason: fmt.Sprintf(format, args...)}
}

// Parse makes a command of one line of text: plain words only, no shell. Inside quotes every character is data.
// Exactly one of the results counts: the refusal is nil when the line is a command of a known program.
func (e *Engine) Parse(text string) (Command, *Refusal) {
	words, refusal := splitWords(text)
	if refusal != nil {
		return Command{}, refusal
	}
	return e.ParseArgv(words)
}

// ParseArgv makes a command of words that are already split, as the model's tool may send them.
func (e *Engine) ParseArgv(argv []string) (Command, *Refusal) {
	if len(argv) == 0 || argv[0] == "" {
		return Command{}, unparsed("There is no command. Write one such as: aws ec2 describe-instances")
	}
	total := 0
	for _, word := range argv {
		if r := badRune(word); r != nil {
			return Command{}, r
		}
		total += len(word) + 1
	}
	if total > maxLine {
		return Command{}, unparsed("The command is longer than %d bytes. Send a shorter one.", maxLine)
	}
	d, ok := e.dialects[argv[0]]
	if !ok {
		return Command{}, e.unknownProgram(argv[0])
	}
	path := argv[0]
	if d.table != nil {
		path = d.resolve(argv).path
	}
	return Command{Argv: slices.Clone(argv), Provider: d.provider, Path: path}, nil
}

func (e *Engine) unknownProgram(word string) *Refusal {
	r := &Refusal{Rule: RuleUnknown, Nearest: nearest(word, e.programs)}
	switch {
	case strings.Contains(word, "="):
		r.Reason = "Settings in front of a command are not taken. Start with the program, such as aws or gcloud."
	case strings.ContainsAny(word, `/\`):
		r.Reason = "A program is named without its path, such as aws or gcloud."
	case r.Nearest != "":
		r.Reason = fmt.Sprintf("Aurora does not know the program %q. Did you mean %s?", word, r.Nearest)
	default:
		r.Reason = fmt.Sprintf("Aurora does not know the program %q. It runs %s.", word, strings.Join(e.programs, ", "))
	}
	return r
}

// badRune refuses what people cannot see in a card: control, zero-width, bidirectional and invalid characters.
func badRune(text string) *Refusal {
	for i := 0; i < len(text); {
		if c := text[i]; c >= ' ' && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		i += size
		switch {
		case r == utf8.RuneError:
			return unparsed("The command is not valid UTF-8 text. Type it again.")
		case r == '\n' || r == '\r':
			return unparsed("Send one command on one line; the text has a line break in it.")
		case unicode.IsControl(r):
			return unparsed("The command has a control character (U+%04X) in it. Type it again.", r)
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs) || unicode.Is(unicode.Variation_Selector, r) || r == 0x034f || r == 0x17b4 || r == 0x17b5 || r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 || r == 0x2800:
			return unparsed("The command has an invisible character (U+%04X) in it. Type it again.", r)
		}
	}
	return nil
}

// splitWords cuts a line into words. Two parsers look at it: ours, which knows that quotes make everything data, and the
// shell's own, and they must agree on every word.
func splitWords(text string) ([]string, *Refusal) {
	text = strings.Trim(text, " \n\r")
	if len(text) > maxLine {
		return nil, unparsed("The command is longer than %d bytes. Send a shorter one.", maxLine)
	}
	if r := badRune(text); r != nil {
		return nil, r
	}
	s := splitter{text: text}
	if refusal := s.run(); refusal != nil {
		return nil, refusal
	}
	if len(s.words) == 0 {
		return nil, unparsed("There is no command. Write one such as: aws ec2 describe-instances")
	}
	if !shellAgrees(s.shell.String(), s.words) {
		return nil, unparsed("The quoting of this command can be read in two ways. Put each value in single quotes.")
	}
	return s.words, nil
}

// splitter is our own reading of a line. Beside the words it writes the line again for the shell's parser to read, with
// $ and ` inside double quotes and parentheses inside words escaped.
type splitter struct {
	text  string
	at    int
	words []string
	word  []byte
	open  bool // inside a word
	shell strings.Builder
}

func (s *splitter) run() *Refusal {
	for s.at < len(s.text) {
		c := s.text[s.at]
		var refusal *Refusal
		switch c {
		case ' ':
			s.end()
			s.shell.WriteByte(c)
			s.at++
		case '\'':
			refusal = s.single()
		case '"':
			refusal = s.double()
		case '\\':
			refusal = s.escape()
		default:
			refusal = s.plain(c)
		}
		if refusal != nil {
			return refusal
		}
	}
	s.end()
	return nil
}

func (s *splitter) end() {
	if s.open {
		s.words = append(s.words, string(s.word))
	}
	s.word, s.open = s.word[:0], false
}

// plain takes one unquoted character. Nothing that means something to a shell is taken outside quotes, but globs and
// braces, which are data to every program here.
func (s *splitter) plain(c byte) *Refusal {
	paren := (c == '(' || c == ')') && s.open // inside a word, as in --format=json(name), it is data to every program here
	if sentence, ok := operators[c]; ok && !paren {
		return unparsed("%s", sentence)
	}
	if c == '#' && !s.open {
		return unparsed("A # starts a comment in a shell. Put the value in quotes if the # belongs to it.")
	}
	if (c == '!' || c == '~') && !s.open && (c == '!' || len(s.words) == 0) {
		return unparsed("A %c has no meaning here. Put the value in quotes if it belongs to it.", c)
	}
	s.open = true
	s.word = append(s.word, c)
	if paren {
		s.shell.WriteByte('\\')
	}
	s.shell.WriteByte(c)
	s.at++
	return nil
}

var operators = map[byte]string{
	'|': "There is no shell, so | cannot pipe. Send one command, or put the | in quotes if it belongs to a filter or query.",
	'&': "There is no shell, so & cannot join or background commands. Send one command, or put the & in quotes.",
	';': "There is no shell, so ; cannot join commands. Send the commands one by one, or put the ; in quotes.",
	'>': "There is no shell, so > cannot write to a file. Put the > in quotes if it belongs to a filter.",
	'<': "There is no shell, so < cannot read a file. Put the < in quotes if it belongs to a filter.",
	'$': "There is no shell, so $ is not expanded. Write the value itself, or put the $ in single quotes.",
	'`': "There is no shell, so ` does not run a command. Put the query in quotes if the ` belongs to it.",
	'(': "There is no shell, so ( cannot group commands. Put the value in quotes.",
	')': "There is no shell, so ) cannot group commands. Put the value in quotes.",
}

func (s *splitter) single() *Refusal {
	end := strings.IndexByte(s.text[s.at+1:], '\'')
	if end < 0 {
		return unparsed("A single quote is not closed. Close it, or put the whole value in double quotes.")
	}
	s.open = true
	s.word = append(s.word, s.text[s.at+1:s.at+1+end]...)
	s.shell.WriteString(s.text[s.at : s.at+end+2])
	s.at += end + 2
	return nil
}

func (s *splitter) double() *Refusal {
	s.open = true
	s.shell.WriteByte('"')
	for i := s.at + 1; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == '"':
			s.shell.WriteByte('"')
			s.at = i + 1
			return nil
		case c == '\\' && i+1 < len(s.text) && strings.IndexByte("\"\\$`", s.text[i+1]) >= 0:
			s.word = append(s.word, s.text[i+1])
			s.shell.WriteString(s.text[i : i+2])
			i++
		case c == '$' || c == '`':
			s.word = append(s.word, c)
			s.shell.WriteByte('\\')
			s.shell.WriteByte(c)
		default:
			s.word = append(s.word, c)
			s.shell.WriteByte(c)
		}
	}
	return unparsed("A double quote is not closed. Close it, or put the whole value in single quotes.")
}

func (s *splitter) escape() *Refusal {
	if s.at+1 >= len(s.text) {
		return unparsed("The command ends with a backslash. Send it on one line.")
	}
	_, size := utf8.DecodeRuneInString(s.text[s.at+1:])
	s.open = true
	s.word = append(s.word, s.text[s.at+1:s.at+1+size]...)
	s.shell.WriteString(s.text[s.at : s.at+1+size])
	s.at += 1 + size
	return nil
}

var shellParsers = sync.Pool{New: func() any { return syntax.NewParser(syntax.Variant(syntax.LangBash)) }}

// shellAgrees parses the line with the shell's parser and compares word by word.
func shellAgrees(line string, words []string) bool {
	p := shellParsers.Get().(*syntax.Parser)
	defer shellParsers.Put(p)
	file, err := p.Parse(strings.NewReader(line), "")
	if err != nil || len(file.Stmts) != 1 {
		return false
	}
	stmt := file.Stmts[0]
	call, ok := stmt.Cmd.(*syntax.CallExpr)
	if !ok || len(stmt.Redirs) > 0 || stmt.Background || stmt.Coprocess || stmt.Negated || len(stmt.Comments) > 0 || len(file.Last) > 0 {
		return false
	}
	if len(call.Assigns) > 0 {
		// An assignment is a word here; the program check refuses it by name.
		return len(call.Assigns)+len(call.Args) == len(words)
	}
	if len(call.Args) != len(words) {
		return false
	}
	for i, arg := range call.Args {
		text, ok := literal(arg)
		if !ok || text != words[i] {
			return false
		}
	}
	return true
}

// literal is the value of a word that is made of plain and quoted text only.
func literal(w *syntax.Word) (string, bool) {
	if len(w.Parts) == 1 {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok && strings.IndexByte(lit.Value, '\\') < 0 {
			return lit.Value, true
		}
	}
	var out strings.Builder
	for _, part := range w.Parts {
		switch p := part.(type) {
		case *syntax.Lit:
			unescape(&out, p.Value, "")
		case *syntax.SglQuoted:
			if p.Dollar {
				return "", false
			}
			out.WriteString(p.Value)
		case *syntax.DblQuoted:
			if p.Dollar {
				return "", false
			}
			for _, inner := range p.Parts {
				lit, ok := inner.(*syntax.Lit)
				if !ok {
					return "", false
				}
				unescape(&out, lit.Value, "\"\\$`")
			}
		default:
			return "", false
		}
	}
	return out.String(), true
}

// unescape drops backslashes; with a set only those in front of one of its characters, as inside double quotes.
func unescape(out *strings.Builder, text, set string) {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) && (set == "" || strings.IndexByte(set, text[i+1]) >= 0) {
			i++
		}
		out.WriteByte(text[i])
	}
}

// Quote writes an argv as one line that Parse reads back to the same argv.
func Quote(argv []string) string {
	var out strings.Builder
	for i, word := range argv {
		if i > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(quoteWord(word))
	}
	return out.String()
}

func quoteWord(word string) string {
	plain := word != ""
	for i := 0; i < len(word) && plain; i++ {
		c := word[i]
		plain = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_./:=,@%+", c) >= 0
	}
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
