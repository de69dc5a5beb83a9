package main

import (
	"math"
	"strconv"
	"strings"
)

func unitOf(of string) string { return of[strings.LastIndexByte(of, ' ')+1:] }

// show writes a value with three digits that count and its unit.
func show(value float64, unit string) string {
	switch {
	case unit == "ns/op":
		return showTime(value)
	case unit == "ratio":
		return strconv.FormatFloat(value, 'f', 2, 64) + " ×"
	case strings.HasSuffix(unit, "-ms"):
		return showTime(value * 1e6)
	case strings.HasSuffix(unit, "-µs"):
		return showTime(value * 1e3)
	case strings.HasSuffix(unit, "-MB"):
		return digits(value) + " MB"
	case strings.HasSuffix(unit, "/s"):
		return digits(value) + " a second"
	}
	return digits(value)
}

func showTime(ns float64) string {
	switch {
	case ns >= 10e9:
		return digits(ns/1e9) + " s"
	case ns >= 1e6:
		return digits(ns/1e6) + " ms"
	case ns >= 1e3:
		return digits(ns/1e3) + " µs"
	case ns == 0:
		return "0"
	}
	return digits(ns) + " ns"
}

// digits rounds to two digits below a hundred and to three above, and groups thousands.
func digits(value float64) string {
	if value == 0 {
		return "0"
	}
	count := 2
	if value >= 100 {
		count = 3
	}
	scale := math.Pow(10, float64(count-1)-math.Floor(math.Log10(value)))
	rounded := math.Round(value*scale) / scale
	whole, part, _ := strings.Cut(strconv.FormatFloat(rounded, 'f', -1, 64), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if part == "" {
		return whole
	}
	return whole + "." + part
}
