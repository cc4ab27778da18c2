package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/webhook"
)

// mostShapeCost is what a selection may cost for one event, counted as an operation's cost is.
const mostShapeCost = 100

// deliveryEvent is the type of events of messages; changedTypes are those of what the other events
// are about.
const deliveryEvent = "DeliveryEvent"

var changedTypes = map[enum.WebhookEventType]string{
	enum.WebhookEventTypeCampaignStatusChanged:    "Campaign",
	enum.WebhookEventTypeTemplateStatusChanged:    "Template",
	enum.WebhookEventTypeAccountStatusChanged:     "Account",
	enum.WebhookEventTypePhoneNumberStatusChanged: "PhoneNumber",
	enum.WebhookEventTypeConsentChanged:           "Contact",
	enum.WebhookEventTypeImportEnded:              "ContactImport",
	enum.WebhookEventTypeExportEnded:              "Export",
}

// typesOf are the types of some kinds of events, each once.
func typesOf(events []enum.WebhookEventType) (types []string) {
	for _, e := range events {
		name, changed := changedTypes[e]
		if !changed {
			name = deliveryEvent
		}
		if !slices.Contains(types, name) {
			types = append(types, name)
		}
	}

	return types
}

// shaper makes payloads of webhooks by the selections of their endpoints. It runs them as
// operations of the API, with the rights of the endpoint.
type shaper struct {
	r    *Resolver
	api  graphql.ExecutableSchema
	exec *executor.Executor
}

var _ webhook.Shaper = (*shaper)(nil)

func newShaper(r *Resolver, api graphql.ExecutableSchema) *shaper {
	s := &shaper{r, api, executor.New(api)}
	s.exec.SetErrorPresenter(s.present)
	s.exec.SetRecoverFunc(func(_ context.Context, p any) error { return fmt.Errorf("panic: %v", p) })

	return s
}

// present keeps what is internal from who reads payloads.
func (s *shaper) present(ctx context.Context, err error) *gqlerror.Error {
	path := graphql.GetPath(ctx)
	known := s.r.presentError(ctx, err)
	if known == nil {
		s.r.logger().ErrorContext(ctx, "a selection of a webhook failed", "path", path.String(), "error", err)
		known = coded(usererror.Internal, "internal error")
	}

	known.Path = path

	return known
}

// Check refuses a selection that does not fit the types of events.
func (s *shaper) Check(ctx context.Context, selection string, events []enum.WebhookEventType) error {
	set, err := parseShape(selection)
	if err != nil {
		return err
	}

	types := typesOf(events)
	for _, item := range set {
		f, is := item.(*ast.InlineFragment)
		if len(types) > 1 && (!is || f.TypeCondition == "") {
			return fmt.Errorf("the events are of several types: put each part into a fragment on its type, such as "+
				"... on %s { … }", types[0])
		}
		if is && f.TypeCondition != "" && !slices.Contains(types, f.TypeCondition) {
			return fmt.Errorf("none of the events is of the type %s: they are of %s", f.TypeCondition,
				strings.Join(types, ", "))
		}
	}

	for _, name := range types {
		if err := s.checkPart(ctx, set, name); err != nil {
			return err
		}
	}

	return nil
}

// checkPart looks at what a selection says of a type.
func (s *shaper) checkPart(ctx context.Context, set ast.SelectionSet, typeName string) error {
	text, says := operationOf(set, typeName)
	if !says {
		return nil
	}

	doc, err := parser.ParseQuery(&ast.Source{Input: text})
	if err != nil {
		return errors.New("it is no selection set of GraphQL")
	}
	if wrong := validator.ValidateWithRules(s.api.Schema(), doc, rules.NewDefaultRules()); len(wrong) > 0 {
		return errors.New(wrong[0].Message)
	}

	cost := complexity.Calculate(ctx, s.api, doc.Operations[0], map[string]any{"id": ""})
	if cost > mostShapeCost {
		return fmt.Errorf("it costs %d for each event of the type %s, and may cost %d: select less", cost, typeName,
			mostShapeCost)
	}

	return nil
}

// parseShape reads a selection set, with its braces or without them, and nothing else.
func parseShape(selection string) (ast.SelectionSet, error) {
	text := strings.TrimSpace(selection)
	if !strings.HasPrefix(text, "{") {
		text = "{" + text + "\n}"
	}

	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, 1000)
	if err != nil {
		var at *gqlerror.Error
		if errors.As(err, &at) {
			return nil, fmt.Errorf("it is no selection set of GraphQL: %s", at.Message)
		}
		return nil, errors.New("it is no selection set of GraphQL")
	}
	if len(doc.Operations) != 1 || len(doc.Fragments) > 0 || doc.Operations[0].Operation != ast.Query {
		return nil, errors.New("it must be one selection set, such as { sequence message { id reference } }, without " +
			"operations and fragments that have names")
	}

	return doc.Operations[0].SelectionSet, nil
}

// operationOf is the operation that runs what a selection says of a type; false where it says
// nothing.
func operationOf(set ast.SelectionSet, typeName string) (text string, says bool) {
	var part ast.SelectionSet
	for _, item := range set {
		if f, is := item.(*ast.InlineFragment); !is || f.TypeCondition == "" || f.TypeCondition == typeName {
			part = append(part, item)
		}
	}

	if len(part) == 0 {
		return "", false
	}

	field := &ast.Field{Alias: "node", Name: "node", SelectionSet: ast.SelectionSet{
		&ast.InlineFragment{TypeCondition: typeName, SelectionSet: part}}, Arguments: ast.ArgumentList{
		{Name: "id", Value: &ast.Value{Raw: "id", Kind: ast.Variable}}}}
	variables := ast.VariableDefinitionList{{Variable: "id", Type: ast.NonNullNamedType("ID", nil)}}

	if typeName == deliveryEvent { // first is for its cost alone: that of one event
		variables = nil
		field = &ast.Field{Alias: "deliveryEvents", Name: "deliveryEvents", SelectionSet: ast.SelectionSet{
			&ast.Field{Alias: "events", Name: "events", SelectionSet: part}}, Arguments: ast.ArgumentList{
			{Name: "first", Value: &ast.Value{Raw: "10", Kind: ast.IntValue}}}}
	}

	var out strings.Builder
	formatter.NewFormatter(&out).FormatQueryDocument(&ast.QueryDocument{Operations: ast.OperationList{{
		Operation: ast.Query, Name: "Shape", VariableDefinitions: variables, SelectionSet: ast.SelectionSet{field}}}})

	return out.String(), true
}

// Events gives what the selection makes of entries of the log, one for each, in their order. It
// reports false where the selection says nothing of events of messages.
func (s *shaper) Events(ctx context.Context, e *ent.WebhookEndpoint, entries []delivery.Event) (shaped []webhook.Shaped,
	says bool, err error) {
	text, says, err := operation(e, deliveryEvent)
	if err != nil || !says || len(entries) == 0 {
		return nil, says, err
	}

	resp, err := s.run(context.WithValue(ctx, givenKey{}, entries), e, text, nil)
	if err != nil {
		return nil, true, err
	}

	var data struct {
		DeliveryEvents *struct{ Events []json.RawMessage }
	}
	if err := json.Unmarshal(resp.Data, &data); err != nil {
		return nil, true, fmt.Errorf("read what a selection gave: %w", err)
	}

	shaped = make([]webhook.Shaped, len(entries))
	if data.DeliveryEvents != nil && len(data.DeliveryEvents.Events) == len(entries) {
		for i, one := range data.DeliveryEvents.Events {
			shaped[i] = webhook.Shaped{Data: one}
		}
	} else if len(entries) > 1 { // an error of one has taken all: each for itself
		for i := range entries {
			one, _, err := s.Events(ctx, e, entries[i:i+1])
			if err != nil {
				return nil, true, err
			}

			shaped[i] = one[0]
		}

		return shaped, true, nil
	}

	for _, wrong := range resp.Errors {
		of := 0
		if len(wrong.Path) > 2 {
			if i, is := wrong.Path[2].(ast.PathIndex); is {
				of = min(int(i), len(shaped)-1)
			}
		}

		shaped[of].Errors = append(shaped[of].Errors, wrong.Message)
	}

	return shaped, true, nil
}

// Subject gives what the selection makes of what an event is about, as it is now. It reports false
// where the selection says nothing of such events, or the thing is gone.
func (s *shaper) Subject(ctx context.Context, e *ent.WebhookEndpoint, event enum.WebhookEventType,
	subject uid.ID) (shaped webhook.Shaped, says bool, err error) {
	text, says, err := operation(e, changedTypes[event])
	if err != nil || !says {
		return shaped, false, err
	}

	resp, err := s.run(ctx, e, text, map[string]any{"id": subject.String()})
	if err != nil {
		return shaped, false, err
	}

	var data struct{ Node json.RawMessage }
	if err := json.Unmarshal(resp.Data, &data); err != nil || len(data.Node) == 0 || string(data.Node) == "null" {
		return shaped, false, err
	}

	shaped.Data = data.Node
	for _, wrong := range resp.Errors {
		shaped.Errors = append(shaped.Errors, wrong.Message)
	}

	return shaped, true, nil
}

func operation(e *ent.WebhookEndpoint, typeName string) (text string, says bool, err error) {
	set, err := parseShape(*e.Selection)
	if err != nil {
		return "", false, fmt.Errorf("read the selection of endpoint %s: %w", e.ID, err)
	}

	text, says = operationOf(set, typeName)

	return text, says, nil
}

// run runs an operation with the rights of an endpoint. Errors that will pass are returned.
func (s *shaper) run(ctx context.Context, e *ent.WebhookEndpoint, text string, variables map[string]any) (
	*graphql.Response, error) {
	o, err := s.r.DB.Client.Organization.Get(ctx, e.OrganizationID)
	if err != nil {
		return nil, fmt.Errorf("read the organization of endpoint %s: %w", e.ID, err)
	}

	ctx = graphql.StartOperationTrace(identity.With(ctx, identity.Delegate(o, "webhook "+e.ID.String(), e.Role, e.Scopes)))
	op, wrong := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: text, Variables: variables})
	if len(wrong) > 0 { // the API has changed since the selection was saved
		return &graphql.Response{Data: []byte("null"), Errors: wrong}, nil
	}

	handle, ctx := s.exec.DispatchOperation(ctx, op)
	resp := handle(ctx)
	for _, wrong := range resp.Errors {
		if wrong.Extensions["code"] == string(usererror.Unavailable) {
			return nil, wrong
		}
	}
	if len(resp.Data) == 0 {
		resp.Data = []byte("null")
	}

	return resp, nil
}

type givenKey struct{}

// givenEvents are the entries of the log that a selection is to shape; none for a caller of the
// API.
func givenEvents(ctx context.Context) []delivery.Event {
	given, _ := ctx.Value(givenKey{}).([]delivery.Event)
	return given
}
