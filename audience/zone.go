package audience

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// mainZones are where most people of a country with several zones live. The numbers of mobile
// phones mostly tell no area.
var mainZones = map[string]string{
	"AR": "America/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto",
	"CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai", "EC": "America/Guayaquil",
	"ES": "Europe/Madrid", "FM": "Pacific/Ponape", "GL": "America/Godthab", "ID": "Asia/Jakarta",
	"KI": "Pacific/Tarawa", "KZ": "Asia/Almaty", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
	"NZ": "Pacific/Auckland", "PF": "Pacific/Tahiti", "PG": "Pacific/Port_Moresby", "PT": "Europe/Lisbon",
	"RU": "Europe/Moscow", "US": "America/New_York",
}

// Zone is the IANA zone in which a person's clocks go: their own, where it is known, else that of
// their number's area, else that in which most people of their country live, else the one that is
// given. The zones of numbers are libphonenumber's.
func (r Recipient) Zone(otherwise string) string {
	if r.TimeZone != "" {
		return r.TimeZone
	}

	number := r.Phone
	if number == "" { // a user id tells the country alone
		if example := phonenumbers.GetExampleNumber(r.Country); example != nil {
			number = phonenumbers.Format(example, phonenumbers.E164)
		}
	}
	if number == "" {
		return otherwise
	}

	zones, err := phonenumbers.GetTimezonesForPrefix(strings.TrimPrefix(number, "+"))
	if err != nil || len(zones) == 0 || zones[0] == phonenumbers.UNKNOWN_TIMEZONE {
		return otherwise
	}

	if main := mainZones[r.Country]; len(zones) > 1 && slices.Contains(zones, main) {
		return main
	}

	return zones[0]
}
