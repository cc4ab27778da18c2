package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"carillon/database"
)

// store is an empty database and a Redis, thrown away by close.
type store struct {
	name   string
	dsn    string
	db     *database.DB
	redis  redis.UniversalClient
	prefix string // of all keys
	closes []func()
}

const databaseConns = 24 // as the program has

// openStore makes a schema of its own in PostgreSQL (TEST_DATABASE_URL) and a prefix in Redis
// (TEST_REDIS_URL), or, embedded, what the program has when nothing is configured. hear, unless it
// is nil, is told of the configuration of PostgreSQL's connections, and may change it.
func openStore(ctx context.Context, name string, hear func(*pgx.ConnConfig)) (s *store, err error) {
	s = &store{name: name, prefix: "bench" + strings.ToLower(rand.Text()[:10])}
	defer func() {
		if err != nil {
			s.close()
		}
	}()

	switch name {
	case "postgres":
		err = s.openServers(ctx)
	case "embedded":
		err = s.openEmbedded()
	default:
		return s, fmt.Errorf("no store %q: postgres or embedded", name)
	}

	if err != nil {
		return s, err
	}

	if s.db, err = s.openDatabase(ctx, hear); err != nil {
		return s, err
	}

	s.closes = append(s.closes, func() { _ = s.db.Close() })
	_, err = s.db.Migrate(ctx)

	return s, err
}

func (s *store) openDatabase(ctx context.Context, hear func(*pgx.ConnConfig)) (*database.DB, error) {
	if hear == nil {
		return database.Open(ctx, s.dsn, databaseConns)
	}

	config, err := pgx.ParseConfig(s.dsn)
	if err != nil {
		return nil, err
	}

	hear(config)

	return database.OpenPostgres(ctx, config, databaseConns)
}

func (s *store) openServers(ctx context.Context) error {
	server := variable("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable")
	admin, err := sql.Open("pgx", server)
	if err != nil {
		return err
	}
	if _, err := admin.ExecContext(ctx, "CREATE SCHEMA "+s.prefix); err != nil {
		return fmt.Errorf("PostgreSQL at TEST_DATABASE_URL: %w", err)
	}

	s.closes = append(s.closes, func() {
		_, _ = admin.Exec("DROP SCHEMA " + s.prefix + " CASCADE")
		_ = admin.Close()
	})

	u, err := url.Parse(server)
	if err != nil {
		return err
	}

	q := u.Query()
	q.Set("search_path", s.prefix)
	q.Set("application_name", s.prefix)
	u.RawQuery = q.Encode()
	s.dsn = u.String()
	options, err := redis.ParseURL(redisAddress())
	if err != nil {
		return fmt.Errorf("TEST_REDIS_URL: %w", err)
	}

	s.redis = redis.NewClient(options)
	s.closes = append(s.closes, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		for keys := s.redis.Scan(ctx, 0, "*"+s.prefix+"*", 1000).Iterator(); keys.Next(ctx); {
			s.redis.Del(ctx, keys.Val())
		}

		_ = s.redis.Close()
	})

	return s.redis.Ping(ctx).Err()
}

func redisAddress() string { return variable("TEST_REDIS_URL", "redis://127.0.0.1:6379/0") }

func variable(name, usual string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return usual
}

func (s *store) openEmbedded() error {
	folder, err := os.MkdirTemp("", "carillon-bench")
	if err != nil {
		return err
	}

	s.closes = append(s.closes, func() { _ = os.RemoveAll(folder) })
	s.dsn = "sqlite:" + filepath.Join(folder, "carillon.db")
	m := miniredis.NewMiniRedis()
	if err := m.StartAddr("127.0.0.1:0"); err != nil {
		return err
	}

	s.redis = redis.NewClient(&redis.Options{Addr: m.Addr()})
	done, over := make(chan struct{}), make(chan struct{})

	go func() { // its clock stands still of itself
		defer close(over)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()

		for {
			select {
			case <-tick.C:
				m.FastForward(100 * time.Millisecond)
			case <-done:
				return
			}
		}
	}()

	s.closes = append(s.closes, func() { close(done); <-over; m.Close() }, func() { _ = s.redis.Close() })

	return nil
}

// serverCPU is what PostgreSQL has used for this store so far, where it runs on this machine, else
// 0.
func (s *store) serverCPU(ctx context.Context) (used time.Duration) {
	if s.name != "postgres" {
		return 0
	}

	rows, err := s.db.Query(ctx, "SELECT pid FROM pg_stat_activity WHERE application_name = $1", s.prefix)
	if err != nil {
		return 0
	}

	defer rows.Close()
	for rows.Next() {
		var pid int
		if rows.Scan(&pid) == nil {
			used += cpuOf(pid)
		}
	}

	return used
}

func (s *store) close() {
	for i := len(s.closes) - 1; i >= 0; i-- {
		s.closes[i]()
	}
}
