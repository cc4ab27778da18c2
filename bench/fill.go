package main

import (
	"context"
	"database/sql"
	_ "embed"
	"fmt"
	"strings"
	"syscall"
	"time"

	"carillon/uid"
)

//go:embed fill.sql
var fillSQL string

// perCampaign is how many messages a campaign of the past has, where there are enough for twenty.
const perCampaign = 50_000

// fills are the tables that grow.
var fills = []string{"message", "listing", "contact", "statistic", "delivery_event", "campaign", "template",
	"list_member", "contact_identifier", "consent_record", "messaging_window"}

// bytesPerMessage is what a message takes with its indexes and its share of all else, and as much
// again while it is made.
const bytesPerMessage = 2500

// past is what fill made, to ask about.
type past struct {
	messages         int
	campaign         uid.ID // one that is over
	template, number uid.ID // of fifty messages, spread over the whole past
	list             uid.ID
}

// fill gives the tables a past of that many messages: seven of ten are the stage's organization's,
// the others belong to twenty more. There are a tenth as many contacts, the campaigns, hourly sums,
// and the log of the last tenth. The indexes are built when all is in.
func (s *stage) fill(ctx context.Context, messages int) (*past, error) {
	p := &past{messages: messages, template: uid.New(uid.Template), number: uid.New(uid.PhoneNumber),
		list: uid.New(uid.ContactList)}
	if messages == 0 {
		return p, nil
	}
	if s.name != "postgres" || messages < 5000 {
		return nil, fmt.Errorf("a past is made on PostgreSQL alone, of 5,000 messages or more")
	}

	id := func(n uid.ID) string { return fmt.Sprintf("'%x'::uuid", n[:]) }
	words := strings.NewReplacer(":rows", fmt.Sprint(messages), ":contacts", fmt.Sprint(messages/10), ":perCampaign",
		fmt.Sprint(min(perCampaign, messages/20)),
		":organization", id(s.account.OrganizationID), ":account", id(s.account.ID), ":number", id(s.number.ID),
		":rareNumber", id(p.number), ":rareTemplate", id(p.template), ":list", id(p.list))

	pool, err := sql.Open("pgx", s.dsn)
	if err != nil {
		return nil, err
	}

	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if err := hasRoom(ctx, pool, messages); err != nil {
		return nil, err
	}

	begun := time.Now()
	indexes, err := indexes(ctx, pool)
	if err != nil {
		return nil, err
	}

	steps := []string{"SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'; SET synchronous_commit = off"}
	for name := range indexes {
		steps = append(steps, "DROP INDEX "+name)
	}

	steps = append(steps, words.Replace(fillSQL))
	for _, definition := range indexes {
		steps = append(steps, definition)
	}

	for _, step := range append(steps, "VACUUM ANALYZE "+strings.Join(fills, ", ")) { // as autovacuum does in time
		if _, err := pool.ExecContext(ctx, step); err != nil {
			return nil, fmt.Errorf("%.60s: %w", step, err)
		}
	}

	var bytes int64
	if err := pool.QueryRowContext(ctx, "SELECT pg_total_relation_size('message')").Scan(&bytes); err != nil {
		return nil, err
	}

	if err := pool.QueryRowContext(ctx, "SELECT id FROM campaign WHERE organization_id = $1 AND name = 'Past 1'",
		s.account.OrganizationID).Scan(&p.campaign); err != nil {
		return nil, err
	}

	return p, figures{"messages": messages, "seconds": time.Since(begun).Seconds(),
		"message_table_mib": float64(bytes) / (1 << 20)}.print("fill")
}

// hasRoom looks at the disk of a server on this machine.
func hasRoom(ctx context.Context, pool *sql.DB, messages int) error {
	var folder string
	if err := pool.QueryRowContext(ctx, "SHOW data_directory").Scan(&folder); err != nil {
		return err
	}

	var disk syscall.Statfs_t
	if err := syscall.Statfs(folder, &disk); err != nil {
		return nil // the server is elsewhere
	}
	if free, needed := disk.Bavail*uint64(disk.Bsize), uint64(messages)*bytesPerMessage; free < needed {
		return fmt.Errorf("%d messages need %d MiB in %s, and %d are free", messages, needed>>20, folder, free>>20)
	}

	return nil
}

// indexes are the definitions of those that fill builds again.
func indexes(ctx context.Context, pool *sql.DB) (map[string]string, error) {
	rows, err := pool.QueryContext(ctx, `SELECT indexname, indexdef FROM pg_indexes
		WHERE schemaname = current_schema() AND tablename IN ('message', 'listing', 'contact', 'statistic',
		'delivery_event', 'campaign')
		AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = indexname
		AND connamespace = current_schema()::regnamespace)`)
	if err != nil {
		return nil, err
	}

	defer rows.Close()
	found := map[string]string{}

	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, err
		}

		found[name] = definition
	}

	return found, rows.Err()
}
