package projections

import (
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestTheNewestNoticesThatNameNoLicenceAreListed(t *testing.T) {
	t.Parallel()
	s := newScreen(t)
	kept := func(id string, minute int) said {
		return said{"", events.MarketplaceNoticeKept{Notice: events.MarketplaceNotified{
			Source: id, Kind: events.NoticeUnknown, At: at(1).Add(time.Duration(minute) * time.Minute), Text: "{}", Purchase: events.Purchase{Agreement: "agmt-" + id},
		}}}
	}
	list := func(limit int) string {
		found, err := s.KeptNotices(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, n := range found {
			if n.Kind != events.NoticeUnknown || n.Text != "{}" || n.Agreement != "agmt-"+n.Source {
				t.Errorf("a notice is shown as %+v", n)
			}
			ids = append(ids, n.Source)
		}
		return strings.Join(ids, " ")
	}
	if got := list(10); got != "" {
		t.Errorf("before any notice, %q are listed", got)
	}
	// Notices come in any order, and of older versions several are in one stream.
	for _, id := range []string{"c", "a", "e", "b"} {
		s.shown(portal.NoticeStream(id), kept(id, int(id[0]-'a')))
	}
	s.shown(portal.MarketplaceStream, kept("d", 3), kept("f", 5))
	for limit, want := range map[int]string{10: "f e d c b a", 3: "f e d"} {
		if got := list(limit); got != want {
			t.Errorf("the newest %d are %q, want %q", limit, got, want)
		}
	}
}
