package portal

import "testing"

func TestALicenceHasAShortName(t *testing.T) {
	t.Parallel()
	for licence, want := range map[Stream]string{
		"licence/l-0123456789abcdef": "l-0123456789…", "licence/l-01": "l-01", "legacy/code/customer-12345678": "customer-123…", "": "",
	} {
		if got := ShortLicence(licence); got != want {
			t.Errorf("%q is %q, want %q", licence, got, want)
		}
	}
}
