//go:build race

package main

// The race detector makes the embedded database many times slower: under it the hostile model makes fewer calls, and
// `make test` runs the whole of them once more without it.
const (
	raceDetector   = true
	hostileDefault = 600
)
