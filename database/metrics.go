package database

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics tells of the pool that writes: how many connections are open, in use and waited for.
func (db *DB) Metrics() prometheus.Collector {
	return collectors.NewDBStatsCollector(db.writer, "carillon")
}
