package notices_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// The desks share nothing but the table, as those of several processes do.
func TestAnAccountHasFewTestsSentHoweverManyItAsksForAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.webhook(func(http.ResponseWriter, *http.Request) {})
	errs := make([]error, 100)
	var wait sync.WaitGroup
	for i := range errs {
		desk := *w.desk
		wait.Go(func() { _, errs[i] = desk.TestWebhook(t.Context(), ann, hook.ID) })
	}
	wait.Wait()
	sent := 0
	for _, err := range errs {
		switch {
		case err == nil:
			sent++
		case portal.CodeOf(err) != portal.TooManyRequests:
			t.Errorf("a test fails with %v", err)
		}
	}
	if sent == 0 || sent > notices.MaxTests {
		t.Errorf("%d of %d tests were sent, want at most %d", sent, len(errs), notices.MaxTests)
	}
}

func TestARefusedTestSaysWhenTheNextOneMayGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hook := w.webhook(func(http.ResponseWriter, *http.Request) {})
	test := func() error {
		_, err := w.desk.TestWebhook(t.Context(), ann, hook.ID)
		return err
	}
	for range notices.MaxTests {
		if err := test(); err != nil {
			t.Fatal(err)
		}
		w.later(2 * time.Second)
	}
	err := test()
	if portal.CodeOf(err) != portal.TooManyRequests || portal.AfterOf(err) != 50*time.Second || !strings.Contains(portal.MessageOf(err), "the next one in 50 seconds") {
		t.Fatalf("after %d tests: %v, after %v", notices.MaxTests, err, portal.AfterOf(err))
	}
	w.later(49*time.Second + time.Millisecond)
	if err := test(); portal.AfterOf(err) != time.Second || !strings.Contains(portal.MessageOf(err), "in 1 second.") {
		t.Errorf("a moment before: %v, after %v", err, portal.AfterOf(err))
	}
	w.later(time.Second)
	if err := test(); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if err := test(); portal.CodeOf(err) != portal.TooManyRequests {
		t.Errorf("after that one: %v", err)
	}
}
