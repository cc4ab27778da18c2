package timezone_test

import (
	"strings"
	"testing"

	"carillon/timezone"
)

func TestOnlyNamesThatMeanTheSameEverywhereAreZones(t *testing.T) {
	t.Parallel()
	for name, is := range map[string]bool{"Asia/Shanghai": true, "UTC": true, "America/Sao_Paulo": true, "": false,
		"Local": false, "local": false, "CST8": false, "../etc/passwd": false, "/etc/localtime": false, "Asia": false,
		"Asia/Shanghai ": false, "Asia/Shang\x00hai": false, strings.Repeat("A/", 5000): false, "+08:00": false} {
		zone, err := timezone.Load(name)
		if (err == nil) != is {
			t.Errorf("%.40q: %v", name, err)
		}
		if is && zone.String() != name {
			t.Errorf("%q is %s", name, zone)
		}
	}
}
