package telemetry_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestSpansOfTimeSayTheirUnit(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"json": `"duration_seconds":1.5`, "text": "duration=1.5s"} {
		got := line(t, format, func(log *slog.Logger) { log.Info("it took", "duration", 1500*time.Millisecond) })
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s in it", format, got, want)
		}
	}
}
