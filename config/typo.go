package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// foreign matches what others set under our prefixes: our own tests, and
// Kubernetes for every service beside us that is called carillon-….
var foreign = regexp.MustCompile(
	`^CARILLON_TEST_|_(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// typos reports variables that look like ours and are not.
func typos(given map[string]string) Mistakes {
	var mistakes Mistakes
	for name := range given {
		ours := strings.HasPrefix(name, "CARILLON_") || strings.HasPrefix(name, "WHATSAPP_")
		known := slices.ContainsFunc(variables, func(v Variable) bool { return v.Name == name })
		if ours && !known && !isSecretFile(name) && !foreign.MatchString(name) {
			mistakes = append(mistakes, Mistake{name, "is not a variable of Carillon, probably a typing error", nearest(name)})
		}
	}

	slices.SortFunc(mistakes, func(a, b Mistake) int { return strings.Compare(a.Variable, b.Variable) })

	return mistakes
}

func nearest(name string) string {
	closest := slices.MinFunc(variables, func(a, b Variable) int {
		return levenshtein.ComputeDistance(name, a.Name) - levenshtein.ComputeDistance(name, b.Name)
	})
	return closest.Name
}
