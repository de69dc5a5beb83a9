package bot

import (
	"strings"
	"testing"
)

func TestStopOfNothingIsAnsweredToMembersAlone(t *testing.T) {
	t.Parallel()
	for kind, member := range map[Kind]bool{Member: true, Guest: false, External: false} {
		o := newOffice(t)
		o.room.kind = kind
		o.say("U1", "stop")
		if said := o.inTheOpen(); strings.Contains(said, "Nothing runs") != member || !member && len(o.room.order) > 0 {
			t.Errorf("%s: said %s", kind, said)
		}
		if whispered := len(o.room.whispers) == 1 && o.room.whispers[0].Notice == neutral; whispered == member {
			t.Errorf("%s: whispered %+v", kind, o.room.whispers)
		}
	}
}
