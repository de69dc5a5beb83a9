package policy

import "strings"

// CleanHuman undoes what chat programs do to typed text: &amp; &lt; &gt;, <https://url|text>,
// <mailto:a|a>, curly quotes, no-break spaces, long dashes in front of a flag, and a backslash at a line's end. Use it
// for text that a person typed in chat, never for what a model proposed; `policy check` judges lines as they are.
func CleanHuman(text string) string {
	text = unlink(text)
	text = entities.Replace(text)
	text = quotes.Replace(text)
	text = continued.Replace(text)
	return dashes(strings.TrimSpace(text))
}

// &amp; comes last in the list, but a Replacer looks at the text once, so "&amp;lt;" becomes "&lt;" and no more.
var (
	entities  = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	quotes    = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "‘", "'", "’", "'", "‚", "'", "\u00a0", " ", "\u202f", " ")
	continued = strings.NewReplacer("\\\r\n", " ", "\\\n", " ")
)

// unlink replaces <url|text> by what the person typed: the text of a link that the chat made by itself, else the url.
func unlink(text string) string {
	var out strings.Builder
	for {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			break
		}
		end := strings.IndexByte(text[open:], '>')
		if end < 0 {
			break
		}
		inner := text[open+1 : open+end]
		out.WriteString(text[:open])
		if typed, ok := linkText(inner); ok {
			out.WriteString(typed)
		} else {
			out.WriteString(text[open : open+end+1])
		}
		text = text[open+end+1:]
	}
	out.WriteString(text)
	return out.String()
}

func linkText(inner string) (string, bool) {
	url, label, labelled := strings.Cut(inner, "|")
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "mailto:") && !strings.HasPrefix(url, "tel:") {
		return "", false
	}
	bare := strings.TrimPrefix(strings.TrimPrefix(url, "mailto:"), "tel:")
	if !labelled {
		return bare, true
	}
	if strings.HasSuffix(strings.TrimRight(bare, "/"), strings.TrimRight(label, "/")) {
		return label, true // "console.aws.amazon.com" became a link by itself
	}
	return bare, true
}

// dashes turns an en or em dash at the start of a word into the two hyphens that the keyboard ate.
func dashes(text string) string {
	var out strings.Builder
	start := true
	for _, r := range text {
		if start && (r == '–' || r == '—' || r == '―') {
			out.WriteString("--")
			start = false
			continue
		}
		start = r == ' '
		out.WriteRune(r)
	}
	return out.String()
}
