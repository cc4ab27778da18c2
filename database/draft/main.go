// Command draft writes the next migration of both databases from the difference between the
// migrations there are and ent/schema. Read what it writes before it lands: it knows tables, not
// data.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"carillon/database"
)

func main() {
	name := flag.String("name", "", "what the migration does, e.g. add_segments")
	postgres := flag.String("postgres", os.Getenv("TEST_DATABASE_URL"),
		"an empty PostgreSQL database or schema to try it on")
	flag.Parse()
	if *name == "" || *postgres == "" {
		flag.Usage()
		os.Exit(2)
	}

	folder, err := os.MkdirTemp("", "carillon-draft")
	if err != nil {
		log.Fatal(err)
	}

	defer os.RemoveAll(folder)
	stamp := time.Now().UTC().Format("20060102150405")

	for dialect, dsn := range map[string]string{"sqlite": "sqlite:" + filepath.Join(folder, "draft.db"),
		"postgres": *postgres} {
		if err := draft(dsn, filepath.Join("ent/migrate/migrations", dialect, stamp+"_"+*name+".sql")); err != nil {
			log.Fatalf("%s: %v", dialect, err)
		}
	}
}

func draft(dsn, file string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, dsn, 4)
	if err != nil {
		return err
	}

	defer db.Close()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}

	var sql bytes.Buffer
	if err := db.Drift(ctx, &sql); err != nil {
		return err
	}

	statements := unsaid(sql.String(), filepath.Dir(file))
	if statements == "" {
		fmt.Println(filepath.Dir(file) + ": nothing to migrate")
		return nil
	}

	return os.WriteFile(file, []byte("-- +goose Up\n"+statements), 0o644)
}

// unsaid leaves out what a migration already says word for word: partial indexes, which would be
// dropped and made again.
func unsaid(sql, folder string) string {
	said := map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(folder, "*.sql"))
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}

		for line := range strings.Lines(string(b)) {
			said[line] = true
		}
	}

	var kept strings.Builder
	for line := range strings.Lines(sql) {
		if index, ok := strings.CutPrefix(line, "DROP INDEX "); ok &&
			strings.Contains(sql, "INDEX "+strings.TrimSuffix(index, ";\n")+" ON") {
			continue
		}

		if !said[line] && !strings.HasPrefix(line, "PRAGMA") {
			kept.WriteString(line)
		}
	}

	return kept.String()
}
