//go:build !race

package main

const (
	raceDetector   = false
	hostileDefault = 20_000
)
