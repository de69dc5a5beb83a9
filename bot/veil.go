package bot

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"aurora/store"
)

// veiledWord stands for words that may not be read in the open.
const veiledWord = "…"

// veil leaves out of a command what the asker alone may know: a model that has read such data can put it into the words
// of its next command. What stays is the CLI's own grammar and what the asker wrote himself.
type veil struct {
	policy Explainer
	own    string // the asker's own words
}

// veilOf gives the veil for a turn: its asker wrote the ask and what joined it. Of a turn that began with no words of
// his, or whose words cannot be read, nothing but grammar is shown.
func (d *Desk) veilOf(ctx context.Context, turnID string) veil {
	v := veil{policy: d.Policy}
	turn, err := d.Turns.Turn(ctx, turnID)
	if err != nil || strings.HasPrefix(turnID, continued) || strings.HasPrefix(turnID, repeated) {
		return v
	}
	v.own = turn.Text
	steps, err := d.Journal.Steps(ctx, turnID)
	if err != nil {
		zerolog.Ctx(ctx).Info().Err(err).Msg("read what the asker wrote besides")
	}
	for _, s := range steps {
		for _, joined := range s.Joined {
			v.own += "\n" + joined.Text
		}
	}
	return v
}

// argv gives the command as it may stand in the open.
func (v veil) argv(argv []string) []string {
	grammar, flags := v.grammar(argv)
	var open []string
	for i, word := range argv {
		name, _, valued := strings.Cut(word, "=")
		switch {
		case i < grammar || v.wrote(word):
			open = append(open, word)
		case flags[name] && valued:
			open = append(open, name+"="+veiledWord)
		case flags[name]:
			open = append(open, word)
		default:
			open = append(open, veiledWord)
		}
	}
	return open
}

// grammar tells how many words at the front of a command are the CLI's own, and which flags the tables know: what they
// do not know may be anything.
func (v veil) grammar(argv []string) (words int, flags map[string]bool) {
	if !aCommand(argv) {
		return 0, nil
	}
	if v.policy == nil {
		return 1, nil
	}
	command, bad := v.policy.ParseArgv(argv)
	if bad != nil {
		return 1, nil
	}
	verdict := v.policy.Classify(command)
	path := strings.Fields(verdict.Path)
	for words < len(argv) && words < len(path) && argv[words] == path[words] {
		words++
	}
	flags = map[string]bool{}
	for _, f := range verdict.Flags {
		if strings.HasPrefix(f.Written, "-") {
			flags[f.Written] = true
		}
	}
	return max(words, 1), flags
}

// wrote tells whether the asker's words hold this one, as a word of its own.
func (v veil) wrote(word string) bool {
	if word == "" {
		return false
	}
	for from := 0; ; {
		at := strings.Index(v.own[from:], word)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(v.own[:at])
		after, _ := utf8.DecodeRuneInString(v.own[at+len(word):])
		if !partOfWord(before) && !partOfWord(after) {
			return true
		}
		from = at + 1
	}
}

func partOfWord(r rune) bool {
	return r == '-' || r == '_' || r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// lines veils the lines about commands. The sentence behind a refusal can quote the command, so it goes as well.
func (v veil) lines(lines []Ran) []Ran {
	open := make([]Ran, len(lines))
	for i, l := range lines {
		open[i] = Ran{Argv: v.argv(l.Argv), Cloud: l.Cloud, Account: l.Account, Region: l.Region, State: l.State}
	}
	return open
}

// card veils a card: what it does and who asks stays, what and where is told to those who decide on it.
func (v veil) card(conf store.Confirmation, card Card) *Card {
	open := Card{ID: card.ID, Title: card.Title, Digest: card.Digest, Outcome: card.Outcome, Warnings: slices.Clone(card.Warnings)}
	for i, c := range conf.Commands {
		open.Commands = append(open.Commands, Shown{Argv: visibleAll(v.argv(c.Argv)), State: card.Commands[i].State})
	}
	for _, f := range card.Facts {
		if f.Label != factAccount && f.Label != factProject && f.Label != factRegion {
			open.Facts = append(open.Facts, f)
		}
	}
	if card.Outcome == "" {
		open.Warnings = append(open.Warnings, "Not all of it is shown here, since not everybody who can read this may know it. Whoever may answer this card sees the whole of it by pressing the button Show me.")
	}
	return &open
}

// veiledCard is what stands in the open instead of a card where it may not.
func (v veil) veiledCard(conf store.Confirmation, m Message) *Message {
	open := Message{Card: v.card(conf, *m.Card), Buttons: m.Buttons, Notice: m.Notice}
	if m.Card.Outcome == "" {
		open.Buttons = append(slices.Clone(m.Buttons), Button{Action: actionShow, Label: "Show me"})
	}
	return &open
}
