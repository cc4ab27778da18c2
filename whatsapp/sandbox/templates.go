package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// templateBody is the body of a create or an edit.
type templateBody struct {
	Name            string            `json:"name"`
	Language        string            `json:"language"`
	Category        string            `json:"category"`
	ParameterFormat string            `json:"parameter_format"`
	TTL             *int              `json:"message_send_ttl_seconds"`
	Bid             *bid              `json:"optimization_spec"`
	Components      []json.RawMessage `json:"components"`
}

const (
	templateCap      = 6000 // of an account whose business is verified
	creationsPerHour = 100
	nameLock         = 30 * 24 * time.Hour
)

// decode reads a JSON body; an empty one leaves into as it is.
func decode(r *http.Request, into any) *refusal {
	err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 4<<20)).Decode(into)
	if err != nil && !errors.Is(err, io.EOF) {
		return invalid("The body is not the JSON that is expected: %s", err)
	}

	return nil
}

func (s *Sandbox) createTemplate(c *call, a *account) *refusal {
	var body templateBody
	if no := decode(c.r, &body); no != nil {
		return no
	}

	body.Category, body.ParameterFormat = strings.ToUpper(body.Category), strings.ToUpper(body.ParameterFormat)
	if body.ParameterFormat == "" {
		body.ParameterFormat = "POSITIONAL"
	}
	if no := body.check(); no != nil {
		return no
	}

	shown, sh, no := parseComponents(body.Category, body.ParameterFormat, body.Components)
	if no != nil {
		return no
	}
	if strings.HasSuffix(body.Name, recategorized) && body.Category == "UTILITY" {
		body.Category = "MARKETING"
	}

	o, now := s.options.Load(), s.now()
	s.catalog.Lock()
	defer s.catalog.Unlock()
	if no := a.room(body, now); no != nil {
		return no
	}
	if !o.NoLimits && !a.creations.admit(now.UnixNano(), creationsPerHour, time.Hour) {
		return refuse(80007, "More than %d templates were created in an hour.", creationsPerHour)
	}

	t := &template{
		ID: newID(), Name: body.Name, Language: body.Language, Category: body.Category, Status: "PENDING",
		ParameterFormat: body.ParameterFormat, TTL: body.TTL, Components: body.Components, ReviewAt: now.Add(o.ReviewDelay),
		shown: shown, shape: sh,
	}
	if body.Bid != nil {
		t.Bid = *body.Bid
	}

	s.catalog.put(a, t)
	s.journal.put(s, record{Template: t})
	s.later(t.ReviewAt.UnixNano(), t)
	s.write(c.w, http.StatusOK, map[string]any{"id": t.ID, "status": t.Status, "category": t.Category})

	return nil
}

// check holds a template's head to the rules.
func (b *templateBody) check() *refusal {
	switch {
	case !namePattern.MatchString(b.Name):
		return badTemplate(0, "Invalid template name",
			"Message template name can only have lowercase letters, digits and underscores, 512 at most.")
	case !slices.Contains(languages, b.Language):
		return invalid("Param language must be a supported language code - got %q.", b.Language)
	case b.Category != "MARKETING" && b.Category != "UTILITY" && b.Category != "AUTHENTICATION":
		return invalid("Param category must be one of {UTILITY, MARKETING, AUTHENTICATION} - got %q.", b.Category)
	case b.ParameterFormat != "POSITIONAL" && b.ParameterFormat != "NAMED":
		return invalid("Param parameter_format must be one of {POSITIONAL, NAMED} - got %q.", b.ParameterFormat)
	}

	if no := b.Bid.check(b.Category); no != nil {
		return no
	}

	return b.checkTTL()
}

// checkTTL allows what Meta allows for the category; -1 stands for 30 days.
func (b *templateBody) checkTTL() *refusal {
	if b.TTL == nil || *b.TTL == -1 && b.Category != "MARKETING" {
		return nil
	}

	bounds := map[string][2]int{"AUTHENTICATION": {30, 900}, "UTILITY": {30, 43_200},
		"MARKETING": {43_200, 2_592_000}}[b.Category]
	if *b.TTL < bounds[0] || *b.TTL > bounds[1] {
		return invalid("Param message_send_ttl_seconds must be between %d and %d for %s.", bounds[0], bounds[1], b.Category)
	}

	return nil
}

// room says whether the account can have one more template of that name.
func (a *account) room(b templateBody, now time.Time) *refusal {
	switch {
	case a.templates[templateKey{b.Name, b.Language}] != nil:
		return badTemplate(nameTaken, "Content in this language already exists",
			"There is already %s content for this template. You can create a new template and try again.", b.Language)
	case now.Before(a.locked[b.Name]):
		return badTemplate(nameLocked, "Message template is being deleted",
			"New %s content can't be added while the existing content is being deleted. Try again in 4 weeks or create a "+
				"new message template.",
			b.Language)
	case len(a.templates) >= templateCap:
		return badTemplate(tooManyTemplates, "Template limit exceeded", "The account has %d templates, which is the limit.",
			templateCap)
	}

	return nil
}

func (s *Sandbox) templateEdge(c *call, t *template) *refusal {
	if no := s.meter(c, t.account); no != nil {
		return no
	}

	switch c.r.Method + " " + c.edge {
	case "GET ":
		s.catalog.Lock()
		s.reviewLocked(t)
		node, gone := t.node(), t.Status == "DELETED"
		s.catalog.Unlock()
		if gone { // by its review
			return missing(c.r.Method, c.id)
		}

		return s.fields(c, node, templateFields...)
	case "POST ":
		return s.editTemplate(c, t)
	case "POST unpause":
		return s.unpause(c, t)
	}

	return missing(c.r.Method, c.id+"/"+c.edge)
}

func (s *Sandbox) editTemplate(c *call, t *template) *refusal {
	var body templateBody
	if no := decode(c.r, &body); no != nil {
		return no
	}

	o, now := s.options.Load(), s.now()
	s.catalog.Lock()
	defer s.catalog.Unlock()
	s.reviewLocked(t)
	if no := t.editable(body, now); no != nil {
		return no
	}

	category := t.Category
	if body.Category != "" {
		category = strings.ToUpper(body.Category)
	}
	if no := body.Bid.check(category); no != nil {
		return no
	}
	if no := t.ttlAfter(body, category); no != nil {
		return no
	}
	if body.Components == nil {
		body.Components = t.Components
	}

	shown, sh, no := parseComponents(category, t.ParameterFormat, body.Components)
	if no != nil {
		return no
	}
	if t.Status == "APPROVED" {
		t.Edits = append(t.Edits, now)
	}

	t.Category, t.Components, t.shown, t.shape = category, body.Components, shown, sh
	if body.TTL != nil {
		t.TTL = body.TTL
	}
	if body.Bid != nil {
		t.Bid = *body.Bid
	}

	t.Status, t.ReviewAt = "PENDING", now.Add(o.ReviewDelay)
	s.catalog.put(t.account, t)
	s.journal.put(s, record{Template: t})
	s.later(t.ReviewAt.UnixNano(), t)
	s.write(c.w, http.StatusOK, map[string]any{"success": true, "id": t.ID, "name": t.Name, "category": t.Category})

	return nil
}

// ttlAfter checks the time to live that a template would have, since another category has other
// bounds.
func (t *template) ttlAfter(body templateBody, category string) *refusal {
	if body.TTL == nil {
		body.TTL = t.TTL
	}

	body.Category = category

	return body.checkTTL()
}

// editable holds an edit to Meta's rules: what may change, in which status, and how often once it
// is approved.
func (t *template) editable(body templateBody, now time.Time) *refusal {
	bad := func(why string) *refusal {
		return badTemplate(notEditable, "Message template cannot be edited", "%s", why)
	}
	if t.Locked {
		return bad("The template is locked.")
	}

	switch t.Status {
	case "APPROVED":
		if body.Category != "" && !strings.EqualFold(body.Category, t.Category) {
			return bad("The category of an approved template cannot change.")
		}

		n := len(t.Edits)
		if n > 0 && now.Sub(t.Edits[n-1]) < 24*time.Hour || n >= 10 && now.Sub(t.Edits[n-10]) < 30*24*time.Hour {
			return bad("An approved template can be edited once in 24 hours and 10 times in 30 days.")
		}
	case "REJECTED", "PAUSED":
	default:
		return bad("Only approved, rejected and paused templates can be edited.")
	}

	if body.Name != "" && body.Name != t.Name || body.Language != "" && body.Language != t.Language {
		return bad("Name and language cannot change.")
	}

	return nil
}

func (s *Sandbox) unpause(c *call, t *template) *refusal {
	s.catalog.Lock()
	defer s.catalog.Unlock()
	switch {
	case t.Status != "PAUSED":
		s.write(c.w, http.StatusOK, map[string]any{"success": false, "reason": "The template is not paused."})
	case s.now().Sub(t.PausedAt) < 5*time.Minute:
		s.write(c.w, http.StatusOK,
			map[string]any{"success": false, "reason": "A template can be unpaused 5 minutes after it was paused."})
	default:
		s.judge(t, Decision{Do: "UNPAUSE"})
		s.succeed(c.w)
	}

	return nil
}

// deleteTemplates deletes all languages of a name, or one template by id and name, or up to 100 by
// their ids, all or none.
func (s *Sandbox) deleteTemplates(c *call, a *account) *refusal {
	q := c.r.URL.Query()
	s.catalog.Lock()
	defer s.catalog.Unlock()
	var doomed []*template

	if list := q.Get("hsm_ids"); list != "" {
		for _, id := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(`[]", `, r) }) {
			doomed = append(doomed, s.catalog.templates[id])
		}
	} else if id := q.Get("hsm_id"); id != "" {
		doomed = append(doomed, s.catalog.templates[id])
	} else {
		for key, t := range a.templates {
			if key.name == q.Get("name") {
				doomed = append(doomed, t)
			}
		}
	}

	if len(doomed) > 100 && q.Has("hsm_ids") {
		return invalid("Param hsm_ids must have at most 100 ids.")
	}

	foreign := func(t *template) bool {
		return t == nil || t.account != a || q.Has("hsm_id") && t.Name != q.Get("name")
	}
	if len(doomed) == 0 || slices.ContainsFunc(doomed, foreign) {
		return badTemplate(2593002, "Message template not found", "The message template was not found in this account.")
	}

	for _, t := range doomed {
		if t.Status == "DISABLED" {
			return badTemplate(notEditable, "Message template cannot be deleted", "A disabled template cannot be deleted.")
		}
	}

	for _, t := range doomed {
		s.remove(a, t)
	}

	s.succeed(c.w)

	return nil
}

// remove deletes a template. Its name stays locked if it had been approved. The caller holds the
// catalog's lock.
func (s *Sandbox) remove(a *account, t *template) {
	delete(a.templates, templateKey{t.Name, t.Language})
	delete(s.catalog.templates, t.ID)
	t.Status, t.Coming = "DELETED", ""
	if t.Approved {
		a.locked[t.Name] = s.now().Add(nameLock)
	}

	s.journal.put(s, record{Deleted: &deletion{t.ID, a.WABAID, t.Name, a.locked[t.Name]}})
	s.event(t, "DELETED", nil)
}

// templateFields are what a template shows when no fields are asked for.
var templateFields = []string{"name", "parameter_format", "components", "language", "status", "category",
	"sub_category", "id"}

func (s *Sandbox) listTemplates(c *call, a *account) *refusal {
	q := c.r.URL.Query()
	s.catalog.Lock()
	var found []*template

	for _, t := range a.templates {
		s.reviewLocked(t)
		if t.Status != "DELETED" && strings.Contains(t.Name, q.Get("name")) && matches(t.Language, q.Get("language")) &&
			matches(t.Category, q.Get("category")) && matches(t.Status, q.Get("status")) {
			found = append(found, t)
		}
	}

	total := len(a.templates)
	nodes := make([]map[string]any, len(found))

	// The newest first, as at Meta; ids settle what was created in the same instant.
	slices.SortFunc(found, func(x, y *template) int {
		if d := y.ReviewAt.Compare(x.ReviewAt); d != 0 {
			return d
		}
		return strings.Compare(x.ID, y.ID)
	})

	for i, t := range found {
		nodes[i] = t.node()
	}

	s.catalog.Unlock()

	return s.list(c, nodes, templateFields, map[string]any{
		"total_count": len(nodes), "message_template_count": total, "message_template_limit": templateCap,
		"are_translations_complete": true,
	})
}

func matches(have, want string) bool { return want == "" || strings.EqualFold(have, want) }

// list answers with a page of nodes. A cursor is the id of the node that it stands behind or
// before.
func (s *Sandbox) list(c *call, nodes []map[string]any, fields []string, summary map[string]any) *refusal {
	q := c.r.URL.Query()
	limit := 25
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return invalid("Param limit must be a positive number - got %q.", text)
		}

		limit = min(n, 1000)
	}

	from := 0
	if cursor := q.Get("after"); cursor != "" {
		id, err := base64.RawURLEncoding.DecodeString(cursor)
		at := slices.IndexFunc(nodes, func(n map[string]any) bool { return n["id"] == string(id) })
		if err != nil || at < 0 {
			return refuse(131059, "The cursor is not valid any more. Start again without one.")
		}

		from = at + 1
	}

	page := nodes[from:min(from+limit, len(nodes))]
	out := map[string]any{"data": []any{}}

	if len(page) > 0 {
		cursor := func(n map[string]any) string { return base64.RawURLEncoding.EncodeToString([]byte(n["id"].(string))) }
		paging := map[string]any{"cursors": map[string]any{"before": cursor(page[0]), "after": cursor(page[len(page)-1])}}
		if from+limit < len(nodes) {
			paging["next"] = nextPage(c.r, cursor(page[len(page)-1]))
		}

		out["paging"] = paging
	}

	data := make([]any, len(page))
	for i, n := range page {
		shown, no := selected(q.Get("fields"), n, fields)
		if no != nil {
			return no
		}

		data[i] = shown
	}

	out["data"] = data
	if summary != nil && (q.Has("summary") || strings.Contains(q.Get("fields"), "summary")) {
		out["summary"] = summary
	}

	s.write(c.w, http.StatusOK, out)

	return nil
}

func nextPage(r *http.Request, after string) string {
	u := *r.URL
	u.Scheme, u.Host = "http", r.Host
	if r.TLS != nil {
		u.Scheme = "https"
	}

	q := u.Query()
	q.Set("after", after)
	q.Del("access_token")
	u.RawQuery = q.Encode()

	return u.String()
}
