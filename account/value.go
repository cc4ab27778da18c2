package account

import (
	"carillon/fault"
	"carillon/whatsapp"
)

// faults are the codes of user errors for the rules that a parameter's value may break; all others
// are INVALID.
var faults = map[string]fault.Code{"MISSING": fault.Required, "TOO_LONG": fault.TooLong}

// FaultOf is the user error's code for a value that WhatsApp would refuse.
func FaultOf(p *whatsapp.ValueError) fault.Code {
	if code, known := faults[p.Rule]; known {
		return code
	}
	return fault.Invalid
}
