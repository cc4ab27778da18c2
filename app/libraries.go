package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/redis/go-redis/v9"
)

// LogLibraries sends to log what libraries would write to standard error by themselves, in a form
// of their own. It sets what is global in them: a program calls it once, before anything else.
func LogLibraries(log *slog.Logger) {
	redis.SetLogger(redisLog{log})
	slog.SetDefault(log) // and with it package log
}

// redisLog is go-redis's logger. What it says is of single connections; that Redis is away is said
// elsewhere.
type redisLog struct{ log *slog.Logger }

func (r redisLog) Printf(_ context.Context, format string, args ...any) {
	r.log.Warn(fmt.Sprintf(format, args...), "from", "go-redis")
}
