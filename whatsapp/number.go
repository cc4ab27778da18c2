package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// product is the member that Meta wants in most bodies.
type product struct {
	MessagingProduct string `json:"messaging_product"`
}

var ofWhatsApp = product{"whatsapp"}

// Register registers a number for the Cloud API with its six-digit PIN, which it sets when there is
// none. Ten such calls and deregistrations are allowed in 72 hours (133016).
func (c *Client) Register(ctx context.Context, token Token, phoneNumberID, pin string) error {
	body := struct {
		product
		PIN string `json:"pin"`
	}{ofWhatsApp, pin}

	return c.secretly(pin, c.call(ctx, http.MethodPost, token, []string{phoneNumberID, "register"}, nil, body, nil))
}

// Deregister takes a number out of the Cloud API. Its messages stay, its PIN too.
func (c *Client) Deregister(ctx context.Context, token Token, phoneNumberID string) error {
	return c.call(ctx, http.MethodPost, token, []string{phoneNumberID, "deregister"}, nil, nil, nil)
}

// RequestCode has Meta send a verification code to a number. Method is SMS or VOICE, language a
// code such as en_US.
func (c *Client) RequestCode(ctx context.Context, token Token, phoneNumberID, method, language string) error {
	query := url.Values{"code_method": {method}, "language": {language}}
	return c.call(ctx, http.MethodPost, token, []string{phoneNumberID, "request_code"}, query, nil, nil)
}

// VerifyCode gives Meta the code that it sent, digits alone.
func (c *Client) VerifyCode(ctx context.Context, token Token, phoneNumberID, code string) error {
	return c.secretly(code, c.call(ctx, http.MethodPost, token, []string{phoneNumberID, "verify_code"},
		url.Values{"code": {code}}, nil, nil))
}

// ForgetContact deletes what Meta's contact book has of a person: which number belongs to their
// user id. It holds for the whole business portfolio and cannot be undone, and a new message makes
// a new entry. It reports whether there was one. developers.facebook.com, "Business-scoped user
// IDs" (read 2026-09).
func (c *Client) ForgetContact(ctx context.Context, token Token, phoneNumberID, userID string) (had bool, err error) {
	var out struct {
		Deleted bool `json:"deleted"`
	}

	query := url.Values{"messaging_product": {ofWhatsApp.MessagingProduct}, "bsuid": {userID}}
	err = c.call(ctx, http.MethodDelete, token, []string{phoneNumberID, "contact_book"}, query, nil, &out)

	return out.Deleted, c.secretly(userID, err)
}

// secretly takes what must not be shown out of what Meta said to it.
func (c *Client) secretly(secret string, err error) error {
	if failure, is := errors.AsType[*Error](err); is {
		failure.redact(secret)
	}
	return err
}

// Profile is a number's public business profile. Texts are empty where there are none.
type Profile struct {
	About, Address, Description, Email, Vertical, PictureURL string
	Websites                                                 []string
}

const profileFields = "about,address,description,email,profile_picture_url,websites,vertical"

// Profile reads a number's business profile.
func (c *Client) Profile(ctx context.Context, token Token, phoneNumberID string) (Profile, error) {
	var wire struct {
		Data []struct {
			About       note            `json:"about"`
			Address     note            `json:"address"`
			Description note            `json:"description"`
			Email       word            `json:"email"`
			Picture     note            `json:"profile_picture_url"`
			Websites    json.RawMessage `json:"websites"`
			Vertical    word            `json:"vertical"`
		} `json:"data"`
	}
	err := c.call(ctx, http.MethodGet, token, []string{phoneNumberID, "whatsapp_business_profile"},
		url.Values{"fields": {profileFields}}, nil, &wire)
	if err != nil || len(wire.Data) == 0 {
		return Profile{Websites: []string{}}, err
	}

	read := wire.Data[0]
	p := Profile{About: string(read.About), Address: string(read.Address), Description: string(read.Description),
		Email: string(read.Email), Vertical: string(read.Vertical), PictureURL: string(read.Picture), Websites: []string{}}
	for _, raw := range list(read.Websites) {
		if site := cut(scalar(raw), maxNote); site != "" && len(p.Websites) < mostWebsites {
			p.Websites = append(p.Websites, site)
		}
	}

	return p, nil
}

// mostWebsites bounds what is read of a list that has two at most.
const mostWebsites = 10

// ProfileChange is what is to change of a profile; what is nil stays. An empty text takes it away.
type ProfileChange struct {
	About         *string   `json:"about,omitempty"`
	Address       *string   `json:"address,omitempty"`
	Description   *string   `json:"description,omitempty"`
	Email         *string   `json:"email,omitempty"`
	Websites      *[]string `json:"websites,omitempty"`
	Vertical      *string   `json:"vertical,omitempty"`
	PictureHandle *string   `json:"profile_picture_handle,omitempty"` // of a resumable upload
}

// UpdateProfile changes a number's business profile.
func (c *Client) UpdateProfile(ctx context.Context, token Token, phoneNumberID string, change ProfileChange) error {
	body := struct {
		product
		ProfileChange
	}{ofWhatsApp, change}

	return c.call(ctx, http.MethodPost, token, []string{phoneNumberID, "whatsapp_business_profile"}, nil, body, nil)
}

// usernameApproved is the status of a username that people can see.
const usernameApproved = "approved"

// Username reads a number's business username; empty where it has none that people can see.
func (c *Client) Username(ctx context.Context, token Token, phoneNumberID string) (string, error) {
	var wire struct {
		Username word `json:"username"`
		Status   word `json:"status"`
	}
	err := c.call(ctx, http.MethodGet, token, []string{phoneNumberID, "username"}, nil, nil, &wire)
	if err != nil || string(wire.Status) != usernameApproved {
		return "", err
	}

	return string(wire.Username), nil
}
