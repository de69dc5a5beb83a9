package agent

import "time"

// Limits bounds one turn. Zero fields take the default.
type Limits struct {
	Steps        int           // model replies; 12
	CallsPerStep int           // 8
	Calls        int           // in the whole turn; 40
	Tokens       int64         // in and out, over all steps; 400,000
	ReplyTokens  int           // of one reply; 4,096
	ResultBytes  int           // of one result, to the model; 16 KiB
	TotalBytes   int           // of all results, to the model; 256 KiB
	TextBytes    int           // of the asker's message, or of one message of the thread; 16 KiB
	HistoryBytes int           // of thread and memory together; 32 KiB
	Wall         time.Duration // from Turn.Started; 10 min
	Readers      int           // reads side by side; 4
	Tries        int           // askings of one step when the reply cannot be used; 2
	StopPoll     time.Duration // how often a running command looks for a stop; 1 s
}

// withDefaults fills what is zero.
func (l Limits) withDefaults() Limits {
	orInt(&l.Steps, 12)
	orInt(&l.CallsPerStep, 8)
	orInt(&l.Calls, 40)
	orInt(&l.Tokens, 400_000)
	orInt(&l.ReplyTokens, 4096)
	orInt(&l.ResultBytes, 16<<10)
	orInt(&l.TotalBytes, 256<<10)
	orInt(&l.TextBytes, 16<<10)
	orInt(&l.HistoryBytes, 32<<10)
	orInt(&l.Wall, 10*time.Minute)
	orInt(&l.Readers, 4)
	orInt(&l.Tries, 2)
	orInt(&l.StopPoll, time.Second)
	return l
}

func orInt[T ~int | ~int64](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}
