package store

// TroubleKind says in which way the keeper of credentials cannot be used.
type TroubleKind string

// The kinds of trouble.
const (
	TroubleSealed      TroubleKind = "sealed"      // it runs and is locked: a person has to unseal it
	TroubleStandby     TroubleKind = "standby"     // it stands by for an active server that cannot be reached
	TroubleRefused     TroubleKind = "refused"     // it does not accept Aurora's sign-in, or its policy does not reach
	TroubleSlow        TroubleKind = "slow"        // it did not answer in time
	TroubleUnreachable TroubleKind = "unreachable" // no connection
	TroubleFailing     TroubleKind = "failing"     // it answers with an error of its own, or asks to slow down
	TroubleMisfit      TroubleKind = "misfit"      // it is set up otherwise, or is something else
)

// Trouble is why the keeper of credentials cannot be used, told apart by what has to be done about it. Its text is for
// whoever runs Aurora and says where and what to do; it holds addresses and no value. All but TroubleRefused and
// TroubleMisfit, which only a person mends in Aurora's own settings, are ErrUnavailable too.
type Trouble struct {
	Kind   TroubleKind
	Advice string // one sentence, without the cause
	Err    error  // the cause; nil when there is nothing more to say
}

func (t *Trouble) Error() string {
	if t.Err == nil {
		return t.Advice
	}
	return t.Advice + " (" + t.Err.Error() + ")"
}

// Unwrap gives the cause and, where it may pass, ErrUnavailable.
func (t *Trouble) Unwrap() []error {
	var all []error
	if t.Kind != TroubleRefused && t.Kind != TroubleMisfit {
		all = append(all, ErrUnavailable)
	}
	if t.Err != nil {
		all = append(all, t.Err)
	}
	return all
}

// Sentence says it to people in chat, with what to do, as the end of a sentence that begins with what did not happen.
func (t *Trouble) Sentence() string {
	switch t.Kind {
	case TroubleSealed:
		return "Vault, which keeps the credentials, is sealed. Whoever runs Aurora has to unseal it; then ask again."
	case TroubleStandby:
		return "Vault, which keeps the credentials, has no active server at the moment. Try again in a minute."
	case TroubleRefused:
		return "Vault, which keeps the credentials, refuses Aurora. Please tell whoever runs Aurora: `aurora doctor` says what to do."
	case TroubleSlow:
		return "Vault, which keeps the credentials, does not answer in time. Try again in a minute."
	case TroubleMisfit:
		return "Vault, which keeps the credentials, is not set up for Aurora. Please tell whoever runs Aurora: `aurora doctor` says what to do."
	}
	return "The store of credentials cannot be reached. Try again in a minute."
}
