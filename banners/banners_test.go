package banners_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/banners"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
)

var nine = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

var root = banners.Author{Admin: "account-root"}

// fixture is a store of banners with a clock.
type fixture struct {
	*banners.Store
	t     *testing.T
	audit *members.Store
	now   time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	tables, d := journaltest.Start(t), &fixture{t: t, now: nine}
	clock := func() time.Time { return d.now }
	d.audit = members.NewStore(tables.Client, tables.Records, clock)
	d.Store = banners.NewStore(tables.Client, tables.Records, d.audit, clock)
	return d
}

func (d *fixture) add(b banners.Banner) banners.Banner {
	d.t.Helper()
	added, err := d.Add(d.t.Context(), root, b)
	if err != nil {
		d.t.Fatal(err)
	}
	return added
}

// texts are those of all banners with their states.
func (d *fixture) texts() (texts []string) {
	d.t.Helper()
	all, err := d.List(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, b := range all {
		texts = append(texts, b.Text+" "+string(b.State(d.now)))
	}
	return texts
}

func TestABannerThatCannotBeSaysWhatToChange(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		banner banners.Banner
		want   string
	}{
		"no text":                    {banners.Banner{Text: " \n"}, "Write a text."},
		"a long text":                {banners.Banner{Text: strings.Repeat("ä", 1001)}, "Shorten it to at most 1000."},
		"a control character":        {banners.Banner{Text: "x\x1b[31m"}, "cannot be shown"},
		"broken UTF-8":               {banners.Banner{Text: "x\xff"}, "cannot be shown"},
		"a heading":                  {banners.Banner{Text: "# Down\n\ntonight"}, "no headings"},
		"nothing that is shown":      {banners.Banner{Text: "<!-- hidden -->"}, "Nothing of the text"},
		"an unknown kind":            {banners.Banner{Text: "x", Kind: "panic"}, "Choose info or warning."},
		"an unknown audience":        {banners.Banner{Text: "x", Audience: "admins"}, "Choose all or signed_in."},
		"an end before the start":    {banners.Banner{Text: "x", Start: nine.Add(time.Hour), End: nine.Add(time.Minute)}, "before it begins"},
		"an end at the start":        {banners.Banner{Text: "x", Start: nine.Add(time.Hour), End: nine.Add(time.Hour)}, "before it begins"},
		"an end that has passed":     {banners.Banner{Text: "x", Start: nine.Add(-time.Hour), End: nine.Add(-time.Minute)}, "The end has passed."},
		"a start in two years":       {banners.Banner{Text: "x", Start: nine.AddDate(2, 0, 0)}, "more than a year"},
		"an end that is now or past": {banners.Banner{Text: "x", End: nine}, "before it begins"},
	} {
		if _, err := c.banner.Checked(nine); portal.CodeOf(err) != portal.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	b, err := banners.Banner{Text: " **Down**\r\ntonight. ", End: nine.Add(time.Hour + time.Millisecond)}.Checked(nine.Add(time.Millisecond))
	if err != nil || b.Text != "**Down**\ntonight." || b.Kind != banners.Info || b.Audience != banners.Everybody || !b.Start.Equal(nine) || !b.End.Equal(nine.Add(time.Hour)) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestBannersAreWrittenChangedEndedAndDeleted(t *testing.T) {
	t.Parallel()
	d, ctx := newFixture(t), t.Context()
	now := d.add(banners.Banner{Text: "now"})
	later := d.add(banners.Banner{Text: "later", Start: nine.Add(time.Hour), End: nine.Add(2 * time.Hour), Kind: banners.Warning})
	warning := d.add(banners.Banner{Text: "warning", Kind: banners.Warning})
	if got := d.texts(); !slices.Equal(got, []string{"warning shown", "now shown", "later scheduled"}) {
		t.Errorf("they are %v", got)
	}
	if _, err := d.End(ctx, root, later.ID); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("ending what has not begun: %v", err)
	}
	changed := later
	changed.Text, changed.Kind, changed.Start, changed.End = "sooner", banners.Info, time.Time{}, time.Time{}
	if _, err := d.Change(ctx, root, changed); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Change(ctx, root, changed); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("changing an older version: %v", err)
	}
	d.now = nine.Add(time.Minute)
	for range 2 { // a second click
		if _, err := d.End(ctx, root, now.ID); err != nil {
			t.Fatal(err)
		}
	}
	over, err := d.Find(ctx, now.ID)
	if err != nil || over.Version != 2 || !over.End.Equal(d.now) {
		t.Errorf("it ended as %+v, %v", over, err)
	}
	over.Text = "again"
	if _, err := d.Change(ctx, root, over); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("changing what is over: %v", err)
	}
	if got := d.texts(); !slices.Equal(got, []string{"warning shown", "sooner shown", "now over"}) {
		t.Errorf("they are %v", got)
	}
	if err := d.Delete(ctx, banners.Author{Operator: "ops@bastion"}, warning.ID); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"deleting twice": d.Delete(ctx, root, warning.ID), "ending": second(d.End(ctx, root, warning.ID)), "finding": second(d.Find(ctx, warning.ID)), "changing": second(d.Change(ctx, root, warning)),
	} {
		if portal.CodeOf(err) != portal.NotFound {
			t.Errorf("%s what is deleted: %v", name, err)
		}
	}
	entries, _, err := d.audit.Audit(ctx, members.AuditFilter{}, "", 10)
	var did []string
	for _, entry := range entries {
		did = append(did, entry.What+" "+string(entry.Admin)+entry.Operator)
		if entry.Choice == "" {
			t.Errorf("the audit does not name the banner: %+v", entry)
		}
	}
	slices.Sort(did)
	if want := []string{"BannerAdded account-root", "BannerAdded account-root", "BannerAdded account-root", "BannerChanged account-root", "BannerDeleted ops@bastion", "BannerEnded account-root"}; err != nil || !slices.Equal(did, want) {
		t.Errorf("the audit has %v, %v", did, err)
	}
	d.now = nine.AddDate(0, 0, 40) // DynamoDB may delete rows days late
	if got := d.texts(); !slices.Equal(got, []string{"sooner shown"}) {
		t.Errorf("they are %v", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestOnlySoManyBannersAreShownOrScheduled(t *testing.T) {
	t.Parallel()
	d := newFixture(t)
	first := d.add(banners.Banner{Text: "first"})
	for range banners.MostBanners - 1 {
		d.add(banners.Banner{Text: "x", Start: nine.Add(time.Hour)})
	}
	if _, err := d.Add(t.Context(), root, banners.Banner{Text: "y"}); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("one more: %v", err)
	}
	d.now = nine.Add(time.Minute)
	if _, err := d.End(t.Context(), root, first.ID); err != nil {
		t.Fatal(err)
	}
	d.add(banners.Banner{Text: "y"})
}

// rival runs between, once, after its first query for rows.
type rival struct {
	records.Client
	between func()
}

func (r *rival) Query(ctx context.Context, in *dynamodb.QueryInput, options ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out, err := r.Client.Query(ctx, in, options...)
	if between := r.between; between != nil {
		r.between = nil
		between()
	}
	return out, err
}

func TestTwoAdminsWhoWriteBannersAtOnceKeepToTheLimit(t *testing.T) {
	t.Parallel()
	for missing, want := range map[int]string{0: "[conflict conflict] 20", 1: "[conflict ] 20", 2: "[ ] 20"} {
		tables := journaltest.Start(t)
		clock := func() time.Time { return nine }
		audit := members.NewStore(tables.Client, tables.Records, clock)
		client := &rival{Client: tables.Client}
		slow, fast := banners.NewStore(client, tables.Records, audit, clock), banners.NewStore(tables.Client, tables.Records, audit, clock)
		for range banners.MostBanners - missing {
			if _, err := fast.Add(t.Context(), root, banners.Banner{Text: "x"}); err != nil {
				t.Fatal(err)
			}
		}
		errs := make([]portal.Code, 2)
		client.between = func() {
			_, err := fast.Add(t.Context(), banners.Author{Admin: "account-ada"}, banners.Banner{Text: "fast"})
			errs[1] = codeOf(err)
		}
		_, err := slow.Add(t.Context(), root, banners.Banner{Text: "slow"})
		errs[0] = codeOf(err)
		all, err := fast.List(t.Context())
		if got := fmt.Sprint(errs, len(all)); err != nil || got != want {
			t.Errorf("with room for %d: %s, %v, want %s", missing, got, err, want)
		}
		entries, _, err := audit.Audit(t.Context(), members.AuditFilter{}, "", 50)
		if err != nil || len(entries) != len(all) {
			t.Errorf("the audit has %d entries about %d banners, %v", len(entries), len(all), err)
		}
	}
}

func codeOf(err error) portal.Code {
	if err == nil {
		return ""
	}
	return portal.CodeOf(err)
}

// list is a store that counts readings.
type list struct {
	mu    sync.Mutex
	all   []banners.Banner
	reads int
	err   error
	// wait holds a reading back until it is closed.
	wait chan struct{}
}

func (l *list) List(context.Context) ([]banners.Banner, error) {
	l.mu.Lock()
	l.reads++
	wait, all, err := l.wait, l.all, l.err
	l.mu.Unlock()
	if wait != nil {
		<-wait
	}
	return all, err
}

func TestEveryPageFollowsWithinFiveSecondsAndFewPagesRead(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := nine
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	store := &list{all: []banners.Banner{
		{ID: "1", Text: "all", Kind: banners.Info, Audience: banners.Everybody, Start: nine, End: nine.Add(time.Minute)},
		{ID: "2", Text: "signed in", Kind: banners.Warning, Audience: banners.SignedIn, Start: nine},
		{ID: "3", Text: "soon", Kind: banners.Info, Audience: banners.Everybody, Start: nine.Add(2 * time.Second)},
	}}
	board := banners.NewBoard(store, clock)
	shown := func(signedIn bool) (texts []string) {
		board.Refresh(context.Background())
		for _, b := range board.Shown(signedIn) {
			texts = append(texts, b.Text)
		}
		return texts
	}
	if got := board.Shown(true); got != nil {
		t.Errorf("before the first reading there are %v", got)
	}
	for range 3 {
		if got := shown(false); !slices.Equal(got, []string{"all"}) {
			t.Errorf("everybody sees %v", got)
		}
	}
	if got := shown(true); !slices.Equal(got, []string{"signed in", "all"}) {
		t.Errorf("people who are signed in see %v", got)
	}
	pass(3 * time.Second) // a start needs no reading
	if got := shown(false); !slices.Equal(got, []string{"all", "soon"}) || store.reads != 1 {
		t.Errorf("later everybody sees %v after %d readings", got, store.reads)
	}
	pass(2 * time.Second)
	store.all = store.all[:1]
	if got := shown(true); !slices.Equal(got, []string{"all"}) || store.reads != 2 {
		t.Errorf("after a deletion they see %v after %d readings", got, store.reads)
	}
	store.err = errors.New("the table does not answer")
	pass(banners.MaxAge)
	for range 3 {
		if got := shown(true); !slices.Equal(got, []string{"all"}) || store.reads != 3 {
			t.Errorf("without the table they see %v after %d readings", got, store.reads)
		}
	}
	pass(time.Minute)
	if got := shown(true); got != nil {
		t.Errorf("after its end they see %v", got)
	}
}

func TestPagesDoNotWaitForAReadingOfAnotherPage(t *testing.T) {
	t.Parallel()
	now := nine
	store := &list{all: []banners.Banner{{ID: "1", Text: "all", Audience: banners.Everybody, Start: nine}}}
	board := banners.NewBoard(store, func() time.Time { return now })
	board.Refresh(t.Context())
	now = now.Add(time.Minute)
	store.wait = make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		board.Refresh(context.Background())
	}()
	for reading := false; !reading; {
		store.mu.Lock()
		reading = store.reads == 2
		store.mu.Unlock()
	}
	board.Refresh(t.Context()) // returns although the other one reads
	if got := board.Shown(false); len(got) != 1 {
		t.Errorf("meanwhile there are %v", got)
	}
	close(store.wait)
	<-done
	if store.reads != 2 {
		t.Errorf("there were %d readings", store.reads)
	}
}
