package slack

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
)

// fatalWords are the errors of Slack that only a person can mend, and what to do.
var fatalWords = map[string]string{
	"invalid_auth":           "Slack does not know the token; copy it again from the app's settings",
	"not_authed":             "no token reached Slack; set it",
	"account_inactive":       "the token belongs to an account or workspace that was deactivated; install the app again",
	"token_revoked":          "the token was revoked; install the app again and copy the new token",
	"token_expired":          "the token has expired; turn token rotation off for the app, install it again and copy the new token",
	"no_permission":          "the token may not do this; install the app again with the scopes of `aurora manifest slack`",
	"missing_scope":          "the token lacks a scope; install the app again with the scopes of `aurora manifest slack`",
	"not_allowed_token_type": "this is another kind of token; an app token starts with xapp, a bot token with xoxb",
	"missing_args":           "Slack misses a token; set it",
	"org_login_required":     "the workspace is being moved into an Enterprise organisation; install the app again there",
}

// explainFatal gives an error that says what to do when err is one of those; nil otherwise. what names the token.
func explainFatal(err error, what string) error {
	word := slackWord(err)
	advice, ok := fatalWords[word]
	if !ok {
		return nil
	}
	return fmt.Errorf("%s: %s (Slack says %s)", what, advice, word)
}

// unheard says of a call made for a person at the console why it failed, and what to do.
func unheard(err error, token string) error {
	if fatal := explainFatal(err, token); fatal != nil {
		return fatal
	}
	var network *net.OpError
	if errors.As(err, &network) {
		err = network
	}
	return fmt.Errorf("the Slack API cannot be reached: see that this machine reaches it and that SLACK_API_URL is right (%s)", safe(err))
}

// slackWord is the error code Slack answered with, or empty.
func slackWord(err error) string {
	var answer slackgo.SlackErrorResponse
	if errors.As(err, &answer) {
		return answer.Err
	}
	return ""
}

// locksOut tells the errors after which nothing is delivered any more until a person mends the token.
func locksOut(err error) bool {
	switch slackWord(err) {
	case "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired":
		return true
	}
	return false
}

// lockedOut is how long a message waits for its next try then, by a process that has a good token.
const lockedOut = 10 * time.Second

// meaning is classify for the calls of an adapter, which gives up when the token is no good any more.
func (a *Adapter) meaning(err error) error {
	if locksOut(err) {
		a.giveUp(explainFatal(err, "SLACK_BOT_TOKEN"))
	}
	return classify(err)
}

// retryAfter is how long Slack asked to wait, 0 when it did not.
func retryAfter(err error) time.Duration {
	var limited *slackgo.RateLimitedError
	if errors.As(err, &limited) {
		return max(limited.RetryAfter, time.Second)
	}
	switch slackWord(err) {
	case "ratelimited", "rate_limited", "message_limit_exceeded":
		return 30 * time.Second
	}
	return 0
}

// classify gives err the meaning bot.Chat asks for. A refusal by Slack means that nothing was delivered; a broken
// connection, a time-out or Slack's own failure leaves that open.
func classify(err error) error {
	if err == nil {
		return nil
	}
	if after := retryAfter(err); after > 0 {
		return &bot.Later{After: after}
	}
	if locksOut(err) {
		return &bot.Later{After: lockedOut}
	}
	switch word := slackWord(err); word {
	case "":
	case "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return fmt.Errorf("failure inside Slack (%s): %w", word, bot.ErrInDoubt)
	default:
		return fmt.Errorf("refused by Slack (%s): %w", word, bot.ErrUndeliverable)
	}
	var status slackgo.StatusCodeError
	if errors.As(err, &status) && status.Code < http.StatusInternalServerError {
		return fmt.Errorf("answered by Slack with HTTP %d: %w", status.Code, bot.ErrUndeliverable)
	}
	return fmt.Errorf("%s: %w", safe(err), bot.ErrInDoubt)
}

// secretShape finds tokens, socket tickets and capabilities in an error's words.
var secretShape = regexp.MustCompile(`(?i)\b(xox[a-z]|xapp|xwfp)-[\w-]+|\bwss?://\S+|https?://\S+`)

// safe is what may be logged of an error: addresses and tokens taken out, as both are capabilities.
func safe(err error) string {
	if err == nil {
		return "closed by Slack"
	}
	return secretShape.ReplaceAllString(err.Error(), "[left out]")
}

// silent keeps slack-go from writing to standard error; what matters is logged here.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
