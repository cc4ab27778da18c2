package whatsapp

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestAFileIsUploadedAsMetaWantsIt(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("x", 100_000)
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v26.0/106/media" ||
			r.Header.Get("Authorization") != "Bearer "+secretToken.Reveal() || r.ContentLength < 100_000 {
			t.Errorf("%s %s, %d bytes", r.Method, r.URL.Path, r.ContentLength)
		}

		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			t.Error(err)
		}

		form := multipart.NewReader(r.Body, params["boundary"])
		for _, want := range []struct{ name, file, kind, body string }{
			{"messaging_product", "", "", "whatsapp"}, {"type", "", "", "application/pdf"},
			{"file", `a "b".pdf`, "application/pdf", content},
		} {
			part, err := form.NextPart()
			if err != nil {
				t.Error(err)
				return
			}

			body, _ := io.ReadAll(part)
			if part.FormName() != want.name || part.FileName() != want.file || string(body) != want.body ||
				part.Header.Get("Content-Type") != want.kind {
				t.Errorf("part %s %q of %d bytes, %v", part.FormName(), part.FileName(), len(body), part.Header)
			}
		}

		if _, err := form.NextPart(); !errors.Is(err, io.EOF) {
			t.Errorf("more than three parts: %v", err)
		}

		_, _ = io.WriteString(w, `{"id":1037543291543636}`)
	})

	client.base.Path = "/v26.0"
	id, err := client.UploadMedia(t.Context(), secretToken, "106", File{Name: `a "b".pdf`, MIME: "application/pdf",
		Size: int64(len(content)), Content: strings.NewReader(content)})
	if err != nil || id != "1037543291543636" {
		t.Errorf("got %q, %v", id, err)
	}
}

// An upload's id is a path with a query of its own, and goes back as it came.
func TestAnUploadsIDIsKeptAsItIs(t *testing.T) {
	t.Parallel()
	for id, good := range map[string]bool{
		"upload:MTphdHRhY2htZW50?sig=ARZq_-9%3D": true, "upload:abc": true,
		"": false, "upload:": false, "123": false, "upload:a/../../me?x": false, "upload:a%2Fb": false, "https://evil": false,
	} {
		client := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/uploads") {
				answer(200, `{"id":"`+id+`"}`)(w, r)
				return
			}
			if got := strings.TrimPrefix(r.RequestURI, "/v26.0/"); got != id || r.Header.Get("Authorization") != "OAuth "+
				secretToken.Reveal() || strings.Join(r.Header["File_offset"], "") != "0" {
				t.Errorf("%q was asked for as %q, %v", id, got, r.Header)
			}

			answer(200, `{"h":"4::aW1hZ2U=:ARb\nsecond line"}`)(w, r)
		})

		handle, err := client.UploadExample(t.Context(), secretToken, "4200", File{Name: "a.png", MIME: "image/png", Size: 3},
			bytes.NewReader([]byte("png")))
		if (err == nil) != good || good && handle != "4::aW1hZ2U=:ARb\nsecond line" {
			t.Errorf("%q: %q, %v", id, handle, err)
		}
	}
}

// The token goes to Meta's hosts alone, whatever an answer says.
func TestATokenIsShownToNobodyElse(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a file was asked for elsewhere")
	}))
	defer elsewhere.Close()

	client := NewClient("https://graph.facebook.com", "v26.0")
	for _, where := range []string{elsewhere.URL, "http://lookaside.fbsbx.com/a", "https://lookaside.fbsbx.com:8443/a",
		"https://fbsbx.com.evil.example/a", "https://evilfbsbx.com/a", "https://169.254.169.254/latest", "file:///etc/passwd",
		"https://graph.facebook.com@evil.example/", "", "::", "//lookaside.fbsbx.com/a"} {
		if _, err := client.Download(t.Context(), secretToken, Media{URL: where}, ""); err == nil ||
			!strings.Contains(err.Error(), "not one of its own") {
			t.Errorf("%q: %v", where, err)
		}
	}
}

func TestADigestIsReadInHexAndInBase64(t *testing.T) {
	t.Parallel()
	const hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for text, want := range map[string]string{hex: hex, strings.ToUpper(hex): hex,
		"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=": hex, "": "", "abc": "", "47DEQpj8": "", hex[2:]: ""} {
		if got := Digest(text); got != want {
			t.Errorf("%q is read as %q", text, got)
		}
	}
}
