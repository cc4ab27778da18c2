package whatsapp

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// templateShape is a template of testdata/shapes.json.
type templateShape struct {
	Name   string
	Create json.RawMessage
	Values map[string]string
	Send   json.RawMessage
}

func templateShapes(t testing.TB) []templateShape {
	t.Helper()
	var shapes []templateShape
	raw := bytes.ReplaceAll(read(t, "testdata/shapes.json"), []byte("{upload}"), []byte("1234567"))
	if err := json.Unmarshal(raw, &shapes); err != nil {
		t.Fatal(err)
	}
	if len(shapes) < 40 {
		t.Fatalf("%d shapes show little", len(shapes))
	}

	return shapes
}

func TestEveryShapeIsCreatedAndSentAsMetaDocumentsIt(t *testing.T) {
	t.Parallel()
	for _, s := range templateShapes(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			template := templateOf(t, string(s.Create))
			if got := encoded(t, template.submission()); !reflect.DeepEqual(tree(t, got), tree(t, s.Create)) {
				t.Errorf("is created as %s", got)
			}

			for _, problem := range template.Lint() {
				if problem.Severity == SeverityError {
					t.Errorf("breaks %s: %v", problem.Rule, problem.Field)
				}
			}

			values, wrong := template.Mend(s.Values)
			message, problems := template.Message(values)
			if len(wrong)+len(problems) > 0 {
				t.Fatalf("cannot be bound: %v %v", wrong, problems)
			}

			sent, err := json.Marshal(Message{To: "1", Template: &message})
			var whole struct{ Template json.RawMessage }
			if err != nil || json.Unmarshal(sent, &whole) != nil ||
				!reflect.DeepEqual(tree(t, whole.Template), tree(t, inAnyOrder(t, s.Send, whole.Template))) {
				t.Errorf("is sent as %s", whole.Template)
			}

			for name := range s.Values {
				if !template.Takes(name) {
					t.Errorf("has no place for %s", name)
				}
			}

			preview := template.Preview(s.Values)
			if shown := string(encoded(t, preview)); strings.Contains(shown, "{{") && len(s.Values) > 0 ||
				template.Category != authenticated && preview.Body == "" {
				t.Errorf("previews as %s", shown)
			}
		})
	}
}

// inAnyOrder gives the wanted template with its components in the order of the one that we have:
// Meta does not ask for an order.
func inAnyOrder(t *testing.T, want, have json.RawMessage) json.RawMessage {
	t.Helper()
	var a, b struct {
		Name       string            `json:"name"`
		Language   json.RawMessage   `json:"language"`
		Components []json.RawMessage `json:"components,omitempty"`
	}
	if json.Unmarshal(want, &a) != nil || json.Unmarshal(have, &b) != nil {
		t.Fatal("a template to send is no JSON")
	}

	place := func(component json.RawMessage) int {
		return slices.IndexFunc(b.Components, func(other json.RawMessage) bool {
			return reflect.DeepEqual(tree(t, component), tree(t, other))
		})
	}
	slices.SortStableFunc(a.Components, func(x, y json.RawMessage) int { return place(x) - place(y) })

	return encoded(t, a)
}

func TestTheShapesHaveEveryKindOfPart(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var look func(parts []Component)
	look = func(parts []Component) {
		for _, part := range parts {
			seen[part.Type] = true
			if part.Type == "HEADER" {
				seen[part.Format] = true
			}

			for _, button := range part.Buttons {
				seen[button.Type], seen[button.OTPType] = true, true
			}

			for _, card := range part.Cards {
				look(card.Components)
			}
		}
	}

	for _, s := range templateShapes(t) {
		look(templateOf(t, string(s.Create)).Components)
	}

	for kind := range componentChecks {
		if !seen[kind] {
			t.Errorf("no shape has a %s", kind)
		}
	}

	for kind := range buttonChecks {
		if !seen[kind] {
			t.Errorf("no shape has a button %s", kind)
		}
	}

	for _, kind := range []string{"TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT", "COPY_CODE",
		"ONE_TAP", "ZERO_TAP"} {
		if !seen[kind] {
			t.Errorf("no shape has %s", kind)
		}
	}
}

func TestEverySampleOfASendIsReadAndWrittenWithoutLoss(t *testing.T) {
	t.Parallel()
	for name, body := range samples(t, "send_request") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var source struct{ Template json.RawMessage }
			if err := json.Unmarshal(body, &source); err != nil || source.Template == nil {
				t.Skip("no template")
			}

			var message Message
			if err := json.Unmarshal(body, &message); err != nil {
				if strings.Contains(name, "issue_resolution") {
					t.Skip("Meta's example gives a boolean for a text")
				}
				t.Fatal(err)
			}

			again, err := json.Marshal(message)
			var whole struct{ Template json.RawMessage }
			if err != nil || json.Unmarshal(again, &whole) != nil {
				t.Fatal(err)
			}
			if got, want := asSent(tree(t, whole.Template)), asSent(tree(t, source.Template)); !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}

// asSent writes a template to send as we do: indices as texts, and no policy of the language, which
// has one value only.
func asSent(value any) any {
	switch v := value.(type) {
	case map[string]any:
		delete(v, "policy")
		if n, ok := v["index"].(float64); ok {
			v["index"] = string(rune('0' + int(n)))
		}

		for key := range v {
			v[key] = asSent(v[key])
		}
	case []any:
		for i := range v {
			v[i] = asSent(v[i])
		}
	}

	return value
}
