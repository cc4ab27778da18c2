package whatsapp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

func TestNumbersAreManagedAsMetaWantsIt(t *testing.T) {
	t.Parallel()
	about, sites := "Open until six", []string{}
	for name, tc := range map[string]struct {
		call func(context.Context, *Client) error
		want string // method, path, query and body
	}{
		"register": {func(ctx context.Context, c *Client) error { return c.Register(ctx, secretToken, "5", "123456") },
			`POST /v26.0/5/register?{"messaging_product":"whatsapp","pin":"123456"}`},
		"deregister": {func(ctx context.Context, c *Client) error { return c.Deregister(ctx, secretToken, "5") },
			`POST /v26.0/5/deregister?`},
		"request a code": {func(ctx context.Context, c *Client) error {
			return c.RequestCode(ctx, secretToken, "5", "VOICE", "de")
		}, `POST /v26.0/5/request_code?code_method=VOICE&language=de`},
		"verify it": {func(ctx context.Context, c *Client) error { return c.VerifyCode(ctx, secretToken, "5", "123830") },
			`POST /v26.0/5/verify_code?code=123830`},
		"forget a person": {func(ctx context.Context, c *Client) error {
			had, err := c.ForgetContact(ctx, secretToken, "5", "US.abc")
			if had {
				t.Error("it had an entry that was not there")
			}

			return err
		}, `DELETE /v26.0/5/contact_book?bsuid=US.abc&messaging_product=whatsapp`},
		"change the profile": {func(ctx context.Context, c *Client) error {
			return c.UpdateProfile(ctx, secretToken, "5", ProfileChange{About: &about, Websites: &sites})
		}, `POST /v26.0/5/whatsapp_business_profile?{"messaging_product":"whatsapp","about":"Open until six","websites":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if got := r.Method + " " + r.URL.Path + "?" + r.URL.RawQuery + string(body); got != tc.want {
					t.Errorf("asked %s\nwant  %s", got, tc.want)
				}

				_, _ = io.WriteString(w, `{"success":true}`)
			})
			if err := tc.call(t.Context(), client); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMetasWordsMayNotQuoteAPINOrACode(t *testing.T) {
	t.Parallel()
	client := serve(t, answer(400, `{"error":{"message":"bad pin 918273","code":133005,
		"error_data":{"details":"918273 is not it"},"error_user_msg":"918273"}}`))
	for name, call := range map[string]func() error{
		"a PIN":  func() error { return client.Register(t.Context(), secretToken, "5", "918273") },
		"a code": func() error { return client.VerifyCode(t.Context(), secretToken, "5", "918273") },
	} {
		err := call()
		no, is := errors.AsType[*Error](err)
		if !is || no.Code != 133005 || strings.Contains(err.Error()+no.UserMessage+no.Details, "918273") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAPINIsInNoErrorOfTheConnection(t *testing.T) {
	t.Parallel()
	client := NewClient("http://127.0.0.1:1", "v26.0")
	for _, err := range []error{client.Register(t.Context(), secretToken, "5", "918273"),
		client.VerifyCode(t.Context(), secretToken, "5", "918273")} {
		if err == nil || strings.Contains(err.Error(), "918273") {
			t.Errorf("got %v", err)
		}
	}
}

func TestAProfileIsReadWhateverIsMissing(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   Profile
	}{
		"all of it": {`{"data":[{"about":"a","address":"b","description":"c","email":"d@e.f","profile_picture_url":"https://g",
			"websites":["https://h/","https://i/"],"vertical":"RETAIL","messaging_product":"whatsapp"}]}`,
			Profile{About: "a", Address: "b", Description: "c", Email: "d@e.f", PictureURL: "https://g", Vertical: "RETAIL",
				Websites: []string{"https://h/", "https://i/"}}},
		"little":              {`{"data":[{"messaging_product":"whatsapp"}]}`, Profile{Websites: []string{}}},
		"nothing":             {`{"data":[]}`, Profile{Websites: []string{}}},
		"of the wrong types":  {`{"data":[{"about":{},"websites":"https://h/","vertical":7}]}`, Profile{Vertical: "7", Websites: []string{}}},
		"more than there are": {`{"data":[{"websites":[` + strings.Repeat(`"https://h/",`, 50) + `null]}]}`, Profile{Websites: strings.Fields(strings.Repeat("https://h/ ", mostWebsites))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := serve(t, answer(200, tc.answer)).Profile(t.Context(), secretToken, "5")
			if err != nil || !reflect.DeepEqual(got, tc.want) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAUsernameCountsOnceItIsApproved(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"username":"lucky.shrub","status":"approved"}`: "lucky.shrub",
		`{"username":"lucky.shrub","status":"reserved"}`: "",
		`{"status":"deleted"}`:                           "", `{}`: "",
	} {
		if got, err := serve(t, answer(200, body)).Username(t.Context(), secretToken, "5"); err != nil || got != want {
			t.Errorf("%s reads %q, %v", body, got, err)
		}
	}

	if _, err := serve(t, answer(400, `{"error":{"code":100}}`)).Username(t.Context(), secretToken, "5"); err == nil {
		t.Error("a refusal is no username")
	}
}
