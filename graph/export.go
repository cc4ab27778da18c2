package graph

import (
	"context"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/export"
	"carillon/graph/model"
	"carillon/identity"
)

// orderOfMessages orders what messages would list.
func (r *Resolver) orderOfMessages(ctx context.Context, in model.ExportMessagesInput) (export.Order, error) {
	_, err := r.messagesThat(ctx, in.Filter)
	return export.Order{Kind: enum.ExportKindMessages, Format: or(in.Format, enum.ExportFormatCSV),
		Question: jsonfield.ExportQuestion{Messages: in.Filter}}, err
}

// orderOfContacts orders what contacts would list.
func (r *Resolver) orderOfContacts(ctx context.Context, in model.ExportContactsInput) (o export.Order, err error) {
	if err := refuseContactProbe(ctx, in.Filter, nil); err != nil {
		return o, err
	}

	_, err = r.contactsThat(ctx, in.Filter)

	return export.Order{Kind: enum.ExportKindContacts, Format: or(in.Format, enum.ExportFormatCSV),
		Question: jsonfield.ExportQuestion{Contacts: in.Filter}}, err
}

// orderOfStatistics orders what statistics would give.
func (r *Resolver) orderOfStatistics(ctx context.Context, in model.ExportStatisticsInput) (o export.Order, err error) {
	question := statisticsFrom(*in.Filter, in.Interval, in.GroupBy)
	if _, err := delivery.ReportOf(question); err != nil {
		return o, err
	}

	return export.Order{Kind: enum.ExportKindStatistics, Format: or(in.Format, enum.ExportFormatCSV),
		Question: jsonfield.ExportQuestion{Statistics: &question}}, r.knownToStatistics(ctx, *in.Filter)
}

// exported answers with an export that was begun, or with why it was not.
func exported(clientMutationID *string, e *ent.Export, err error) (*model.ExportPayload, error) {
	e, wrong, err := answer(e, err)
	if err != nil {
		return nil, err
	}

	return &model.ExportPayload{Export: e, UserErrors: wrong, ClientMutationID: clientMutationID}, nil
}

// exportLink is a link for those who may see what is in the file, and may have files at all.
func (r *Resolver) exportLink(ctx context.Context, e *ent.Export) *string {
	v, ok := identity.From(ctx)
	if !ok || v.Masked && !e.Masked && e.Kind != enum.ExportKindStatistics || !v.HasScope(enum.APIScopeExport) {
		return nil
	}
	if e.Kind == enum.ExportKindPersonalData && !v.May(enum.RoleCampaigner) {
		return nil
	}

	return some(r.Downloads.Export(e))
}
