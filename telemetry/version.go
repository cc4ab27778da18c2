package telemetry

import (
	"cmp"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// Version is what the build notes of itself: the tag of its commit, such as v1.2.0, or a version
// made of the commit's time and hash. It is "unknown" where the build knew of no commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return "unknown"
	}

	return cmp.Or(info.Main.Version, "unknown")
}

// build tells the version as a metric.
func build() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "carillon_build_info",
		Help:        "1, with the version of this process.",
		ConstLabels: prometheus.Labels{"version": Version(), "goversion": runtime.Version()},
	}, func() float64 { return 1 })
}
