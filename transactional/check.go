package transactional

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"carillon/audience"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/ent/phonenumber"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// check looks at one message, and notes everything that is wrong with it.
type check struct {
	tx        *database.Tx
	client    *ent.Client // the transaction's
	erased    *delivery.Erased
	now       time.Time
	obstacles []identity.Obstacle // why the organization may send nothing
	in        usererror.Fields

	organization *ent.Organization
	number       *ent.PhoneNumber // with its account; nil when there is no such number
	contact      *ent.Contact     // nil when they are none
	zone         string           // theirs
	address      string           // empty when there is none that can be written to
	country      string
	says         enum.Consent // to marketing, also of somebody who is no contact
}

// message is what is to be queued of m.
func (c *check) message(ctx context.Context, organization uid.ID, m Message) (delivery.Outgoing, error) {
	if err := c.sender(ctx, organization, m.PhoneNumberID); err != nil {
		return delivery.Outgoing{}, err
	}
	if err := c.recipient(ctx, m.To); err != nil {
		return delivery.Outgoing{}, err
	}

	out := delivery.Outgoing{PhoneNumber: m.PhoneNumberID, Address: c.address, Country: c.country, TimeZone: c.zone}
	if c.contact != nil {
		out.Contact = c.contact.ID
	}
	if c.number != nil {
		out.Account = c.number.AccountID
	}

	if m.Reference != nil {
		delivery.CheckReference(&c.in, "reference", *m.Reference)
		out.Reference = *m.Reference
	}

	quoted, err := c.quoted(ctx, m)
	if err != nil {
		return delivery.Outgoing{}, err
	}

	switch {
	case m.contents() != 1:
		c.in.Add("content", usererror.Invalid, "give exactly one of template, text and media")
	case m.Template != nil:
		err = c.template(ctx, *m.Template, &out)
	case m.Text != nil:
		err = c.freeForm(m.Text.content(&c.in), "content.text", quoted, &out)
	default:
		err = c.freeForm(m.Media.content(&c.in), "content.media", quoted, &out)
	}

	if err != nil {
		return delivery.Outgoing{}, err
	}

	delivery.QuietHoursOf(c.organization).Hold(&out, c.now)

	return out, c.in.Err()
}

// sender notes what keeps the organization or the number from sending.
func (c *check) sender(ctx context.Context, organization, number uid.ID) (err error) {
	for _, o := range c.obstacles {
		c.in.Add("", usererror.NotAllowed, "%s", o.Text)
	}

	if c.organization, err = c.client.Organization.Get(ctx, organization); err != nil {
		return fmt.Errorf("read organization: %w", err)
	}

	found, err := c.client.PhoneNumber.Query().Where(phonenumber.ID(number)).WithAccount().Only(ctx)
	if ent.IsNotFound(err) {
		c.in.Add("phoneNumberId", usererror.NoSuch, "there is no such phone number")
		return nil
	}

	if err != nil {
		return fmt.Errorf("read phone number: %w", err)
	}

	c.number = found
	if a := found.Edges.Account; a.Status != enum.AccountStatusConnected {
		c.in.Add("phoneNumberId", usererror.NotAllowed, "WhatsApp account %s is %s%s", a.Name, a.Status,
			because(a.StatusReason))
	}

	return nil
}

// recipient reads the number or user id, and who has it.
func (c *check) recipient(ctx context.Context, to string) (err error) {
	if strings.TrimSpace(to) == "" {
		c.in.Add("to", usererror.Required, "say to whom it goes")
		return nil
	}

	who, wrong, err := audience.Resolve(ctx, c.client, c.organization.ID, to)
	switch {
	case err != nil:
		return err
	case wrong != nil:
		c.in.Add("to", usererror.Invalid, "%s", wrong)
		return nil
	}

	c.address, c.country, c.contact, c.says = who.Address, who.Country, who.Contact, who.Consent
	if c.contact != nil && c.contact.Phone != nil && audience.IsUserID(c.address) { // the number is the surer way
		c.address = *c.contact.Phone
		c.country = audience.AddressCountry(c.address)
	}

	c.zone = c.zoneOf().Zone(c.organization.TimeZone)
	suppressed, err := audience.IsSuppressed(ctx, c.tx, c.erased, c.organization.ID, who)
	if suppressed {
		c.in.Add("to", usererror.NotAllowed,
			"nothing is written to %s: it is on the suppression list, or its person was erased", c.address)
	}

	return err
}

// zoneOf is what is known of the person's clocks.
func (c *check) zoneOf() audience.Recipient {
	r := audience.Recipient{Country: c.country}
	if !audience.IsUserID(c.address) {
		r.Phone = c.address
	}
	if c.contact != nil && c.contact.TimeZone != nil {
		r.TimeZone = *c.contact.TimeZone
	}

	return r
}

// quoted is WhatsApp's id of the message that this one answers; empty when it answers none.
func (c *check) quoted(ctx context.Context, m Message) (string, error) {
	if m.ReplyTo == nil {
		return "", nil
	}

	if m.Template != nil {
		c.in.Add("replyToMessageId", usererror.Invalid, "a template cannot quote a message")
		return "", nil
	}

	found, err := c.client.Message.Query().Where(message.ID(*m.ReplyTo)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		c.in.Add("replyToMessageId", usererror.NoSuch, "there is no such message")
	case err != nil:
		return "", fmt.Errorf("read the quoted message: %w", err)
	case found.Wamid == nil:
		c.in.Add("replyToMessageId", usererror.Invalid, "WhatsApp has not taken that message, so it cannot be quoted")
	default:
		return *found.Wamid, nil
	}

	return "", nil
}

// freeForm takes a text or a file, which only somebody may get who wrote in the last 24 hours.
func (c *check) freeForm(content whatsapp.Message, field, quoted string, out *delivery.Outgoing) (err error) {
	open := c.contact != nil && c.contact.ServiceWindowClosesAt != nil && c.contact.ServiceWindowClosesAt.After(c.now)
	if c.address != "" && !open {
		c.in.Add(field, usererror.NotAllowed,
			"%s has not written in the last 24 hours, so only a template can be sent: send an approved one", c.address)
	}

	content.ContextMessageID = quoted
	out.Type = enum.MessageType(strings.ToUpper(content.Type))
	if out.Content, err = json.Marshal(content); err != nil {
		return fmt.Errorf("write content: %w", err)
	}

	return nil
}

// because is a reason in brackets, where there is one.
func because(reason *string) string {
	if reason == nil {
		return ""
	}
	return " (" + *reason + ")"
}
