package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"carillon/account"
	"carillon/audience"
	"carillon/caller"
	"carillon/campaign"
	"carillon/ent"
	entaccount "carillon/ent/account"
	entcampaign "carillon/ent/campaign"
	"carillon/ent/contactlist"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/template"
	"carillon/ent/user"
	"carillon/examples"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

const seedEmail = "owner@carillon.example"

// seed makes the organization that a new service begins with: a sandbox account, an approved
// template, 500 contacts and a draft campaign. Each step looks whether it is done, so a process
// that dies in the middle goes on at the next start.
func (p *App) seed(ctx context.Context, box *builtInSandbox) (credentials, error) {
	file := dataFile(p.Config, "credentials.json")
	c, err := readCredentials(file)
	if err != nil {
		return c, err
	}

	if c.Password == "" { // written before it is used: a password that nobody knows would lock everybody out
		c = credentials{Email: seedEmail, Password: rand.Text()}
		if err := c.write(file); err != nil {
			return c, err
		}
	}

	owner, err := p.seedOwner(ctx, c)
	if errors.As(err, new(*usererror.Error)) || errors.As(err, new(usererror.Fields)) {
		p.Log.Info("the first organization's owner has changed how to sign in: nothing is added to it", "error", err)
		return c, nil
	}
	if err != nil {
		return c, err
	}

	if c.APIKey == "" {
		if _, c.APIKey, err = p.Identity.CreateAPIKey(owner,
			identity.NewAPIKey{Name: "GraphiQL", Role: enum.RoleOwner}); err != nil {
			return c, err
		}

		if err := c.write(file); err != nil {
			return c, err
		}
	}

	a, err := p.seedAccount(owner)
	if err != nil {
		return c, fmt.Errorf("account: %w", err)
	}

	t, err := p.seedTemplate(owner, a, box)
	if err != nil {
		return c, fmt.Errorf("template: %w", err)
	}

	list, err := p.seedContacts(owner)
	if err != nil {
		return c, fmt.Errorf("contacts: %w", err)
	}
	if err := p.seedCampaign(owner, a, t, list); err != nil {
		return c, fmt.Errorf("campaign: %w", err)
	}

	return c, nil
}

func (p *App) seedOwner(ctx context.Context, c credentials) (context.Context, error) {
	known, err := p.DB.Client.User.Query().Where(user.Email(c.Email)).Exist(caller.System(ctx))
	if err != nil {
		return nil, err
	}

	client := identity.Client{UserAgent: "carillon"}
	if known && c.APIKey != "" {
		return p.Identity.Authenticate(ctx, "Bearer "+c.APIKey, client)
	}

	var signed identity.Signed

	if known {
		signed, err = p.Identity.SignIn(ctx, identity.SignIn{Email: c.Email, Password: c.Password, Client: client})
	} else {
		signed, err = p.Identity.SignUpByOperator(ctx,
			identity.SignUp{Email: c.Email, Password: c.Password, Name: "Owner", OrganizationName: "Lucky Shrub",
				AcceptTermsVersion: p.Identity.Terms().Version, Client: client})
	}

	if err != nil {
		return nil, err
	}

	return identity.With(ctx, signed.Viewer), nil
}

func (p *App) seedAccount(ctx context.Context) (*ent.Account, error) {
	a, err := p.DB.Client.Account.Query().Where(entaccount.WabaID(sandboxWABA)).Only(ctx)
	if ent.IsNotFound(err) {
		return p.accounts.Connect(ctx, account.Connect{WABAID: sandboxWABA, AccessToken: sandboxToken,
			ConsentToTransfer: true})
	}

	return a, err
}

func (p *App) seedTemplate(ctx context.Context, a *ent.Account, box *builtInSandbox) (*ent.Template, error) {
	const name = "spring_sale"
	t, err := p.DB.Client.Template.Query().Where(template.Name(name)).Only(ctx)
	if ent.IsNotFound(err) {
		t, err = p.accounts.CreateTemplate(ctx,
			account.CreateTemplate{AccountID: a.ID, Submit: true, Template: whatsapp.Template{
				Name: name, Language: "en_US", Category: "MARKETING", ParameterFormat: "NAMED",
				Components: []whatsapp.Component{
					{Type: "BODY",
						Text: "Hi {{first_name}}, our spring sale has begun: 20 % off everything until Sunday, in {{city}} and online.",
						Example: &whatsapp.Example{BodyTextNamed: []whatsapp.NamedExample{{Name: "first_name", Example: "Ana"},
							{Name: "city", Example: "Lisbon"}}}},
					{Type: "FOOTER", Text: "Lucky Shrub"},
					{Type: "BUTTONS", Buttons: []whatsapp.Button{{Type: "QUICK_REPLY", Text: "Stop promotions"}}},
				},
			}})
	}

	if err != nil || t.Status == enum.TemplateStatusApproved {
		return t, err
	}

	box.ApproveTemplate(sandboxWABA, name)
	if _, err := p.accounts.Sync(ctx, a.ID); err != nil {
		return nil, err
	}

	return p.DB.Client.Template.Get(ctx, t.ID)
}

func (p *App) seedContacts(ctx context.Context) (uid.ID, error) {
	const name = "Newsletter"
	list, err := p.DB.Client.ContactList.Query().Where(contactlist.Name(name)).Only(ctx)
	if ent.IsNotFound(err) {
		list, err = p.audience.CreateList(ctx, name)
	}
	if err != nil {
		return uid.ID{}, err
	}

	imported, err := p.DB.Client.ContactImport.Query().Exist(ctx)
	if err != nil || imported {
		return list.ID, err
	}

	started, err := p.audience.StartImport(ctx,
		audience.NewImport{FileName: "contacts.csv", File: bytes.NewReader(examples.Contacts), ListID: &list.ID})
	if err != nil {
		return uid.ID{}, err
	}

	return list.ID, p.audience.RunImport(caller.System(ctx), started.ID)
}

func (p *App) seedCampaign(ctx context.Context, a *ent.Account, t *ent.Template, list uid.ID) error {
	const name = "Spring sale"
	made, err := p.DB.Client.Campaign.Query().Where(entcampaign.Name(name)).Exist(ctx)
	if err != nil || made {
		return err
	}

	number, err := a.QueryPhoneNumbers().First(ctx)
	if err != nil {
		return err
	}

	contactName, city, friend, anywhere := "name", "city", "friend", "your city"
	never := 1.0 // the example's numbers that fail, to show how, must not stop it

	_, err = p.campaigns.Create(ctx, campaign.Draft{FailureThreshold: &never, Name: name, TemplateID: t.ID,
		PhoneNumberID: number.ID, Audience: jsonfield.Audience{ListIDs: []uid.ID{list}},
		Parameters: []jsonfield.ParameterBinding{
			{Parameter: "first_name", ContactField: &contactName, Fallback: &friend},
			{Parameter: "city", Attribute: &city, Fallback: &anywhere},
		}})

	return err
}

// credentials of the first organization, kept beside its data, since no secret can be read back
// from the database.
type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	APIKey   string `json:"apiKey"`
}

func readCredentials(file string) (c credentials, err error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}

	return c, json.Unmarshal(b, &c)
}

// write replaces the file at once, so that a crash leaves the old or the new one.
func (c credentials) write(file string) error {
	b, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}

	temporary := filepath.Join(filepath.Dir(file), ".credentials")
	if err := os.WriteFile(temporary, append(b, '\n'), 0o600); err != nil {
		return err
	}

	return os.Rename(temporary, file)
}
