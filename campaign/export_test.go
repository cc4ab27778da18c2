package campaign

import "carillon/ent/enum"

// Rules are the table of changes, for tests that hold it against the drawing and the calls.
func Rules() map[string]struct{ From, To []enum.CampaignStatus } {
	rules := map[string]struct{ From, To []enum.CampaignStatus }{}
	for name, r := range changes {
		rules[string(name)] = struct{ From, To []enum.CampaignStatus }{r.from, r.to}
	}

	return rules
}

// Unexplained are the changes that neither leave an audit event nor say why.
func Unexplained() (names []string) {
	for name, r := range changes {
		if (r.action == "") == (r.unrecorded == "") {
			names = append(names, string(name))
		}
	}

	return names
}

// AtWallClock is atWallClock, for a test of all zones.
var AtWallClock = atWallClock
