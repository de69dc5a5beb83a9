package sql

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// newID makes an unguessable id such as usr_k3...
func newID(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()) }

// clean makes text that both engines store unchanged: valid UTF-8 without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// encode gives the JSON text of a value that cannot fail to have one.
func encode(v any) (string, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode for the database: %w", err)
	}
	return string(raw), nil
}

// document gives raw JSON as a parameter: nil when there is none, an error when it is not JSON.
func document(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	text := strings.ToValidUTF8(string(raw), "\uFFFD")
	if !json.Valid([]byte(text)) {
		return nil, errors.New("what should be stored as JSON is not JSON")
	}
	return text, nil
}

// A jsonColumn scans a JSON column into the value it points to; NULL leaves that alone.
type jsonColumn struct{ to any }

// Scan implements database/sql.Scanner.
func (c jsonColumn) Scan(src any) error {
	raw, err := bytesOf(src)
	if err != nil || raw == nil {
		return err
	}
	if to, ok := c.to.(*json.RawMessage); ok {
		*to = raw
		return nil
	}
	if err := json.Unmarshal(raw, c.to); err != nil {
		return fmt.Errorf("read JSON column: %w", err)
	}
	return nil
}

func bytesOf(src any) ([]byte, error) {
	switch v := src.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(v), nil
	case []byte:
		return append([]byte(nil), v...), nil
	}
	return nil, fmt.Errorf("a column that should hold text holds %T", src)
}

// A timeColumn scans a time: SQLite keeps it as text. A time that cannot be read stays zero, so that a damaged audit row
// is found by its hash rather than ending the walk.
type timeColumn struct{ to *time.Time }

// Scan implements database/sql.Scanner.
func (c timeColumn) Scan(src any) error {
	*c.to = time.Time{}
	if t, ok := src.(time.Time); ok {
		*c.to = t.UTC()
		return nil
	}
	raw, err := bytesOf(src)
	if err != nil {
		return err
	}
	// Parse is lenient (it takes a comma for the point), the way back is not.
	if t, err := time.Parse(sqliteTime, string(raw)); err == nil && t.Format(sqliteTime) == string(raw) {
		*c.to = t
	}
	return nil
}
