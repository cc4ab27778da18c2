package config

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/redis/go-redis/v9"
)

func listenAddress(value string) (string, error) {
	_, port, err := net.SplitHostPort(value)
	if err != nil {
		return "", fmt.Errorf("is %q, not host:port", value)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("has the port %q", port)
	}

	return value, nil
}

func webURL(value string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("is not an http or https address")
	case u.User != nil:
		return nil, errors.New("has a user or password in it")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("has a query or fragment in it")
	}

	u.Path = strings.TrimRight(u.Path, "/")

	return u, nil
}

func origins(value string) ([]string, error) {
	list, err := elements(value)
	if err != nil {
		return nil, err
	}

	for _, origin := range list {
		if u, err := webURL(origin); err != nil {
			return nil, fmt.Errorf("has %q, which %w", origin, err)
		} else if u.Path != "" || strings.HasSuffix(origin, "/") {
			return nil, fmt.Errorf("has %q with a path", origin)
		}
	}

	return list, nil
}

// issuer stays as it was written, since every token repeats it.
func issuer(c *Config, value string) (string, error) {
	u, err := webURL(value)
	if err == nil && c.Environment == Production && u.Scheme != "https" {
		err = errors.New("is not an https address")
	}

	return value, err
}

// networks reads prefixes and single addresses. A network of everybody would make each address the
// caller's choice.
func networks(value string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	texts, err := elements(value)
	if err != nil {
		return nil, err
	}

	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil || address.Zone() != "" {
				return nil, fmt.Errorf("has %q, which is neither a network nor an address", text)
			}

			network = netip.PrefixFrom(address, address.BitLen())
		}

		if a := network.Addr(); a.Is4In6() { // clients' addresses are compared as IPv4
			if network.Bits() < 96 {
				return nil, fmt.Errorf("has %q, which is wider than IPv4 within IPv6", text)
			}

			network = netip.PrefixFrom(a.Unmap(), network.Bits()-96)
		}

		if network.Bits() == 0 {
			return nil, fmt.Errorf("has %q, which is everybody", text)
		}

		list = append(list, network.Masked())
	}

	return list, nil
}

// reachable reads what is looked at more closely where it is used: hosts, host:port, networks.
func reachable(value string) ([]string, error) {
	list, err := elements(strings.ToLower(value))
	if err != nil {
		return nil, err
	}

	for _, element := range list {
		network, err := netip.ParsePrefix(element)
		switch {
		case strings.Contains(element, "/") && err != nil, strings.ContainsAny(element, "@?#* "):
			return nil, fmt.Errorf("has %q, which is neither a host, host:port, nor a network", element)
		case err == nil && network.Bits() == 0:
			return nil, fmt.Errorf("has %q, which is everything", element)
		}
	}

	return list, nil
}

func domains(value string) ([]string, error) {
	list, err := elements(strings.ToLower(value))
	if err != nil {
		return nil, err
	}

	for _, domain := range list {
		if strings.ContainsAny(domain, "@/: ") || !strings.Contains(domain, ".") {
			return nil, fmt.Errorf("has %q, which is not a domain", domain)
		}
	}

	return list, nil
}

func databaseURL(value string) (string, error) {
	switch scheme, rest, _ := strings.Cut(value, ":"); scheme {
	case "postgres", "postgresql":
		return value, postgresURL(value)
	case "sqlite":
		if rest == "" {
			return "", errors.New("names no file")
		}
	default:
		return "", errors.New("is neither a postgres: nor a sqlite: address")
	}

	return value, nil
}

// postgresURL says what is wrong with an address of PostgreSQL, without quoting it.
func postgresURL(value string) error {
	at, err := pgconn.ParseConfig(value)
	if file := new(fs.PathError); errors.As(err, &file) {
		return fmt.Errorf("names the file %s (as sslrootcert, sslcert or sslkey), which cannot be read: %w", file.Path,
			file.Err)
	}

	switch {
	case err != nil && strings.Contains(err.Error(), "unable to add CA to cert pool"):
		return errors.New("names as sslrootcert a file that holds no certificate in PEM")
	case err != nil && strings.Contains(err.Error(), "sslmode is invalid"):
		return errors.New("has an sslmode that there is not: there are disable, allow, prefer, require, verify-ca and " +
			"verify-full")
	case err != nil, strings.Contains(at.Database, "@"):
		return errSecret
	}

	for parameter := range at.RuntimeParams {
		if strings.HasPrefix(parameter, "pool_") {
			return fmt.Errorf("has %s, which PostgreSQL does not know: DATABASE_CONNECTIONS sets how many there are",
				parameter)
		}
	}

	return nil
}

// redisOptions cuts the hosts out by hand, as net/url knows only one host.
func redisOptions(value string) (*redis.UniversalOptions, error) {
	scheme, rest, _ := strings.Cut(value, "://")
	kind, ok := map[string]struct{ tls, cluster, sentinel bool }{
		"redis":           {},
		"rediss":          {tls: true},
		"redis+cluster":   {cluster: true},
		"rediss+cluster":  {cluster: true, tls: true},
		"redis+sentinel":  {sentinel: true},
		"rediss+sentinel": {sentinel: true, tls: true},
		"redis-sentinel":  {sentinel: true},
	}[scheme]
	if !ok {
		return nil, errors.New("does not begin with redis://, rediss:// or redis+sentinel://")
	}

	hosts, tail := rest, ""
	// The path begins after the last host; a slash inside a password has to be written as %2F.
	if i := strings.IndexAny(rest, "/?"); i >= 0 && !strings.Contains(rest, ","+scheme+"://") {
		hosts, tail = rest[:i], rest[i:]
	}

	hosts = strings.ReplaceAll(hosts, ","+scheme+"://", ",")
	u, err := url.Parse(scheme + "://" + hosts[:strings.LastIndex(hosts, "@")+1] + "host" + tail)
	if err != nil {
		return nil, errSecret
	}

	o := &redis.UniversalOptions{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	port := "6379"
	if kind.sentinel {
		port = "26379"
	}

	for host := range strings.SplitSeq(hosts[strings.LastIndex(hosts, "@")+1:], ",") {
		addr, err := withPort(strings.TrimSuffix(host, "/"), port)
		if err != nil {
			return nil, err
		}

		o.Addrs = append(o.Addrs, addr)
	}

	if kind.tls {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}

	if o.IsClusterMode = kind.cluster || len(o.Addrs) > 1 && !kind.sentinel; !o.IsClusterMode && kind.tls &&
		!kind.sentinel {
		o.TLSConfig.ServerName, _, _ = net.SplitHostPort(o.Addrs[0])
	}

	return o, redisPath(o, u, kind.sentinel)
}

// redisPath reads what follows the hosts: /master/0 for Sentinel, else /0.
func redisPath(o *redis.UniversalOptions, u *url.URL, sentinel bool) error {
	path := split(strings.ReplaceAll(u.Path, "/", ","))
	query := u.Query()
	if sentinel {
		o.MasterName = query.Get("master")
		o.SentinelUsername, o.SentinelPassword = query.Get("sentinel_username"), query.Get("sentinel_password")
		if o.MasterName == "" && len(path) > 0 {
			o.MasterName, path = path[0], path[1:]
		}
		if o.MasterName == "" {
			return errors.New("names no master")
		}

		for _, known := range []string{"master", "sentinel_username", "sentinel_password"} {
			query.Del(known)
		}
	}

	if len(query) > 0 {
		return errors.New("has a query that is not understood")
	}
	if len(path) == 0 {
		return nil
	}

	db, err := strconv.ParseUint(path[0], 10, 16)
	switch {
	case err != nil || len(path) > 1:
		return errors.New("has a path that is not the number of a database")
	case db > 0 && o.IsClusterMode:
		return errors.New("names a database, and a cluster has only the one")
	}

	o.DB = int(db)

	return nil
}

func withPort(host, port string) (string, error) {
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}

	host = strings.Trim(host, "[]")
	if _, err := strconv.ParseUint(port, 10, 16); err != nil || host == "" || strings.ContainsAny(host, "@/ ") {
		return "", errors.New("has a host that is not host:port")
	}

	return net.JoinHostPort(host, port), nil
}

func keys(c *Config, value string) ([][]byte, error) {
	var list [][]byte
	texts, err := elements(value)
	if err != nil {
		return nil, err
	}

	for i, text := range texts {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("is not base64 (key %d)", i+1)
		}
		if len(key) != 32 {
			return nil, fmt.Errorf("is %d bytes long, not 32 (key %d)", len(key), i+1)
		}
		if err := published(c, string(key)); err != nil {
			return nil, err
		}

		list = append(list, key)
	}

	return list, nil
}

func secrets(c *Config, value string) ([]string, error) {
	list, err := elements(value)
	if err != nil {
		return nil, err
	}

	for _, secret := range list {
		if err := published(c, secret); err != nil {
			return nil, err
		}
	}

	return list, nil
}

// publishedPrefix begins the secrets that docker-compose.yml carries so that it
// works at once.
const publishedPrefix = "development-only-"

// publishedValues are secrets that stand in our code and our guides.
var publishedValues = []string{"sandbox-app-secret", "sandbox-verify-token", "any-secret", "any-token"}

// published refuses what everybody can read in docker-compose.yml, the guides and the code.
func published(c *Config, secret string) error {
	if c.Environment == Production && (strings.HasPrefix(secret, publishedPrefix) ||
		slices.Contains(publishedValues, secret)) {
		return errors.New("is the published development value")
	}

	return nil
}

const (
	shortestToken = 8  // characters of a verify token; a shorter one is refused in production
	safeToken     = 16 // a shorter one is warned of
)

func verifyToken(c *Config, value string) (string, error) {
	if c.Environment == Production && len(value) < shortestToken {
		return "", fmt.Errorf("has fewer than %d characters", shortestToken)
	}
	return value, published(c, value)
}

// sandboxURL refuses Meta's own hosts, whose accounts would pass for a sandbox's.
func sandboxURL(value string) (*url.URL, error) {
	u, err := webURL(value)
	if err == nil && strings.HasSuffix("."+strings.ToLower(u.Hostname()), ".facebook.com") {
		return nil, errors.New("is WhatsApp itself")
	}

	return u, err
}

func number(to *int, value string, most uint64) error {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n < 1 || n > most {
		return fmt.Errorf("is %q", value)
	}

	*to = int(n)

	return nil
}

// numberOrNone is number for what zero switches off.
func numberOrNone(to *int, value string, most uint64) error {
	if value == "0" {
		*to = 0
		return nil
	}

	return number(to, value, most)
}

// units are what a size may end in.
var units = map[string]uint64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

// size is a number of bytes, written with a unit.
func size(value string, least, most int64) (int64, error) {
	digits := strings.TrimRight(value, "KMGiB")
	n, err := strconv.ParseUint(digits, 10, 31)
	unit, known := units[value[len(digits):]]
	if bytes := n * unit; err == nil && known && bytes >= uint64(least) && bytes <= uint64(most) {
		return int64(bytes), nil
	}

	return 0, fmt.Errorf("is %q", value)
}

const day = 24 * time.Hour

// span is a duration as Go writes it, or a whole number of days.
func span(value string, least, most time.Duration) (d time.Duration, err error) {
	if days, ok := strings.CutSuffix(value, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * day
	} else {
		d, err = time.ParseDuration(value)
	}

	if err != nil || d < least || d > most {
		return 0, fmt.Errorf("is %q", value)
	}

	return d, nil
}

// elements parts a list at its commas. An empty element is a slip: a list that holds nothing else
// would pass for one.
func elements(list string) ([]string, error) {
	parts := strings.Split(list, ",")
	for i := range parts {
		if parts[i] = strings.TrimSpace(parts[i]); parts[i] == "" {
			return nil, errors.New("has an empty element between its commas")
		}
	}

	return parts, nil
}

func split(list string) []string {
	parts := strings.Split(list, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}

	return slices.DeleteFunc(parts, func(part string) bool { return part == "" })
}
