package config

import (
	"errors"
	"net/url"
	"strings"
)

// filesURL reads where a bucket is. What is wrong is said without quoting it: it holds a secret.
func filesURL(value string) (f Files, err error) {
	u, err := url.Parse(value)
	if err != nil {
		return f, errSecret
	}

	switch u.Scheme {
	case "s3":
	case "s3+http":
		f.Plain = true
	default:
		return f, errors.New("is not an s3: address")
	}

	f.Endpoint = u.Host
	f.Bucket, f.Folder, _ = strings.Cut(strings.Trim(u.Path, "/"), "/")
	if f.Region = u.Query().Get("region"); f.Endpoint == "" || f.Bucket == "" {
		return f, errors.New("names no host or no bucket")
	}

	f.AccessKey = u.User.Username()
	f.SecretKey, _ = u.User.Password()
	if (f.AccessKey == "") != (f.SecretKey == "") {
		return f, errors.New("has one of the two keys alone")
	}

	return f, nil
}
