// Package migrations holds the versioned SQL that makes and changes the tables, one folder for each
// database. A file that has landed is never changed; `make migration NAME=what_it_does` drafts the
// next one from the difference to ent/schema.
package migrations

import "embed"

// Files are the migrations by dialect: postgres/*.sql and sqlite/*.sql.
//
//go:embed postgres/*.sql sqlite/*.sql
var Files embed.FS
