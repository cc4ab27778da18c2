package campaign_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/usererror"
)

const withEverything = `[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["4::a"]}},{"type":"BODY","text":"Hi {{1}}, see you soon."},
	{"type":"BUTTONS","buttons":[{"type":"COPY_CODE","example":"SAVE10"},{"type":"URL","text":"Track","url":"https://shop.example.com/track/{{1}}","example":["https://shop.example.com/track/a"]}]}]`

// illustrated is a stage whose template has a picture, a code and a link, and a draft with a sound
// value for each.
func illustrated(t *testing.T, db *database.DB) (*stage, func(edit ...jsonfield.ParameterBinding) campaign.Draft) {
	t.Helper()
	s := stand(t, db)
	s.template = s.template.Update().SetComponents([]byte(withEverything)).SaveX(s.owner)

	return s, func(edit ...jsonfield.ParameterBinding) campaign.Draft {
		d := s.draft()
		d.Parameters = []jsonfield.ParameterBinding{{Parameter: "header_image", Value: of("https://example.com/a.jpg")},
			{Parameter: "1", ContactField: of("name")},
			{Parameter: "button_0_code", Value: of("SAVE10")}, {Parameter: "button_1_url", Attribute: of("city")}}
		for _, b := range edit {
			for i := range d.Parameters {
				if d.Parameters[i].Parameter == b.Parameter {
					d.Parameters[i] = b
				}
			}
		}

		return d
	}
}

func TestAConstantThatWhatsAppWouldRefuseIsRefusedBeforeTheLaunch(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s, draft := illustrated(t, db)
		s.contact("+8613800000001", "Ana", "a", enum.ConsentOptedIn)
		for name, tc := range map[string]struct {
			binding jsonfield.ParameterBinding
			field   string // of createCampaign; empty where the draft is sound
			code    usererror.Code
		}{
			"a link": {jsonfield.ParameterBinding{Parameter: "header_image",
				Value: of("https://example.com/b.jpg")}, "", ""},
			"a scheme in capital": {jsonfield.ParameterBinding{Parameter: "header_image",
				Value: of("HTTPS://example.com/b.jpg")}, "", ""},
			"a blank before it": {jsonfield.ParameterBinding{Parameter: "header_image",
				Value: of(" https://example.com/b.jpg")}, "", ""},
			"an upload":       {jsonfield.ParameterBinding{Parameter: "header_image", Value: of("1234567890")}, "", ""},
			"lines in a text": {jsonfield.ParameterBinding{Parameter: "1", Value: of("a\u2028b\nc")}, "", ""},
			"a whole address": {jsonfield.ParameterBinding{Parameter: "button_1_url",
				Value: of("https://shop.example.com/track/AB12")}, "", ""},
			"a file's name": {jsonfield.ParameterBinding{Parameter: "header_image", Value: of("photo.jpg")},
				"parameters.0.value", usererror.Invalid},
			"no scheme": {jsonfield.ParameterBinding{Parameter: "header_image", Value: of("example.com/a.jpg")},
				"parameters.0.value", usererror.Invalid},
			"http": {jsonfield.ParameterBinding{Parameter: "header_image",
				Value: of("http://example.com/a.jpg")}, "parameters.0.value", usererror.Invalid},
			"data": {jsonfield.ParameterBinding{Parameter: "header_image",
				Value: of("data:image/png;base64,AA==")}, "parameters.0.value", usererror.Invalid},
			"a fallback": {jsonfield.ParameterBinding{Parameter: "header_image", Attribute: of("city"),
				Fallback: of("photo.jpg")}, "parameters.0.fallback", usererror.Invalid},
			"a code": {jsonfield.ParameterBinding{Parameter: "button_0_code", Value: of("SAVE-10")},
				"parameters.2.value", usererror.Invalid},
			"a text too long": {jsonfield.ParameterBinding{Parameter: "1", Value: of(strings.Repeat("x", 1020))},
				"parameters.1.value", usererror.TooLong},
			"another page": {jsonfield.ParameterBinding{Parameter: "button_1_url",
				Value: of("https://shop.example.com/cart")}, "parameters.3.value", usererror.Invalid},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := s.Create(s.owner, draft(tc.binding))
				var want map[string]usererror.Code
				if tc.field != "" {
					want = map[string]usererror.Code{tc.field: tc.code}
				}
				if diff := cmp.Diff(want, codes(err)); diff != "" {
					t.Errorf("%s\n%v", diff, err)
				}

				// A draft of before: its template was edited, or the rule is new.
				old, err := s.Create(s.owner, draft())
				if err != nil {
					t.Fatal(err)
				}

				old.Update().SetParameters(draft(tc.binding).Parameters).ExecX(s.owner)
				_, err = s.Launch(s.owner, old.ID, nil)

				if tc.field == "" {
					if err != nil {
						t.Errorf("it cannot be launched: %v", err)
					}
					return
				}

				if diff := cmp.Diff(map[string]usererror.Code{"campaignId": tc.code}, codes(err)); diff != "" ||
					!strings.Contains(err.Error(), tc.field+": ") {
					t.Errorf("launch: %s\n%v", diff, err)
				}
			})
		}
	})
}

func TestADraftMayHaveAConstantThatIsStillEmptyAndALaunchMayNot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s, draft := illustrated(t, db)
		s.contact("+8613800000001", "Ana", "a", enum.ConsentOptedIn)
		empty := jsonfield.ParameterBinding{Parameter: "header_image", Value: of(" \u200b")}
		c, err := s.Create(s.owner, draft(empty))
		if err != nil {
			t.Fatal(err)
		}

		_, err = s.Launch(s.owner, c.ID, nil)
		if diff := cmp.Diff(map[string]usererror.Code{"campaignId": usererror.Required}, codes(err)); diff != "" {
			t.Errorf("%s\n%v", diff, err)
		}

		empty.Fallback = of("123")
		c.Update().SetParameters(draft(empty).Parameters).ExecX(s.owner)
		if _, err = s.Launch(s.owner, c.ID, nil); err != nil {
			t.Errorf("with a fallback: %v", err)
		}
	})
}

func TestAPersonsValueIsMendedOrThePersonIsLeftOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s, draft := illustrated(t, db)
		type fate struct{ Skip, Name, Link string }
		want := map[string]fate{}

		for phone, tc := range map[string]struct{ name, link, skip, sentName, sentLink string }{
			"+8613800000001": {"Ana", "AB12", "", "Ana", "AB12"},
			"+8613800000002": {"Ana\r\nMaria", "https://shop.example.com/track/AB12", "", "Ana Maria", "AB12"},
			"+8613800000003": {"Ana\u2028Maria\u2029 X", "AB 12", "", "Ana Maria X", "AB%2012"},
			"+8613800000004": {" \u200b\u00a0", "AB12", "MISSING_PARAMETER", "", "AB12"},
			"+8613800000005": {"Ana", "", "MISSING_PARAMETER", "Ana", ""},
			"+8613800000006": {strings.Repeat("x", 1100), "AB12", "INVALID_PARAMETER", strings.Repeat("x", 1100), "AB12"},
			"+8613800000007": {"Ana", "https://shop.example.com/cart", "INVALID_PARAMETER", "Ana",
				"https://shop.example.com/cart"},
			"+8613800000008": {"Ana", "https://shop.example.com/track/", "MISSING_PARAMETER", "Ana", ""},
			"+8613800000009": {"A     \t\n\v\f\u0085B", "x", "", "A B", "x"},
		} {
			s.contact(phone, tc.name, tc.link, enum.ConsentOptedIn)
			want[phone] = fate{tc.skip, tc.sentName, tc.sentLink}
		}

		c, err := s.Create(s.owner, draft())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Launch(s.owner, c.ID, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Enroll(s.system, c.ID); err != nil {
			t.Fatal(err)
		}

		got := map[string]fate{}
		for _, m := range db.Client.Message.Query().Where(message.CampaignID(c.ID)).AllX(s.system) {
			skip := ""
			if m.SkipReason != nil {
				skip = string(*m.SkipReason)
			}

			got[m.Address] = fate{skip, m.Parameters["1"], m.Parameters["button_1_url"]}
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestALaunchThatMayLeaveNobodyOutNamesThoseWhoseValueCannotBeSent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s, draft := illustrated(t, db)
		s.contact("+8613800000001", "Ana", "AB12", enum.ConsentOptedIn)
		s.contact("+8613800000002", "Bo", "https://shop.example.com/cart", enum.ConsentOptedIn)
		d := draft()
		d.MissingParameter = enum.MissingParameterPolicyFail
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		_, err = s.Launch(s.owner, c.ID, nil)
		if diff := cmp.Diff(map[string]usererror.Code{"campaignId": usererror.Invalid}, codes(err)); diff != "" {
			t.Fatalf("%s\n%v", diff, err)
		}

		if want := "1 recipients have a value that WhatsApp refuses, e.g. +8613800000002 (button_1_url is a whole " +
			"address"; !strings.Contains(
			err.Error(), want) {
			t.Errorf("launch says %v, want something about %q", err, want)
		}
	})
}
