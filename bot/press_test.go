package bot

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"aurora/providers/policy"
)

var engine = sync.OnceValue(func() *policy.Engine {
	e, err := policy.New(nil)
	if err != nil {
		panic(err)
	}
	return e
})

// FuzzQuoted checks that an argv written as a line is the same argv when it is read.
func FuzzQuoted(f *testing.F) {
	for _, words := range []string{
		"aws\x1fec2\x1fstop-instances", "aws\x1fs3api\x1f--query\x1fReservations[?a=='b'].c | [0]", "aws\x1f\x1f'", "aws\x1fit's \"so\" $(x) `y` \\ \n z",
		"gcloud\x1f--filter=a>b&c;d", "aws\x1f“curly” ‘x’ – —", "aws\x1f&lt;b&gt;", "aws\x1f<https://a.example|a.example>", "aws\x1f\u00a0\u200b\x00", "aws\x1f~\x1f*\x1f{a,b}\x1f#x\x1f!",
	} {
		f.Add(words)
	}
	d := &Desk{Policy: engine()}
	f.Fuzz(func(t *testing.T, words string) {
		argv := strings.Split(words, "\x1f")
		line := quoted(argv)
		c, bad := engine().Parse(line)
		if bad != nil {
			if utf8.ValidString(words) && !strings.ContainsFunc(words, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || !plain(r) }) && argv[0] != "" && quotable(argv) {
				t.Errorf("%q, written %s, is refused: %s", argv, line, bad.Reason)
			}
			return
		}
		if !slices.Equal(c.Argv, argv) {
			t.Errorf("%q, written %s, was read as %q", argv, line, c.Argv)
		}
		if human, bad := engine().Parse(policy.CleanHuman(line)); d.readsBack(argv) != (bad == nil && slices.Equal(human.Argv, argv)) {
			t.Errorf("%q: it is not noticed how it reads back", argv)
		}
	})
}

// quotable tells whether the first word names a program that is known, without which nothing is parsed.
func quotable(argv []string) bool {
	return slices.Contains([]string{"aws", "gcloud", "az", "scw", "tailscale"}, argv[0]) && len(argv) < 100 && len(strings.Join(argv, "")) < 1000
}

func TestWhatChatWouldChangeIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	d := &Desk{Policy: engine()}
	for word, want := range map[string]bool{
		"plain": true, "two words": true, "it's": true, `"quoted"`: true, "a|b>c;d&e": true, "$HOME": true, "ümlaut": true,
		"“curly”": false, "’": false, "a &amp; b": false, "<https://a.example|b>": false,
	} {
		if got := d.readsBack([]string{"aws", "ec2", "create-tags", word}); got != want {
			t.Errorf("%q reads back: %v, want %v", word, got, want)
		}
	}
}
