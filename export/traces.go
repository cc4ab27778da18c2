package export

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"carillon/database"
	"carillon/ent"
	"carillon/ent/account"
	"carillon/ent/messagingwindow"
	"carillon/ent/notification"
	"carillon/ent/phonenumber"
	"carillon/ent/reply"
	"carillon/ent/thread"
	"carillon/uid"
)

const (
	// searchedAtOnce is how many rows of a table one statement reads for the person's traces, and
	// bodiesAtOnce how many kept webhooks: those are up to megabytes.
	searchedAtOnce = 1000
	bodiesAtOnce   = 20
)

// conversations are the person's answers to campaigns, who holds the conversation with them, and
// when an account wrote to them first.
func (p *person) conversations(ctx context.Context) ([][]any, error) {
	answers, err := p.DB.Client.Reply.Query().Where(reply.ContactID(p.contact.ID)).Order(reply.ByID()).All(ctx)
	rows, err := things("reply", answers, err)
	if err != nil {
		return nil, err
	}

	numbers, err := p.DB.Client.PhoneNumber.Query().Where(phonenumber.OrganizationID(p.organization)).IDs(ctx)
	if err != nil {
		return nil, err
	}

	held, err := p.DB.Client.Thread.Query().Where(thread.PhoneNumberIDIn(numbers...),
		thread.AddressIn(p.addresses...)).All(ctx)
	threads, err := things("conversation", held, err)
	if err != nil {
		return nil, err
	}

	accounts, err := p.DB.Client.Account.Query().Where(account.OrganizationID(p.organization)).IDs(ctx)
	if err != nil {
		return nil, err
	}

	opened, err := p.DB.Client.MessagingWindow.Query().Where(messagingwindow.AccountIDIn(accounts...),
		messagingwindow.AddressIn(p.addresses...)).All(ctx)
	windows, err := things("messaging_window", opened, err)

	return slices.Concat(rows, threads, windows), err
}

// notifications are those whose words name the person.
func (p *person) notifications(ctx context.Context) ([][]any, error) {
	all, err := p.DB.Client.Notification.Query().Where(notification.OrganizationID(p.organization)).
		Order(notification.ByID()).All(ctx)
	all = slices.DeleteFunc(all, func(n *ent.Notification) bool { return !p.known.NamedIn(n.Detail) })

	return things("notification", all, err)
}

// rejections are rows of imported files that were rejected and name the person.
func (p *person) rejections(ctx context.Context) (found [][]any, err error) {
	for after, read := (uid.ID{}), searchedAtOnce; read == searchedAtOnce; {
		read = 0
		rows, err := p.DB.Query(ctx, fmt.Sprintf("SELECT id, line, value, reason FROM import_rejection"+
			" WHERE organization_id = $1 AND id > $2 ORDER BY id LIMIT %d", searchedAtOnce), p.organization, after)
		err = database.Each(rows, err, func(rows *sql.Rows) error {
			var line int
			var value, reason string
			if err := rows.Scan(&after, &line, &value, &reason); err != nil {
				return err
			}

			if read++; p.known.NamedIn(value) || p.known.NamedIn(reason) {
				found = append(found, []any{"import_rejection", map[string]any{"line": line, "value": value, "reason": reason,
					"rejected_at": after.Time()}})
			}

			return nil
		})
		if err != nil {
			return nil, err
		}
	}

	return found, nil
}

// webhooks are those of the organization's accounts and numbers that could not be used and name the
// person: of each what is about them, since Meta puts several people into one.
func (p *person) webhooks(ctx context.Context) (found [][]any, err error) {
	own, err := p.metaIDs(ctx)
	if err != nil {
		return nil, err
	}

	for after, read := (uid.ID{}), bodiesAtOnce; read == bodiesAtOnce; {
		read = 0
		rows, err := p.DB.Query(ctx, fmt.Sprintf("SELECT id, reason, body FROM unmatched_webhook WHERE id > $1"+
			" ORDER BY id LIMIT %d", bodiesAtOnce), after)
		err = database.Each(rows, err, func(rows *sql.Rows) error {
			var reason string
			var body []byte
			if err := rows.Scan(&after, &reason, &body); err != nil {
				return err
			}

			read++
			ours := slices.ContainsFunc(own, func(name []byte) bool { return bytes.Contains(body, name) })
			var whole any
			if !ours || !p.known.NamedIn(string(body)) || json.Unmarshal(body, &whole) != nil {
				return nil
			}

			found = append(found, []any{"kept_webhook", map[string]any{"reason": reason, "received_at": after.Time(),
				"about": p.partsOf(whole)}})

			return nil
		})
		if err != nil {
			return nil, err
		}
	}

	return found, nil
}

// partsOf are the innermost elements of lists in a payload that name the person, or the whole where
// no list has one.
func (p *person) partsOf(payload any) (parts []any) {
	switch v := payload.(type) {
	case []any:
		for _, element := range v {
			if !p.namedIn(element) {
				continue
			}
			if within := p.partsOf(element); len(within) > 0 {
				parts = append(parts, within...)
			} else {
				parts = append(parts, element)
			}
		}
	case map[string]any:
		for _, value := range v {
			parts = append(parts, p.partsOf(value)...)
		}
	}

	return parts
}

// namedIn reports whether any text or key of a JSON value names the person.
func (p *person) namedIn(value any) bool {
	switch v := value.(type) {
	case string:
		return p.known.NamedIn(v)
	case []any:
		return slices.ContainsFunc(v, p.namedIn)
	case map[string]any:
		for key, within := range v {
			if p.known.NamedIn(key) || p.namedIn(within) {
				return true
			}
		}
	}

	return false
}

// metaIDs are what Meta calls the organization's accounts and numbers, as payloads have it.
func (p *person) metaIDs(ctx context.Context) (names [][]byte, err error) {
	rows, err := p.DB.Query(ctx, "SELECT waba_id FROM account WHERE organization_id = $1"+
		" UNION SELECT meta_id FROM phone_number WHERE organization_id = $1", p.organization)
	return database.Collect(rows, err, func(rows *sql.Rows) ([]byte, error) {
		var name string
		err := rows.Scan(&name)
		return []byte(`"` + strings.TrimSpace(name) + `"`), err
	})
}
