package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	pollEvery       = 75 * time.Millisecond
	approvalTimeout = time.Minute
	importTimeout   = 5 * time.Minute
	failuresTimeout = 10 * time.Second
	bodyText        = "Hello {{name}}, your order {{order}} has arrived at our shop in {{city}}. " +
		"Bring this message when you collect it."
	maxRejections = 3 // rows that an error repeats
)

func (d *demonstration) signUp(ctx context.Context) error {
	began := time.Now()
	var known struct{ Terms struct{ Version string } }
	if err := d.client.query(ctx, operation{Name: "terms", Query: "query terms { terms { version } }"},
		&known); err != nil {
		return err
	}

	who := strings.ToLower(rand.Text()[:8])
	var session struct{ Token string }
	err := d.client.mutate(ctx, "signUp", map[string]any{
		"email": "demo-" + who + "@example.com", "password": rand.Text(), "name": "Demo", "organizationName": "Demo " + who,
		"acceptTermsVersion": known.Terms.Version,
	}, "token", &session)
	if err != nil {
		return err
	}

	d.client.token = session.Token
	d.teller.step(began, "signUp", "organization Demo %s", who)

	return nil
}

func (d *demonstration) connectAccount(ctx context.Context) error {
	began := time.Now()
	var connected struct {
		Account struct {
			ID, Name     string
			PhoneNumbers []struct {
				ID, DisplayNumber string
				Throughput        int
			}
		}
	}
	err := d.client.mutate(ctx, "connectAccount", map[string]any{
		"credentials": map[string]any{"token": map[string]any{"wabaId": d.options.WABAID,
			"accessToken": d.options.Token}},
		"consentToTransfer": true,
	}, "account { id name phoneNumbers { id displayNumber throughput } }", &connected)
	if err != nil {
		return err
	}
	if len(connected.Account.PhoneNumbers) == 0 {
		return fmt.Errorf("connectAccount: account %s has no phone number", d.options.WABAID)
	}

	number := connected.Account.PhoneNumbers[0]
	d.account, d.phoneNumber = connected.Account.ID, number.ID
	d.teller.step(began, "connectAccount", "%s, %s, at most %s messages a second", connected.Account.Name,
		number.DisplayNumber, thousands(number.Throughput))

	return nil
}

func (d *demonstration) createTemplate(ctx context.Context) error {
	began := time.Now()
	example := func(key, value string) map[string]any { return map[string]any{"key": key, "value": value} }
	var created struct {
		Template struct{ ID, Name, Status string }
	}

	err := d.client.mutate(ctx, "createTemplate", map[string]any{
		"accountId": d.account,
		"template": map[string]any{
			"name": "demo_order_arrived_" + strings.ToLower(rand.Text()[:8]), "language": "en", "category": "UTILITY",
			"parameterFormat": "NAMED",
			"components": []any{
				map[string]any{"type": "BODY", "text": bodyText,
					"namedExamples": []any{example("name", "Ada"), example("order", "4711"), example("city", "Lisbon")}},
				map[string]any{"type": "FOOTER", "text": "Reply STOP to hear no more of us."},
				map[string]any{"type": "BUTTONS", "buttons": []any{map[string]any{"type": "QUICK_REPLY", "text": "On my way"}}},
			},
		},
	}, "template { id name status }", &created)
	if err != nil {
		return err
	}

	d.template = created.Template.ID
	d.teller.step(began, "createTemplate", "%s is %s", created.Template.Name, created.Template.Status)

	return nil
}

func (d *demonstration) awaitApproval(ctx context.Context) error {
	began := time.Now()
	ask := operation{Name: "template",
		Query:     "query template($id: ID!) { node(id: $id) { ... on Template { status rejectionReason } } }",
		Variables: map[string]any{"id": d.template}}
	err := poll(ctx, approvalTimeout, func() (bool, error) {
		var is struct {
			Node struct{ Status, RejectionReason string }
		}
		if err := d.client.query(ctx, ask, &is); err != nil {
			return false, err
		}

		switch is.Node.Status {
		case "APPROVED":
			return true, nil
		case "DRAFT", "PENDING", "IN_APPEAL":
			return false, nil
		}

		return false, fmt.Errorf("it is %s%s", is.Node.Status, reason(is.Node.RejectionReason))
	})
	if err != nil {
		return fmt.Errorf("wait for the template's approval: %w", err)
	}

	d.teller.step(began, "template", "APPROVED")

	return nil
}

func (d *demonstration) createList(ctx context.Context) error {
	var created struct{ ContactList struct{ ID string } }
	err := d.client.mutate(ctx, "createContactList", map[string]any{"name": "Demo customers"},
		"contactList { id }", &created)
	d.list = created.ContactList.ID

	return err
}

// contactImport is what the service says of an import.
type contactImport struct {
	ID, Status                 string
	Created, Updated, Rejected int
	Rejections                 []struct {
		Line          int
		Value, Reason string
	}
}

const importSelection = "id status created updated rejected rejections(first: 3) { line value reason }"

func (d *demonstration) importContacts(ctx context.Context) error {
	began := time.Now()
	content, err := rows(d.options.Contacts, d.options.Recipients)
	if err != nil {
		return err
	}

	var begun struct{ Import contactImport }
	err = d.client.upload(ctx, "importContacts", map[string]any{
		"listId":  d.list,
		"consent": map[string]any{"consent": "OPTED_IN", "source": "demo", "evidence": "made up"},
	}, file{"contacts.csv", "text/csv", content}, "import { "+importSelection+" }", &begun)
	if err != nil {
		return err
	}

	is := begun.Import
	ask := operation{Name: "contactImport",
		Query:     "query contactImport($id: ID!) { node(id: $id) { ... on ContactImport { " + importSelection + " } } }",
		Variables: map[string]any{"id": is.ID}}

	err = poll(ctx, importTimeout, func() (bool, error) {
		var now struct{ Node contactImport }
		if err := d.client.query(ctx, ask, &now); err != nil {
			return false, err
		}

		is = now.Node
		if is.Status == "FAILED" || is.Status == "CANCELED" {
			return false, fmt.Errorf("it is %s; %s", is.Status, is.rejections())
		}

		return is.Status == "COMPLETED", nil
	})
	if err == nil && is.Created != d.options.Recipients {
		err = fmt.Errorf("%d new contacts of %d rows; %s", is.Created, d.options.Recipients, is.rejections())
	}
	if err != nil {
		return fmt.Errorf("importContacts: %w", err)
	}

	d.teller.step(began, "importContacts", "%s new contacts", thousands(is.Created))

	return nil
}

func (i contactImport) rejections() string {
	lines := []string{fmt.Sprintf("%d updated, %d rejected", i.Updated, i.Rejected)}
	for _, r := range i.Rejections[:min(len(i.Rejections), maxRejections)] {
		lines = append(lines, fmt.Sprintf("line %d: %s", r.Line, r.Reason))
	}

	return strings.Join(lines, "; ")
}

func (d *demonstration) createCampaign(ctx context.Context) error {
	began := time.Now()
	var created struct {
		Campaign struct {
			ID       string
			Audience struct{ Size int }
		}
	}
	err := d.client.mutate(ctx, "createCampaign", map[string]any{
		"name": "Demo", "templateId": d.template, "phoneNumberId": d.phoneNumber,
		"audience": map[string]any{"listIds": []string{d.list}},
		"parameters": []any{
			map[string]any{"parameter": "name", "contactField": "name", "fallback": "friend"},
			map[string]any{"parameter": "order", "value": "4711"},
			map[string]any{"parameter": "city", "attribute": "city", "fallback": "your town"},
		},
		"failureThreshold": 1, // among few recipients, those whose messages are made to fail are a large share
	}, "campaign { id audience { size } }", &created)
	if err != nil {
		return err
	}

	d.campaign = created.Campaign.ID
	d.teller.step(began, "createCampaign", "%s recipients", thousands(created.Campaign.Audience.Size))

	return nil
}

func (d *demonstration) launch(ctx context.Context) error {
	began := time.Now()
	var launched struct{ Campaign struct{ Status string } }
	err := d.client.mutate(ctx, "launchCampaign", map[string]any{"campaignId": d.campaign},
		"campaign { status }", &launched)
	if err != nil {
		return err
	}

	d.teller.step(began, "launchCampaign", "%s", launched.Campaign.Status)

	return nil
}

// failure is one kind of failure, as the service explains it.
type failure struct {
	Code          int
	Title, Advice string
	Count         int
}

// failures asks even when ctx is over.
func (d *demonstration) failures(ctx context.Context) ([]failure, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failuresTimeout)
	defer cancel()
	var is struct {
		Node struct {
			Progress struct{ Failures []failure }
		}
	}
	err := d.client.query(ctx, operation{Name: "failures",
		Query: "query failures($id: ID!) { node(id: $id) { ... on Campaign { progress { failures { code title advice " +
			"count } } } } }",
		Variables: map[string]any{"id": d.campaign}}, &is)

	return is.Node.Progress.Failures, err
}

// poll asks until it is done.
func poll(ctx context.Context, timeout time.Duration, ask func() (done bool, err error)) error {
	over := time.NewTimer(timeout)
	defer over.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()

	for {
		if done, err := ask(); done || err != nil {
			return err
		}

		select {
		case <-tick.C:
		case <-over.C:
			return errors.New("it takes too long: " + timeout.String())
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reason puts what the service gives as one, if it does, behind a status.
func reason(given string) string {
	if given == "" {
		return ""
	}
	return " (" + given + ")"
}
