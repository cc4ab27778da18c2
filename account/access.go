package account

import (
	"errors"
	"fmt"
	"net/http"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

// App is this service's app at one API: WhatsApp's, or a sandbox's.
type App struct {
	Client     *whatsapp.Client
	ID, Secret string // empty where they are not known
}

func (a App) known() bool { return a.ID != "" && a.Secret != "" }

// token is the app's own.
func (a App) token() whatsapp.Token { return whatsapp.Token(a.ID + "|" + a.Secret) }

// Access is an account's token together with the client of the API that it is for. There is no
// other way to either: whether an account lives at WhatsApp or in the sandbox stands in its row,
// never changes, and chooses the client. So nothing of a sandbox account can reach WhatsApp, and no
// token of a real one the sandbox.
type Access struct {
	Client *whatsapp.Client
	Token  whatsapp.Token
	AppID  string // of our app there; empty where it is not known
}

// Access opens an account's token.
func (s *Service) Access(a *ent.Account) (Access, error) {
	if a.Status == enum.AccountStatusDisconnected {
		return Access{}, usererror.New(usererror.Conflict, "the account is disconnected: connect it again")
	}

	plain, err := s.keys.Open(a.Token, a.ID[:])
	if err != nil {
		return Access{}, fmt.Errorf("token of account %s: %w", a.ID, err)
	}

	app := s.app(a.Sandbox)

	return Access{Client: app.Client, Token: whatsapp.Token(plain), AppID: app.ID}, nil
}

// app is our app where real accounts live, or where those of the sandbox do.
func (s *Service) app(sandbox bool) App {
	if sandbox {
		return s.sandbox
	}
	return s.whatsapp
}

// onlySandbox says that what stands for WhatsApp here is the sandbox itself.
func (s *Service) onlySandbox() bool { return s.sandbox.Client == s.whatsapp.Client }

// nowhere is where calls about sandbox accounts go while no sandbox runs.
func nowhere() App {
	return App{Client: whatsapp.NewClient("http://sandbox.invalid", "",
		whatsapp.WithHTTPClient(&http.Client{Transport: unreachable{}}))}
}

type unreachable struct{}

func (unreachable) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the account lives in the sandbox, and none runs here (SANDBOX_URL)")
}
