package modelsim

import "slices"

// Fault is a misbehaviour. They are things servers were seen to do.
type Fault string

// The faults.
const (
	FaultNone         Fault = ""
	FaultCut          Fault = "cut"            // the connection ends in the middle of the last call or text
	FaultErrorNull    Fault = "error_null"     // a chunk has "error": null
	FaultErrorEvent   Fault = "error_event"    // the stream ends with an error
	FaultHTML         Fault = "html"           // 200 and a web page
	FaultJSON         Fault = "json"           // 200 and a completion that is no stream
	FaultEmpty        Fault = "empty"          // 200, a stream, and nothing in it
	FaultIDChange     Fault = "id_change"      // the chunks' id changes
	FaultLength       Fault = "length"         // finish_reason length, arguments cut
	FaultFilter       Fault = "content_filter" // finish_reason content_filter
	FaultOddFinish    Fault = "odd_finish"     // a finish_reason nobody knows
	Fault429          Fault = "429"
	Fault500          Fault = "500"
	Fault503          Fault = "503"
	Fault401          Fault = "401"
	Fault400          Fault = "400"
	FaultRedirect     Fault = "redirect"      // 307 to another path
	FaultStall        Fault = "stall"         // the first chunk, then nothing
	FaultSilent       Fault = "silent"        // nothing at all, not even headers
	FaultTrickle      Fault = "trickle"       // a byte a chunk: slow but whole
	FaultDuplicateIDs Fault = "duplicate_ids" // all calls have one id
	FaultEmptyIDs     Fault = "empty_ids"     // no call has an id
	FaultOddIDs       Fault = "odd_ids"       // ids with blanks and slashes
	FaultUnknownTool  Fault = "unknown_tool"  // the calls are for a tool that is not offered
	FaultBadArguments Fault = "bad_arguments" // the last call's arguments are not JSON
	FaultNoName       Fault = "no_name"       // the last call has no function name
	FaultNoUsage      Fault = "no_usage"      // no usage, though asked for
	FaultNoDone       Fault = "no_done"       // no [DONE]
	FaultTwoChoices   Fault = "two_choices"   // a second choice
	FaultFlood        Fault = "flood"         // text without end
	FaultAnnounced    Fault = "announced"     // finish_reason tool_calls without a call
	FaultHold         Fault = "hold"          // waits for Release before the first byte, then answers
)

// faults lists all of them, for check and for the hostile generator.
func faults() []Fault {
	return []Fault{
		FaultNone, FaultCut, FaultErrorNull, FaultErrorEvent, FaultHTML, FaultJSON, FaultEmpty, FaultIDChange, FaultLength,
		FaultFilter, FaultOddFinish, Fault429, Fault500, Fault503, Fault401, Fault400, FaultRedirect, FaultStall, FaultSilent,
		FaultTrickle, FaultDuplicateIDs, FaultEmptyIDs, FaultOddIDs, FaultUnknownTool, FaultBadArguments, FaultNoName,
		FaultNoUsage, FaultNoDone, FaultTwoChoices, FaultFlood, FaultAnnounced, FaultHold,
	}
}

func (f Fault) known() bool { return slices.Contains(faults(), f) }

// bend changes a reply for the faults that lie in what is said.
func (r Reply) bend() Reply {
	r.Calls = slices.Clone(r.Calls)
	for i := range r.Calls {
		switch r.Fault {
		case FaultDuplicateIDs:
			r.Calls[i].ID = "call_same"
		case FaultOddIDs:
			r.Calls[i].ID = "call 1/../x"
		case FaultUnknownTool:
			r.Calls[i].Name = "run_shell"
		}
	}
	if n := len(r.Calls); n > 0 && r.Fault == FaultBadArguments {
		r.Calls[n-1].Raw = r.Calls[n-1].arguments() + `,"x":`
	}
	return r
}
