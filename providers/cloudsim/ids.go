package cloudsim

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// The ids below are made from what they name, so that they repeat from run to run. Nothing secret is made this way.

// shortID gives n characters of A-Z and 2-7, at most 50.
func shortID(seed string, n int) string {
	sum := sha256.Sum256([]byte(seed))
	return base32.StdEncoding.EncodeToString(sum[:])[:n]
}

// hexID gives n hexadecimal digits, at most 64.
func hexID(seed string, n int) string {
	sum := sha256.Sum256([]byte(seed))
	return hex.EncodeToString(sum[:])[:n]
}

// uuidOf gives a version 4 shaped UUID.
func uuidOf(seed string) string {
	h := hexID(seed, 32)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:32])
}

// numberOf gives a decimal number of 18 or 19 digits, as Google numbers things.
func numberOf(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return strconv.FormatUint(binary.BigEndian.Uint64(sum[:])>>2|1<<60, 10)
}

// next gives a seed for the id of something new. The caller holds the lock.
func (w *World) next(kind string) string {
	w.Serial++
	return kind + strconv.Itoa(w.Serial)
}
