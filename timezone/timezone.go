// Package timezone reads the names of time zones that people give.
package timezone

import (
	"fmt"
	"time"
)

// Load reads a zone by its IANA name, such as Asia/Shanghai or UTC. The empty name and Local are
// none: they would be whatever zone this machine is set to.
func Load(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("%q is not the IANA name of a time zone", name)
	}

	return time.LoadLocation(name)
}
