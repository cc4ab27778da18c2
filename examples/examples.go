// Package examples holds files to try Carillon with.
package examples

import _ "embed"

// Contacts is a CSV file with 500 people, as importContacts takes it. The demo and the first
// organization of `go run .` begin with it.
//
//go:embed contacts.csv
var Contacts []byte
