package main

import (
	"context"
	"testing"

	"carillon/database/dbtest"
)

// 20,000 messages are enough for PostgreSQL to prefer an index where there is one.
func TestNoStatementReadsFarMoreThanItGives(t *testing.T) {
	t.Setenv("TEST_DATABASE_URL", dbtest.Postgres(t))
	t.Setenv("TEST_REDIS_URL", dbtest.RedisURL(t))
	plans, err := playAll(t.Context(), 20_000, func(*stage, context.Context, *past) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if len(plans) < 500 {
		t.Fatalf("only %d statements were heard of", len(plans))
	}

	for _, p := range plans {
		if why := p.wasteful(); why != "" && p.excuse() == "" {
			t.Errorf("%s %s: read %d rows, passed over %d of them, returned %d, by %v:\n%s", p.name, why, p.rows, p.passed,
				p.returned, p.nodes, p.query)
		}
	}
}
