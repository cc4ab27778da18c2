package account

import (
	"carillon/usererror"
	"carillon/whatsapp"
)

// faults are the codes of user errors for the rules that a parameter's value may break; all others
// are INVALID.
var faults = map[string]usererror.Code{"MISSING": usererror.Required, "TOO_LONG": usererror.TooLong}

// FaultOf is the user error's code for a value that WhatsApp would refuse.
func FaultOf(p *whatsapp.ValueError) usererror.Code {
	if code, known := faults[p.Rule]; known {
		return code
	}
	return usererror.Invalid
}
