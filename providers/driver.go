package providers

import (
	"context"
	"errors"

	"aurora/store"
)

// Driver turns a connection into what one run of the cloud's CLI needs. Each cloud with a CLI has one.
type Driver interface {
	// Session gives the environment, files and secrets of one run. A credential that cannot be used is a *Problem.
	Session(ctx context.Context, ask SessionAsk) (Session, error)
}

// Direct runs the typed commands of a cloud that has no CLI, over its API.
type Direct interface {
	// Call runs argv, which policy has judged. A command that the cloud refuses is an Output with an exit code of 1; a
	// credential that cannot be used is a *Problem; a change that was asked for and not answered is ErrNoAnswer.
	Call(ctx context.Context, ask SessionAsk, argv []string) (Output, error)
}

// ErrNoAnswer says that nobody knows whether a change was made: the cloud was asked for it, and what came back was
// nothing, cut, or a fault of the cloud's own.
var ErrNoAnswer = errors.New("the cloud gave no usable answer to a change")

// SessionAsk says for which connection, whom and how a session is wanted.
type SessionAsk struct {
	Connection store.Connection
	Credential store.Credential
	Project    string // resolved; empty when the cloud has none
	Region     string // resolved; empty when the command or the cloud decides
	UserID     string
	Turn       string
	Argv       []string // what will run, for sessions that differ by command; never to be changed
	ReadOnly   bool     // the session itself must not be able to change anything, where the cloud has such a thing
}

// Session is what one run needs besides its argv.
type Session struct {
	Env     map[string]string // the whole environment but HOME, PATH, TMPDIR and LANG
	Files   []File            // written 0600 in the private directory before the run, gone after it
	Secrets []string          // every secret value in Env and Files, for redaction

	FilesEnv string // the variable that is set to the directory of Files; may be empty
	// Rejected tells from what a failed run printed that the cloud no longer takes the credential; nil where that cannot be
	// told.
	Rejected func(Output) *Problem
}

// File is one secret or configuration file of a run.
type File struct {
	Name    string // a bare name
	Content string
	Env     string // the variable that is set to the file's path; may be empty
}

// Output is what a command printed, raw.
type Output struct {
	Stdout    []byte
	Stderr    []byte
	ExitCode  int
	Truncated bool     // more was printed than is kept
	Secrets   []string // values that must not be shown, for redaction
	Throttled int      // how often the cloud said that it is asked too often; 0 when it answered in the end
	Refused   []string // hosts that the program was not let through to
	Problem   *Problem // the cloud refused the credential while the command ran; nil when it did not
}

// Problem is why a credential cannot be used.
type Problem struct {
	Code     Code
	Sentence string // for people: says what to do
	Broken   bool   // only a new sign-in helps
	Err      error  // the cause; may be nil
}

// Error gives the sentence.
func (p *Problem) Error() string { return p.Sentence }

// Unwrap gives the cause.
func (p *Problem) Unwrap() error { return p.Err }
