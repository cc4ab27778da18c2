package whatsapp

import "time"

// clockSkew is how far Meta's clock may be ahead of ours.
const clockSkew = 5 * time.Minute

// firstYear is before everything that WhatsApp can tell of.
const firstYear = 2009

// longestRestriction bounds what is believed of the end of a restriction.
const longestRestriction = 10 * 365 * 24 * time.Hour

// Date gives every fact a time that can be believed: that of now, when the webhook came, where Meta
// gave none, or one that is in the future or before there was a WhatsApp. Whoever stores a fact can
// rely on that.
func (w *Webhook) Date(now time.Time) {
	for i := range w.Statuses {
		date(&w.Statuses[i].At, now)
	}

	for i := range w.Inbound {
		w.Inbound[i].Undated = date(&w.Inbound[i].At, now)
	}

	for i := range w.Echoes {
		date(&w.Echoes[i].At, now)
	}

	for i := range w.Preferences {
		w.Preferences[i].Undated = date(&w.Preferences[i].At, now)
	}

	for i := range w.Calls {
		date(&w.Calls[i].At, now)
	}

	for i := range w.Handovers {
		date(&w.Handovers[i].At, now)
	}

	for i := range w.Clicks {
		date(&w.Clicks[i].At, now)
	}

	for i := range w.Templates {
		date(&w.Templates[i].At, now)
	}

	for i := range w.Numbers {
		date(&w.Numbers[i].At, now)
	}

	for i := range w.Capabilities {
		date(&w.Capabilities[i].At, now)
	}

	for i := range w.Security {
		date(&w.Security[i].At, now)
	}

	for i := range w.Notices {
		date(&w.Notices[i].At, now)
	}

	for i := range w.Accounts {
		date(&w.Accounts[i].At, now)
		for j := range w.Accounts[i].Restrictions {
			if ends := &w.Accounts[i].Restrictions[j].ExpiresAt; ends.After(now.Add(longestRestriction)) {
				*ends = time.Time{}
			}
		}
	}
}

// date sets a time that cannot be believed to now, and reports whether it did.
func date(at *time.Time, now time.Time) (changed bool) {
	if at.Year() >= firstYear && !at.After(now.Add(clockSkew)) {
		return false
	}

	*at = now
	return true
}
