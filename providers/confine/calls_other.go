//go:build !amd64

package confine

// olderAttributes are what attributeCalls took the place of; there never was any here.
var olderAttributes []uint32
