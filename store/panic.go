package store

import (
	"fmt"
	"runtime"
)

// PanicText is what may be logged of a panic's value: the Go runtime's own words, which quote nothing. Of any other
// value the kind alone, since it may hold what somebody wrote or what a cloud printed.
func PanicText(value any) string {
	if fault, ok := value.(runtime.Error); ok {
		return fault.Error()
	}
	return fmt.Sprintf("a panic with a value of type %T", value)
}
