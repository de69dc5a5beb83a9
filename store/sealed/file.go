package sealed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// format is the version of the file's layout.
const format = 1

// content is what is sealed.
type content struct {
	Format      int              `json:"format"`
	Credentials map[string]entry `json:"credentials"` // by path
}

type entry struct {
	Version int64             `json:"version"`
	Values  map[string]string `json:"values"`
}

// read opens the file; one that does not exist yet holds nothing. Each call reads it anew: a damaged file is told at
// once, and no second copy of the values lies in memory.
func (k *Keeper) read() (content, error) {
	raw, err := os.ReadFile(k.file())
	if errors.Is(err, os.ErrNotExist) {
		return content{Format: format, Credentials: map[string]entry{}}, nil
	}
	if err != nil {
		return content{}, err
	}
	plain, err := decrypt(raw, k.key)
	var foreign *age.NoIdentityMatchError
	if errors.As(err, &foreign) {
		return content{}, fmt.Errorf("%s was sealed with another key: put that key back; nothing was changed", k.file())
	}
	if err != nil {
		return content{}, fmt.Errorf("%s is damaged: put back a copy; nothing was changed (%w)", k.file(), err)
	}
	var c content
	if err := json.Unmarshal(plain, &c); err != nil { // the cause may quote a value
		return content{}, fmt.Errorf("%s does not hold what Aurora writes: put back a copy; nothing was changed", k.file())
	}
	if c.Format != format || c.Credentials == nil {
		return content{}, fmt.Errorf("%s has format %d, this Aurora knows %d: use the version that wrote it", k.file(), c.Format, format)
	}
	return c, nil
}

// write seals the content and puts it in the file's place.
func (k *Keeper) write(c content) error {
	plain, err := json.Marshal(c)
	if err != nil {
		return err
	}
	raw, err := encrypt(plain, k.key.Recipient())
	if err != nil {
		return err
	}
	return replace(k.file(), raw)
}

func encrypt(plain []byte, to age.Recipient) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func decrypt(raw []byte, key age.Identity) ([]byte, error) {
	plain, err := age.Decrypt(bytes.NewReader(raw), key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(plain)
}

// temporary begins the names of files that a crash may leave behind.
const temporary = ".sealing-"

// replace puts a file in another's place so that after a crash there is the old one or the new one, whole.
func replace(path string, raw []byte) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, temporary+"*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(raw)
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	if err = os.Rename(file.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the rename itself last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closing := d.Close(); err == nil {
		err = closing
	}
	return err
}

// sweep removes what crashes left behind. The lock is held: no other process is writing one.
func sweep(dir string) error {
	left, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range left {
		if !strings.HasPrefix(file.Name(), temporary) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); err != nil {
			return err
		}
	}
	return nil
}
