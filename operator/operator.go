// Package operator is what the operator of a service does, from the command line, to organizations
// and to the whole service: suspend, close and erase, set quotas, maintain, and change the
// encryption key. It promises that what it says is in the database before it returns and takes hold
// in every process within about a second, and that whatever was interrupted can be done again.
package operator

import (
	"context"
	"time"

	"carillon/account"
	"carillon/campaign"
	"carillon/database"
	"carillon/uid"
)

// News tells every process that what a token of an organization may do has changed. It may be lost:
// what is remembered of a token is believed for seconds only.
type News interface {
	Announce(ctx context.Context, subject uid.ID)
}

// Service acts for the operator: it asks nobody who they are.
type Service struct {
	db        *database.DB
	accounts  *account.Service
	campaigns *campaign.Service
	news      News
	now       func() time.Time
}

// New makes the service.
func New(db *database.DB, accounts *account.Service, campaigns *campaign.Service, news News,
	now func() time.Time) *Service {
	return &Service{db: db, accounts: accounts, campaigns: campaigns, news: news, now: now}
}
