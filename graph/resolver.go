package graph

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"carillon/account"
	"carillon/audience"
	"carillon/campaign"
	"carillon/database"
	"carillon/delivery"
	"carillon/download"
	"carillon/export"
	"carillon/graph/transport"
	"carillon/hub"
	"carillon/identity"
	"carillon/media"
	"carillon/operator"
	"carillon/pricing"
	"carillon/privacy"
	"carillon/ratelimit"
	"carillon/reconciliation"
	"carillon/transactional"
	"carillon/uid"
	"carillon/webhook"
)

// Rates tells how fast numbers may send now.
type Rates interface {
	Rates(ctx context.Context, perSecond map[uid.ID]float64) (map[uid.ID]float64, error)
}

// Deps are what the API speaks for.
type Deps struct {
	DB        *database.DB
	Identity  *identity.Service
	Accounts  *account.Service
	Audience  *audience.Service
	Campaigns *campaign.Service
	Direct    *transactional.Service
	Media     *media.Service
	Downloads *download.Service
	Privacy   *privacy.Service
	Exports   *export.Service
	Webhooks  *webhook.Service

	Reconciliations *reconciliation.Service

	Operator *operator.States
	Log      *delivery.Log
	Hub      *hub.Hub[delivery.Event]
	Rates    Rates
	Prices   *pricing.Book
	// Budgets bound the cost of what callers ask for; nil does not.
	Budgets *ratelimit.Budgets
	Now     func() time.Time

	Logger         *slog.Logger // nil is slog.Default()
	AllowedOrigins []string     // other sites whose pages may call

	// ClientIP tells where a request comes from; nil takes the address of the connection.
	ClientIP func(*http.Request) string
	// Transport carries limits and hooks. Its schema, paging, authentication, errors, logger and
	// origins are set here.
	Transport transport.Options
}

// Resolver answers every field.
type Resolver struct {
	Deps
	refusals refusals
	guarded  sync.Map // the *identity.Viewer of each connection that is guarded
	away     rate.Sometimes
	surveys  chan struct{} // holds a token for each page that is read for statusChanged
}

func (r *Resolver) logger() *slog.Logger { return cmp.Or(r.Logger, slog.Default()) }
