package ent

// The generator must run from the module's root, or entgql mistakes the paths.
//go:generate sh -c "cd .. && go run -mod=mod ent/entc.go"
