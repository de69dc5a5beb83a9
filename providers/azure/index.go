package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"regexp"
	"sync"
	"time"

	"aurora/providers"
)

// learnTime bounds the run that makes the index.
const learnTime = time.Minute

// index is az's list of which of its modules has which commands. With a directory of its own for each run az would read
// all of its modules each time to make it, which takes it about a second.
type index struct {
	once    sync.Once
	mu      sync.Mutex
	content []byte
	version string
}

const indexFile = "commandIndex.json"

// files gives what is known so far, and begins to learn it at the first call.
func (x *index) files(c *Connector) []providers.File {
	if c.config.Learn != nil {
		x.once.Do(func() { go x.learn(c) })
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	version := x.version
	if version == "" {
		version = "0" // az takes itself for updated then; with no version at all it would look for a newer one on the network
	}
	known := []providers.File{{Name: "versionCheck.json", Content: `{"versions": {"core": {"local": "` + version + `"}}}`}}
	if x.content != nil {
		known = append(known, providers.File{Name: indexFile, Content: string(x.content)})
	}
	return known
}

// learn has az make the index in a directory that has nothing to do with anybody.
func (x *index) learn(c *Connector) {
	ctx, cancel := context.WithTimeout(context.Background(), learnTime)
	defer cancel()
	session := providers.Session{Env: environment(), FilesEnv: "AZURE_CONFIG_DIR", Files: append(c.cloudFiles(),
		providers.File{Name: "versionCheck.json", Content: `{"versions": {"core": {"local": "0"}}}`})}
	raw, err := c.config.Learn(ctx, session, indexFile)
	var made struct{ Version string }
	if err != nil || json.Unmarshal(trimBOM(raw), &made) != nil || !plainVersion.MatchString(made.Version) {
		return // az makes it by itself in each run, as it would have
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.content, x.version = raw, made.Version
}

var plainVersion = regexp.MustCompile(`^[0-9]+(?:\.[0-9]+)+$`)

// trimBOM takes off the mark that az begins its files with.
func trimBOM(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) }
