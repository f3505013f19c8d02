package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestSettingsAreStoredAllOrNotAtAll(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"an unknown kind of notice": `{"time_zone":"Asia/Tokyo","notices":[{"kind":"key_created","mail":false},{"kind":"weather","mail":false}]}`,
		"an unknown time zone":      `{"time_zone":"Asia/Atlantis","notices":[{"kind":"key_created","mail":false}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := full()
			signedIn(t, f).do(http.MethodPut, "/account/settings", strings.NewReader(body)).want(http.StatusBadRequest)
			if len(f.asked) != 0 {
				t.Errorf("before the refusal it asked for %+v", f.asked)
			}
		})
	}
}
