package graph

import (
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/graph/generated"
	"carillon/graph/model"
	"carillon/graph/transport"
)

const (
	defaultPage   = 50
	maxPage       = 100
	defaultEvents = 200
	maxEvents     = 1000
	maxNodes      = 100
	fewRows       = 4 // that a short list is counted as

	defaultRejections = 20
	maxRejections     = 1000
)

// paging bounds every list that a caller can ask for more of.
func paging() []transport.Paging {
	return []transport.Paging{
		{Field: "Query.nodes", List: "ids", Max: maxNodes},
		{Field: "Query.deliveryEvents", Sizes: []string{"first"}, Max: maxEvents, Default: defaultEvents},
		{Field: "ContactImport.rejections", Sizes: []string{"first"}, Max: maxRejections, Default: defaultRejections},
		{Field: "Template.preview", List: "values", Max: 100},
		{Suffix: "Connection", Sizes: []string{"first", "last"}, Max: maxPage, Default: defaultPage},
	}
}

// schema is the generated schema with its directives, what its fields cost, and loads for each
// response.
func (r *Resolver) schema() graphql.ExecutableSchema {
	config := generated.Config{Schema: served(), Resolvers: r,
		Directives: generated.DirectiveRoot{Role: r.requireRole, Personal: mask}}
	cost := &config.Complexity
	cost.Query.Accounts = pageCostOfAll[ent.AccountOrder]
	cost.Query.ContactImports = pageCostOfAll[ent.ContactImportOrder]
	cost.Query.Exports = pageCostOfAll[ent.ExportOrder]
	cost.Query.WebhookEndpoints = pageCostOfAll[ent.WebhookEndpointOrder]
	cost.WebhookEndpoint.Deliveries = pageCostOf[*model.WebhookDeliveryFilter, ent.WebhookDeliveryOrder]
	cost.Query.ContactLists = pageCostOfAll[ent.ContactListOrder]

	cost.Query.Segments = pageCostOfAll[ent.SegmentOrder]
	cost.Query.Suppressions = pageCostOf[*string, ent.SuppressionOrder]
	cost.Contact.Messages = pageCostOf[*jsonfield.MessageFilter, ent.MessageOrder]
	cost.Query.AuditEvents = pageCostOf[*model.AuditEventFilter, ent.AuditEventOrder]
	cost.Query.Templates = pageCostOf[*model.TemplateFilter, ent.TemplateOrder]
	cost.Query.Campaigns = pageCostOf[*model.CampaignFilter, ent.CampaignOrder]
	cost.Query.Messages = pageCostOf[*jsonfield.MessageFilter, ent.MessageOrder]
	cost.Campaign.Messages = pageCostOf[*jsonfield.MessageFilter, ent.MessageOrder]
	cost.Query.Contacts = pageCostOf
	cost.Template.Campaigns = pageCostOf[*model.CampaignFilter, ent.CampaignOrder]
	cost.Query.DeliveryEvents = func(child int, _ *model.DeliveryEventFilter, _ *ent.Cursor, first *int) int {
		return 1 + or(first, defaultEvents)*child/10
	}
	// Lists without pages cost like the largest page. Some may hold ten times as many rows (identity's
	// bounds), but hardly any organization's do.
	largest := maxPage
	rows := func(child int) int { return pageCost(child, &largest, nil) }
	cost.Organization.Members, cost.Organization.APIKeys, cost.Organization.Invitations = rows, rows, rows
	// A template has few changes and languages, and a response's are read with one statement.
	few := fewRows
	cost.Template.History = func(child int) int { return pageCost(child, &few, nil) }
	cost.Template.Translations = cost.Template.History
	cost.Viewer.Memberships, cost.Viewer.Sessions = rows, rows
	cost.Query.Statistics = func(child int, _ model.StatisticsFilter, _ *enum.StatisticsInterval,
		_ []enum.StatisticsDimension) int {
		return 1 + 200*child // there may be thousands of rows, but they are read with one statement
	}

	return loading{generated.NewExecutableSchema(config), r}
}

// pageCostOfAll is of a list without a filter.
func pageCostOfAll[O any](child int, _ *ent.Cursor, first *int, _ *ent.Cursor, last *int, _ []*O) int {
	return pageCost(child, first, last)
}

func pageCostOf[F, O any](child int, _ F, _ *ent.Cursor, first *int, _ *ent.Cursor, last *int, _ []*O) int {
	return pageCost(child, first, last)
}

// pageCost counts a page's rows: the page limit has checked the sizes before.
func pageCost(child int, first, last *int) int {
	rows := defaultPage
	if first != nil {
		rows = *first
	} else if last != nil {
		rows = *last
	}

	return 1 + rows*child/4
}

// served is the schema without what the transports do not serve, so that introspection and SDL say
// the same.
func served() *ast.Schema {
	return transport.Served(generated.NewExecutableSchema(generated.Config{}).Schema())
}
