package notification

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"carillon/ent"
	"carillon/ent/account"
	"carillon/ent/campaign"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/ent/template"
	"carillon/outbox"
	"carillon/uid"
)

const (
	// mostNamed is how many things of one paragraph a mail names.
	mostNamed = 10
	// mostInSubject is how many of its paragraphs' titles a mail's subject has.
	mostInSubject = 2
)

// paragraph is the causes of one kind and reason.
type paragraph struct {
	text
	kind   enum.NotificationKind
	causes []*ent.Notification
}

// letter tells of causes. It holds names that members gave, where they are no more than names, and
// no address but the service's own.
func (s *Service) letter(ctx context.Context, reader *ent.Member, causes []*ent.Notification) (l outbox.Letter,
	err error) {
	all := paragraphs(causes)
	names, err := s.names(ctx, all)
	if err != nil {
		return l, fmt.Errorf("names of what is told: %w", err)
	}

	var body strings.Builder
	fmt.Fprintf(&body, "Hello,\n\nthis is about %s on Carillon.\n", outbox.Mailable(
		reader.Edges.Organization.Name, "an organization of yours"))

	for _, p := range all {
		body.WriteString("\n" + p.title() + p.named(names) + ".\n")
		for _, line := range []struct{ label, text string }{{"When", p.when()}, {"Why", p.why}, {"More", p.more()},
			{"What to do", p.todo}} {
			if line.text != "" {
				fmt.Fprintf(&body, "%s: %s\n", line.label, line.text)
			}
		}
	}

	fmt.Fprintf(&body, `
Everything is shown at %s

You get this mail by your choice, or by your role in the organization. There you can choose of what you are told.
`, s.publicURL)

	return outbox.Letter{To: reader.Edges.User.Email, Subject: subjectOf(all), Text: body.String()}, nil
}

// subjectOf joins the titles of paragraphs. What has one title is counted together.
func subjectOf(all []paragraph) string {
	var merged []paragraph
	for _, p := range all {
		i := slices.IndexFunc(merged, func(m paragraph) bool { return m.one == p.one })
		if i >= 0 {
			merged[i].causes = slices.Concat(merged[i].causes, p.causes)
		} else {
			merged = append(merged, p)
		}
	}

	var titles []string
	for _, p := range merged[:min(len(merged), mostInSubject)] {
		titles = append(titles, p.title())
	}

	return strings.Join(titles, "; ")
}

// paragraphs sorts causes by kind and reason.
func paragraphs(causes []*ent.Notification) (all []paragraph) {
	for _, k := range kindTexts {
		for _, n := range causes {
			if n.Kind != k.kind {
				continue
			}

			same := func(p paragraph) bool { return p.kind == n.Kind && p.causes[0].Reason == n.Reason }
			if i := slices.IndexFunc(all, same); i >= 0 {
				all[i].causes = append(all[i].causes, n)
				continue
			}

			all = append(all, paragraph{textOf(n.Kind, n.Reason), n.Kind, []*ent.Notification{n}})
		}
	}

	return all
}

// subjects are the things of a paragraph, each once.
func (p paragraph) subjects() (ids []uid.ID) {
	seen := map[uid.ID]bool{}
	for _, n := range p.causes {
		if !seen[n.SubjectID] {
			ids = append(ids, n.SubjectID)
		}

		seen[n.SubjectID] = true
	}

	return ids
}

func (p paragraph) title() string {
	if n := len(p.subjects()); n > 1 {
		return fmt.Sprintf(p.many, n)
	}
	return p.one
}

// named lists the things that have a name which a mail may carry.
func (p paragraph) named(names map[uid.ID]string) string {
	ids := p.subjects()
	var shown []string
	for _, id := range ids[:min(len(ids), mostNamed)] {
		if name := outbox.Mailable(names[id], ""); name != "" {
			shown = append(shown, name)
		}
	}

	if len(shown) == 0 {
		return ""
	}
	if more := len(ids) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}

	return ": " + strings.Join(shown, ", ")
}

// when is the time of the first cause and, where they are many, the last.
func (p paragraph) when() string {
	first, last := p.causes[0].CreatedAt, p.causes[0].CreatedAt
	for _, n := range p.causes {
		if n.CreatedAt.Before(first) {
			first = n.CreatedAt
		}
		if n.CreatedAt.After(last) {
			last = n.CreatedAt
		}
	}

	if minute(first) == minute(last) {
		return minute(first)
	}

	return "from " + minute(first) + " to " + minute(last)
}

func minute(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 MST") }

// date is what looks like a long number and is none.
var date = regexp.MustCompile(`\b\d{4}-\d\d-\d\d([ T]\d\d:\d\d)?`)

// more is the detail of the causes where they have one in common. It is left out where it could be
// more than words: it may quote WhatsApp.
func (p paragraph) more() string {
	detail := strings.Join(strings.Fields(p.causes[0].Detail), " ")
	for _, n := range p.causes {
		if n.Detail != p.causes[0].Detail {
			return ""
		}
	}

	if p.silent || outbox.LinkLike(date.ReplaceAllString(detail, "")) {
		return ""
	}

	return detail
}

// names are of the things that are told of, as they are called now.
func (s *Service) names(ctx context.Context, all []paragraph) (map[uid.ID]string, error) {
	ids := map[uid.Kind][]uid.ID{}
	for _, p := range all {
		for i, id := range p.subjects() {
			if i < mostNamed {
				ids[id.Kind()] = append(ids[id.Kind()], id)
			}
		}
	}

	c, names := s.db.Client, map[uid.ID]string{}
	for kind, read := range map[uid.Kind]func(ids []uid.ID, into any) error{
		uid.Campaign: func(ids []uid.ID, into any) error {
			return c.Campaign.Query().Where(campaign.IDIn(ids...)).Select(campaign.FieldID, campaign.FieldName).Scan(ctx, into)
		},
		uid.Account: func(ids []uid.ID, into any) error {
			return c.Account.Query().Where(account.IDIn(ids...)).Select(account.FieldID, account.FieldName).Scan(ctx, into)
		},
		uid.Template: func(ids []uid.ID, into any) error {
			return c.Template.Query().Where(template.IDIn(ids...)).Select(template.FieldID, template.FieldName).Scan(ctx, into)
		},
		uid.ContactImport: func(ids []uid.ID, into any) error {
			return c.ContactImport.Query().Where(contactimport.IDIn(ids...)).
				Select(contactimport.FieldID, contactimport.FieldFileName).Scan(ctx, into)
		},
	} {
		var rows []struct {
			ID       uid.ID `json:"id"`
			Name     string `json:"name"`
			FileName string `json:"file_name"`
		}
		if len(ids[kind]) == 0 {
			continue
		}
		if err := read(ids[kind], &rows); err != nil {
			return nil, err
		}

		for _, r := range rows {
			names[r.ID] = r.Name + strings.TrimSuffix(r.FileName, ".csv")
		}
	}

	return names, nil
}
