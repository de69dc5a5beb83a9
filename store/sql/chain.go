package sql

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"unicode/utf8"

	"aurora/store"
)

// Head is the end of the audit chain as it stood at some moment.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Report is what a walk along the chain found.
type Report struct {
	Rows   int64    `json:"rows"`
	Head   Head     `json:"head"`
	Faults []string `json:"faults,omitempty"` // sentences, the first hundred; none: the chain is whole
}

const mostFaults = 100

// VerifyChain checks audit entries in the order they were written, from the first, as the table or an export of it gives
// them: that every entry is as it was written, that none is missing, added or moved, and that the chain still reaches
// the heads noted elsewhere. It fails only when entries does.
func VerifyChain(entries iter.Seq2[store.AuditEntry, error], key store.Secret, heads ...Head) (Report, error) {
	v := verifier{key: key, heads: map[int64][]string{}}
	for _, h := range heads {
		v.heads[h.Seq] = append(v.heads[h.Seq], h.Hash)
	}
	for e, err := range entries {
		if err != nil {
			return v.report, fmt.Errorf("walk audit after row %d: %w", v.report.Head.Seq, err)
		}
		v.check(e)
	}
	v.checkTail(heads)
	return v.report, nil
}

type verifier struct {
	key    store.Secret
	heads  map[int64][]string
	report Report
}

func (v *verifier) fault(format string, args ...any) {
	if len(v.report.Faults) < mostFaults {
		v.report.Faults = append(v.report.Faults, fmt.Sprintf(format, args...))
	}
}

func (v *verifier) check(e store.AuditEntry) {
	before := v.report.Head
	switch {
	case e.Seq > before.Seq+1:
		v.fault("Audit rows %d to %d are missing.", before.Seq+1, e.Seq-1)
	case e.Seq <= before.Seq:
		v.fault("Audit row %d comes after row %d.", e.Seq, before.Seq)
	case e.Prev != before.Hash:
		v.fault("Audit row %d does not follow from row %d: one of the two was changed or replaced.", e.Seq, before.Seq)
	}
	if !isText(e) || !hmac.Equal([]byte(e.Hash), []byte(hashOf(v.key, e))) {
		v.fault("Audit row %d was changed after it was written, or was written with another AURORA_AUDIT_KEY.", e.Seq)
	}
	for _, hash := range v.heads[e.Seq] {
		if hash != e.Hash {
			v.fault("Audit row %d is not the one that was logged as the head of the audit.", e.Seq)
		}
	}
	v.report.Rows++
	v.report.Head = Head{Seq: e.Seq, Hash: e.Hash}
}

func (v *verifier) checkTail(heads []Head) {
	if len(heads) == 0 {
		return
	}
	last := slices.MaxFunc(heads, func(a, b Head) int { return int(a.Seq - b.Seq) })
	if last.Seq > v.report.Head.Seq {
		v.fault("The audit ends at row %d, but row %d was logged as its head: the rows after %d were cut off.",
			v.report.Head.Seq, last.Seq, v.report.Head.Seq)
	}
}

// isText matters on SQLite, which keeps what is not UTF-8: JSON would make all such bytes the same.
func isText(e store.AuditEntry) bool {
	for _, s := range []string{string(e.Kind), e.OrgID, e.UserID, e.Person, e.Turn, e.Subject, string(e.Detail), e.Prev} {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

// hashOf is the hash of an entry: HMAC-SHA-256 with the key, or plain SHA-256 without one, over the hash before it, a
// newline and the canonical JSON of the rest, in hex.
func hashOf(key store.Secret, e store.AuditEntry) string {
	canonical, err := json.Marshal([]any{
		e.Seq, e.At.UTC().Format("2006-01-02T15:04:05.000000Z"), e.Kind, e.OrgID, e.UserID, e.Person, e.Turn, e.Subject, string(e.Detail),
	})
	if err != nil { // unreachable: numbers and strings can be marshalled
		return ""
	}
	sum := sha256.New()
	if key != "" {
		sum = hmac.New(sha256.New, []byte(key.Reveal()))
	}
	sum.Write([]byte(e.Prev + "\n"))
	sum.Write(canonical)
	return hex.EncodeToString(sum.Sum(nil))
}
