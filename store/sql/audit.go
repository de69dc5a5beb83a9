package sql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	"aurora/store"
)

// auditLock makes writers of the audit, in all replicas, take turns. A transaction takes it last, so that it never waits
// for anything while it holds it.
const auditLock = 0x6175726f7202

const auditColumns = `seq, at, kind, org_id, user_id, person, turn, subject, detail, prev, hash`

func scanAudit(row scanner) (e store.AuditEntry, err error) {
	var detail string
	err = row.Scan(&e.Seq, timeColumn{&e.At}, &e.Kind, &e.OrgID, &e.UserID, &e.Person, &e.Turn, &e.Subject, &detail, &e.Prev, &e.Hash)
	if detail != "" {
		e.Detail = json.RawMessage(detail)
	}
	return e, err
}

// note starts an audit entry.
func note(kind store.AuditKind, orgID string, by store.Person, subject string, detail map[string]any) store.AuditEntry {
	e := store.AuditEntry{Kind: kind, OrgID: orgID, Subject: subject}
	if by != (store.Person{}) {
		e.Person = by.String()
	}
	if detail != nil {
		raw, err := json.Marshal(detail)
		if err != nil {
			raw, _ = json.Marshal(map[string]string{"undescribed": err.Error()})
		}
		e.Detail = raw
	}
	return e
}

// Audit appends an entry. The store gives it Seq, At, Prev and Hash.
func (d *DB) Audit(ctx context.Context, e store.AuditEntry) error {
	if e.Kind == "" {
		return errors.New("an audit entry needs its kind")
	}
	return d.tx(ctx, func(tx conn) error { return tx.append(ctx, e) })
}

// append must be the last thing a transaction does.
func (c conn) append(ctx context.Context, entries ...store.AuditEntry) error {
	if c.speech == postgres && len(entries) > 0 {
		if _, err := c.exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(auditLock)); err != nil {
			return fmt.Errorf("append to audit: %w", err)
		}
	}
	for _, e := range entries {
		if err := c.link(ctx, e); err != nil {
			return fmt.Errorf("append to audit: %w", err)
		}
	}
	return nil
}

// link adds one entry to the chain. Its first statement begins once the lock is held: it sees the last writer's row.
func (c conn) link(ctx context.Context, e store.AuditEntry) error {
	err := c.one(ctx, `SELECT {clock}, coalesce((SELECT seq FROM audit ORDER BY seq DESC LIMIT 1), 0) + 1,
		coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1), '')`, nil, timeColumn{&e.At}, &e.Seq, &e.Prev)
	if err != nil {
		return err
	}
	if e, err = tidy(e); err != nil {
		return err
	}
	e.Hash = hashOf(c.key, e)
	_, err = c.exec(ctx, `INSERT INTO audit (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		e.Seq, c.speech.param(e.At), e.Kind, e.OrgID, e.UserID, e.Person, e.Turn, e.Subject, string(e.Detail), e.Prev, e.Hash)
	return err
}

// tidy makes an entry that both engines, and JSON, give back byte for byte.
func tidy(e store.AuditEntry) (store.AuditEntry, error) {
	e.Kind = store.AuditKind(clean(string(e.Kind)))
	for _, field := range []*string{&e.OrgID, &e.UserID, &e.Person, &e.Turn, &e.Subject} {
		*field = clean(*field)
	}
	if len(e.Detail) == 0 {
		e.Detail = nil
		return e, nil
	}
	raw, err := json.Marshal(json.RawMessage(clean(string(e.Detail))))
	if err != nil {
		return e, fmt.Errorf("detail of audit entry: %w", err)
	}
	e.Detail = raw
	return e, nil
}

// AuditTail gives the newest n entries of an organisation, the newest last.
func (d *DB) AuditTail(ctx context.Context, orgID string, n int) ([]store.AuditEntry, error) {
	list, err := all(ctx, d.conn, scanAudit, `SELECT `+auditColumns+` FROM audit WHERE org_id = $1 ORDER BY seq DESC LIMIT $2`, orgID, n)
	slices.Reverse(list)
	return list, err
}

// Asked gives the digest that was audited when a confirmation was asked, the last one where there are several.
func (d *DB) Asked(ctx context.Context, confirmationID string) (digest string, err error) {
	var detail struct {
		Digest string `json:"digest"`
	}
	err = d.one(ctx, `SELECT detail FROM audit WHERE kind = 'asked' AND subject = $1 ORDER BY seq DESC LIMIT 1`,
		[]any{confirmationID}, jsonColumn{&detail})
	return detail.Digest, err
}

// AuditHead gives the end of the chain: (0, "") while it is empty.
func (d *DB) AuditHead(ctx context.Context) (seq int64, hash string, err error) {
	err = d.one(ctx, `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`, nil, &seq, &hash)
	if errors.Is(err, store.ErrNotFound) {
		return 0, "", nil
	}
	return seq, hash, err
}

// AuditWalk gives all entries of all organisations from a sequence number on, in order. It reads page by page, so that
// whoever walks may use the database meanwhile. An error ends it.
func (d *DB) AuditWalk(ctx context.Context, from int64) iter.Seq2[store.AuditEntry, error] {
	const page = 500
	return func(yield func(store.AuditEntry, error) bool) {
		for {
			list, err := all(ctx, d.conn, scanAudit, `SELECT `+auditColumns+` FROM audit WHERE seq >= $1 ORDER BY seq LIMIT $2`, from, page)
			if err != nil {
				yield(store.AuditEntry{}, err)
				return
			}
			for _, e := range list {
				if !yield(e, nil) {
					return
				}
				from = e.Seq + 1
			}
			if len(list) < page {
				return
			}
		}
	}
}

// VerifyAudit walks the whole chain with the key the database was opened with. heads are ends of the chain that were
// logged elsewhere: only by them a cut tail shows.
func (d *DB) VerifyAudit(ctx context.Context, heads ...Head) (Report, error) {
	return VerifyChain(d.AuditWalk(ctx, 1), d.key, heads...)
}
