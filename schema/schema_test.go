package schema_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/schema/schematest"
)

const ann portal.AccountID = "01ann"

const (
	run  = "01jzx6vq7m3b5d8t9wfk2ch4na"
	hash = "9f86d081884c7d65"
)

var at = time.Date(2026, 7, 1, 12, 0, 0, 5_000_000, time.UTC)

// Stored rows have these keys, so none of them may change.
func TestTheKeysAreWhatTheyWere(t *testing.T) {
	t.Parallel()
	stream, actor := portal.AccountStream(ann), portal.AccountActor(ann)
	v2 := schema.Generation(2)
	page := schematest.Page(t, "../docs/data.md")
	built, seen, met := builders(t), map[string]bool{}, map[string]bool{}
	for _, c := range []struct {
		by    string
		table string
		key   schema.Key
		want  schema.Key
	}{
		{"Fact", "journal", schema.Fact(stream, 7), schema.Key{PK: "account/01ann", SK: "000000000007"}},
		{"Fact", "journal", schema.Fact(portal.CatalogStream, 123), schema.Key{PK: "catalog", SK: "000000000123"}},
		{"RegisteredStream", "journal", schema.RegisteredStream(stream), schema.Key{PK: "registry#05", SK: "account/01ann"}},
		{"RegisteredStream", "journal", schema.RegisteredStream(portal.CatalogStream), schema.Key{PK: "registry#08", SK: "catalog"}},
		{"Identity", "journal", schema.Identity(hash), schema.Key{PK: "identity#" + hash, SK: "account"}},

		{"Operation", "records", schema.Operation("op"), schema.Key{PK: "operation#op", SK: "operation"}},
		{"ListedOperation", "records", schema.ListedOperation(actor, at, "op"), schema.Key{PK: "account#01ann", SK: "operation#001782907200005#op"}},
		{"ListedOperation", "records", schema.ListedOperation(portal.Operator, at, "op"), schema.Key{PK: "actor#operator", SK: "operation#001782907200005#op"}},
		{"Limits", "records", schema.Limits(actor), schema.Key{PK: "account#01ann", SK: "intent"}},
		{"Limits", "records", schema.Limits(portal.Operator), schema.Key{PK: "actor#operator", SK: "intent"}},
		{"Intent", "records", schema.Intent(stream), schema.Key{PK: "account#01ann", SK: "intent"}},
		{"Intent", "records", schema.Intent(portal.CatalogStream), schema.Key{PK: "stream#catalog", SK: "intent"}},
		{"Reveal", "records", schema.Reveal(ann, at), schema.Key{PK: "account#01ann", SK: "reveal#01782907200005000000"}},
		{"RevealCount", "records", schema.RevealCount(ann), schema.Key{PK: "account#01ann", SK: "reveals"}},
		{"Person", "records", schema.Person(ann), schema.Key{PK: "person#01ann", SK: "person"}},
		{"PersonWord", "records", schema.PersonWord("ada@example.com", ann), schema.Key{PK: "person-word#a", SK: "ada@example.com#01ann"}},
		{"Settings", "records", schema.Settings(ann), schema.Key{PK: "account#01ann", SK: "settings#account"}},
		{"Feedback", "records", schema.Feedback("001782907200005-f"), schema.Key{PK: "feedback", SK: "001782907200005-f"}},
		{"AccountFeedback", "records", schema.AccountFeedback(ann, "001782907200005-f"), schema.Key{PK: "account#01ann", SK: "feedback#001782907200005-f"}},
		{"Viewing", "records", schema.Viewing(ann), schema.Key{PK: "account#01ann", SK: "viewing"}},
		{"AccountNote", "records", schema.AccountNote(ann, "001782907200005-n"), schema.Key{PK: "account#01ann", SK: "note#001782907200005-n"}},
		{"Invitation", "records", schema.Invitation("i"), schema.Key{PK: "invitations", SK: "i"}},
		{"AdoptedKey", "records", schema.AdoptedKey("abcde12345"), schema.Key{PK: "adopted-keys", SK: "abcde12345"}},
		{"WaitingKey", "records", schema.WaitingKey(hash, "abcde12345"), schema.Key{PK: "waiting-keys", SK: hash + "#abcde12345"}},
		{"Migrated", "records", schema.Migrated(hash), schema.Key{PK: "migrated", SK: hash}},
		{"Admin", "records", schema.Admin(ann), schema.Key{PK: "admins", SK: "01ann"}},
		{"GroupAdmin", "records", schema.GroupAdmin(ann), schema.Key{PK: "group-admins", SK: "01ann"}},
		{"AdminsTold", "records", schema.AdminsTold("feedback"), schema.Key{PK: "admins-told", SK: "feedback"}},
		{"Announced", "records", schema.Announced("tides", "2027-01-31"), schema.Key{PK: "announced#tides", SK: "deprecated#2027-01-31"}},
		{"AuditEntry", "records", schema.AuditEntry(at, "op"), schema.Key{PK: "audit", SK: "001782907200005#op"}},
		{"PendingRegistration", "records", schema.PendingRegistration(ann), schema.Key{PK: "registrations", SK: "01ann"}},
		{"Generation.ListedAccount", "views", schema.Generation(1).ListedAccount(ann, at), schema.Key{PK: "v1#accounts#05", SK: "at#001782907200005#01ann"}},
		{"Generation.LicenceOf", "views", schema.Generation(1).LicenceOf(ann, "licence/l-01"), schema.Key{PK: "v1#account#01ann", SK: "now#licence#licence/l-01"}},
		{"Generation.Licence", "views", schema.Generation(1).Licence("licence/l-01"), schema.Key{PK: "v1#licences#01", SK: "licence#licence/l-01"}},
		{"Generation.KeyOwner", "views", schema.Generation(1).KeyOwner("key1"), schema.Key{PK: "v1#key#key1", SK: "owner"}},
		{"Approval", "records", schema.Approval(at, ann, 7), schema.Key{PK: "approvals", SK: "001782907200005#01ann#000000000007"}},
		{"Notice", "records", schema.Notice(ann, "001782907200005-n"), schema.Key{PK: "account#01ann", SK: "notice#001782907200005-n"}},
		{"Delivery", "records", schema.Delivery(ann, "mail", "001782907200005-n"), schema.Key{PK: "account#01ann", SK: "delivery#mail#001782907200005-n"}},
		{"NoticeSettings", "records", schema.NoticeSettings(ann), schema.Key{PK: "account#01ann", SK: "settings#notices"}},
		{"Told", "records", schema.Told(ann), schema.Key{PK: "account#01ann", SK: "settings#told"}},
		{"Webhook", "records", schema.Webhook(ann, "w"), schema.Key{PK: "account#01ann", SK: "webhook#w"}},
		{"WebhookCount", "records", schema.WebhookCount(ann), schema.Key{PK: "account#01ann", SK: "settings#webhooks"}},
		{"WebhookTests", "records", schema.WebhookTests(ann), schema.Key{PK: "account#01ann", SK: "settings#webhook-tests"}},
		{"DueRow", "records", schema.DueRow(stream, at, hash), schema.Key{PK: "due#05", SK: "001782907200005#" + hash}},
		{"Snapshot", "records", schema.Snapshot(stream, "abc"), schema.Key{PK: "snapshot#account/01ann", SK: "abc"}},
		{"JobRun", "records", schema.JobRun("sweep"), schema.Key{PK: "job#sweep", SK: "run"}},
		{"CatalogRead", "records", schema.Scratch(schema.CatalogRead(run), "plans-00001", 2), schema.Key{PK: "scratch#catalog-" + run, SK: "plans-00001#0002"}},
		{"CatalogDeployments", "records", schema.Scratch(schema.CatalogDeployments(), "api", 0), schema.Key{PK: "scratch#catalog-deployments", SK: "api#0000"}},
		{"CatalogMappings", "records", schema.Scratch(schema.CatalogMappings(), "api.example.com", 0), schema.Key{PK: "scratch#catalog-mappings", SK: "api.example.com#0000"}},
		{"CatalogExports", "records", schema.Scratch(schema.CatalogExports(), "api,v1", 0), schema.Key{PK: "scratch#catalog-exports", SK: "api,v1#0000"}},
		{"CatalogSDKs", "records", schema.Scratch(schema.CatalogSDKs(), "api,v1,java", 0), schema.Key{PK: "scratch#catalog-sdks", SK: "api,v1,java#0000"}},
		{"CatalogFolder", "records", schema.Scratch(schema.CatalogFolder(), "last", 0), schema.Key{PK: "scratch#catalog-folder", SK: "last#0000"}},
		{"CatalogReport", "records", schema.Scratch(schema.CatalogReport(), "last", 0), schema.Key{PK: "scratch#catalog-report", SK: "last#0000"}},
		{"Swept", "records", schema.Scratch(schema.Swept(run), "plans-00001", 0), schema.Key{PK: "scratch#sweep-" + run, SK: "plans-00001#0000"}},
		{"SweptShard", "records", schema.Scratch(schema.SweptShard(run, 3), "00001", 0), schema.Key{PK: "scratch#sweep-" + run + "-03", SK: "00001#0000"}},
		{"SweepResult", "records", schema.Scratch(schema.SweepResult(), "last", 0), schema.Key{PK: "scratch#sweep-result", SK: "last#0000"}},
		{"SweepDrift", "records", schema.Scratch(schema.SweepDrift(), "last", 0), schema.Key{PK: "scratch#sweep-drift", SK: "last#0000"}},
		{"MarketplaceRead", "records", schema.Scratch(schema.MarketplaceRead(), "last", 0), schema.Key{PK: "scratch#marketplace-read", SK: "last#0000"}},
		{"MarketplaceMetered", "records", schema.Scratch(schema.MarketplaceMetered(), "last", 0), schema.Key{PK: "scratch#marketplace-metered", SK: "last#0000"}},
		{"UsageSummaries", "records", schema.Scratch(schema.UsageSummaries(), "2026-11-01_2026-11-30", 0), schema.Key{PK: "scratch#usagesum", SK: "2026-11-01_2026-11-30#0000"}},
		{"UsagePlans", "records", schema.Scratch(schema.UsagePlans(run), "last", 0), schema.Key{PK: "scratch#usage-" + run, SK: "last#0000"}},
		{"RebuildResult", "records", schema.Scratch(schema.RebuildResult(), "last", 0), schema.Key{PK: "scratch#rebuild-result", SK: "last#0000"}},
		{"CatalogChunk", "records", schema.CatalogChunk(hash, 1), schema.Key{PK: "catalog#" + hash, SK: "chunk#0001"}},
		{"CatalogRequest", "records", schema.CatalogRequest("r"), schema.Key{PK: "catalog-requests", SK: "r"}},
		{"Failure", "records", schema.Failure("m"), schema.Key{PK: "failure#m", SK: "failure"}},
		{"DeadLetter", "records", schema.DeadLetter("m"), schema.Key{PK: "deadletter", SK: "m"}},
		{"DeadLetterPart", "records", schema.DeadLetterPart(hash, 4), schema.Key{PK: "deadletter#" + hash, SK: "004"}},
		{"Banner", "records", schema.Banner("001782907200005-b"), schema.Key{PK: "banners", SK: "001782907200005-b"}},
		{"BannersAdded", "records", schema.BannersAdded(), schema.Key{PK: "banners-added", SK: "count"}},
		{"ResendOrder", "records", schema.ResendOrder("001782907200005-o"), schema.Key{PK: "resend-orders", SK: "001782907200005-o"}},
		{"Alarm", "records", schema.Alarm("drift"), schema.Key{PK: "alarms", SK: "drift"}},
		{"ShownLate", "records", schema.ShownLate(), schema.Key{PK: "shown-late", SK: "last"}},
		{"LetterOrder", "records", schema.LetterOrder("001782907200005-o"), schema.Key{PK: "letter-orders", SK: "001782907200005-o"}},
		{"Budget", "records", schema.Budget(""), schema.Key{PK: "budget", SK: "control-plane"}},
		{"AttachLease", "records", schema.AttachLease(""), schema.Key{PK: "lease", SK: "attach"}},
		{"AccountLease", "records", schema.AccountLease("", ann), schema.Key{PK: "lease", SK: "account#01ann"}},
		{"FullOfKeys", "records", schema.FullOfKeys(""), schema.Key{PK: "limit", SK: "keys"}},
		{"ImportProbe", "records", schema.ImportProbe(), schema.Key{PK: "import-probe", SK: "result"}},
		{"KMSCheck", "records", schema.KMSCheck("k"), schema.Key{PK: "kms-check#k", SK: "tag"}},
		{"RestoreRun", "records", schema.RestoreRun(), schema.Key{PK: "restore", SK: "run"}},
		{"Health", "records", schema.Health(), schema.Key{PK: "health", SK: "health"}},

		{"LiveGeneration", "views", schema.LiveGeneration(), schema.Key{PK: "generation", SK: "live"}},
		{"Generation.Profile", "views", v2.Profile(ann), schema.Key{PK: "v2#account#01ann", SK: "now#profile"}},
		{"Generation.Key", "views", v2.Key(ann, "k"), schema.Key{PK: "v2#account#01ann", SK: "now#key#k"}},
		{"Generation.Subscription", "views", v2.Subscription(ann, "p"), schema.Key{PK: "v2#account#01ann", SK: "now#subscription#p"}},
		{"Generation.KeptNotice", "views", v2.KeptNotice("marketplace/n", at), schema.Key{PK: "v2#notices#09", SK: "at#001782907200005#marketplace/n"}},
		{"Generation.Activity", "views", v2.Activity(ann, 7), schema.Key{PK: "v2#account#01ann", SK: "log#activity#000000000007"}},
		{"Generation.OperationStep", "views", v2.OperationStep("op", stream, 7), schema.Key{PK: "v2#operation#op", SK: "step#account/01ann#000000000007"}},
		{"Generation.WishStep", "views", v2.WishStep(stream, 3, 7), schema.Key{PK: "v2#wish#account/01ann#000000000003", SK: "step#account/01ann#000000000007"}},
		{"Generation.Catalog", "views", v2.Catalog(), schema.Key{PK: "v2#catalog", SK: "now"}},
		{"Generation.Holder", "views", v2.Holder("p", "gw"), schema.Key{PK: "v2#plan#p", SK: "holder#gw"}},
		{"Generation.Checkpoint", "views", v2.Checkpoint(stream), schema.Key{PK: "v2#checkpoint#account/01ann", SK: "checkpoint"}},

		{"Usage", "usage", schema.Usage(ann, "", at, "p", "k", "gw"), schema.Key{PK: "account#01ann", SK: "day#2026-07-01#p#k#gw"}},
		{"UsagePlan", "usage", schema.UsagePlan("", "p"), schema.Key{PK: "plan#p", SK: "collected"}},
		{"UsageCycle", "usage", schema.UsageCycle(), schema.Key{PK: "cycle", SK: "last"}},
		{"MeteringTally", "usage", schema.MeteringTally("licence/l-1"), schema.Key{PK: "licence#licence/l-1", SK: "head"}},
		{"MeteringKey", "usage", schema.MeteringKey("licence/l-1", "acc", "key"), schema.Key{PK: "licence#licence/l-1", SK: "key#acc#key"}},
		{"MeteringRecord", "usage", schema.MeteringRecord("licence/l-1", at, "requests"), schema.Key{PK: "licence#licence/l-1", SK: "record#2026-07-01T12#requests"}},
		{"MeteringUnanswered", "usage", schema.MeteringUnanswered("prod", "licence/l-1", at, "requests"), schema.Key{PK: "unsent", SK: "prod#licence/l-1#2026-07-01T12#requests"}},
		{"MeteringRegion", "usage", schema.MeteringRegion(), schema.Key{PK: "metering", SK: "region"}},

		{"Session", "sessions", schema.Session(hash), schema.Key{PK: "session#" + hash, SK: "session"}},
		{"AccountSession", "sessions", schema.AccountSession(ann, hash), schema.Key{PK: "account#01ann", SK: "session#" + hash}},
		{"DeletedSession", "sessions", schema.DeletedSession(hash), schema.Key{PK: "deleted-session#" + hash, SK: "session"}},
		{"Claim", "sessions", schema.Claim(hash), schema.Key{PK: "claim#" + hash, SK: "claim"}},
		{"SignIn", "sessions", schema.SignIn(hash), schema.Key{PK: "signin#" + hash, SK: "signin"}},
	} {
		if c.key != c.want {
			t.Errorf("%s: the key is %q, %q, want %q, %q", c.by, c.key.PK, c.key.SK, c.want.PK, c.want.SK)
		}
		lines := schematest.Of(page, c.table, c.key)
		if len(lines) != 1 {
			t.Errorf("%s: %d lines of docs/data.md are like %q, %q of %s, want 1", c.by, len(lines), c.key.PK, c.key.SK, c.table)
			continue
		}
		if owner, err := os.Stat("../" + lines[0].Owner); err != nil || !owner.IsDir() {
			t.Errorf("%s: docs/data.md names the owner %q, which is no package", c.by, lines[0].Owner)
		}
		if !built[c.by] {
			t.Errorf("%s: no exported function builds this key", c.by)
		}
		seen[c.by], met[lines[0].Name] = true, true
	}
	for by := range built {
		if !seen[by] {
			t.Errorf("%s builds a key that this test does not know", by)
		}
	}
	for _, line := range page {
		if !met[line.Name] {
			t.Errorf("docs/data.md has a line %q for which nothing builds a key", line.Name)
		}
	}
}

// builders are the functions that build the key of a row, or name a set of rows.
func builders(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains([]string{"journal.go", "records.go", "views.go", "sessions.go", "usage.go"}, file.Name()) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range parsed.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if !ok || !f.Name.IsExported() || f.Type.Results.NumFields() != 1 {
				continue
			}
			name := f.Name.Name
			if f.Recv != nil {
				name = f.Recv.List[0].Type.(*ast.Ident).Name + "." + name
			}
			result, _ := f.Type.Results.List[0].Type.(*ast.Ident)
			key := result != nil && result.Name == "Key" && name != "Scratch"
			set := result != nil && result.Name == "string" && file.Name() == "records.go" && !slices.Contains([]string{"PersonBegins", "DuePartition", "AuditFrom"}, name)
			if key || set {
				found[name] = true
			}
		}
	}
	return found
}

func TestRowsOfOtherTargetsHaveTheTargetsNameInFront(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ key, want schema.Key }{
		{schema.Budget("eu"), schema.Key{PK: "eu:budget", SK: "control-plane"}},
		{schema.AttachLease("eu"), schema.Key{PK: "eu:lease", SK: "attach"}},
		{schema.AccountLease("eu", ann), schema.Key{PK: "eu:lease", SK: "account#01ann"}},
		{schema.Usage(ann, "eu", at, "p", "k", "gw"), schema.Key{PK: "account#01ann", SK: "day#2026-07-01#eu:p#k#gw"}},
		{schema.UsagePlan("eu", "p"), schema.Key{PK: "plan#eu:p", SK: "collected"}},
		{schema.FullOfKeys("eu"), schema.Key{PK: "eu:limit", SK: "keys"}},
	} {
		if c.key != c.want {
			t.Errorf("the key is %v, want %v", c.key, c.want)
		}
	}
}

func TestARangeHoldsTheRowsThatItIsNamedAfterAndNoOthers(t *testing.T) {
	t.Parallel()
	stream, actor, v := portal.AccountStream(ann), portal.AccountActor(ann), schema.Generation(1)
	all := []schema.Key{
		schema.Fact(stream, 7), schema.RegisteredStream(stream), schema.ListedOperation(actor, at, "op"), schema.Limits(actor),
		schema.Reveal(ann, at), schema.RevealCount(ann), schema.Scratch("set", "name", 0), schema.Scratch("set", "other", 1),
		schema.CatalogChunk(hash, 0), schema.CatalogRequest("r"), schema.DeadLetter("m"), schema.DeadLetterPart(hash, 0),
		v.Profile(ann), v.Key(ann, "k"), v.Subscription(ann, "p"), v.Activity(ann, 7), v.OperationStep("op", stream, 7), v.WishStep(stream, 3, 7),
		v.Holder("p", "gw"), schema.Approval(at, ann, 7),
	}
	for name, c := range map[string]struct {
		all  schema.Range
		want []schema.Key
	}{
		"facts":              {schema.Facts(stream), []schema.Key{schema.Fact(stream, 7)}},
		"registry":           {schema.Registry(5), []schema.Key{schema.RegisteredStream(stream)}},
		"operation list":     {schema.OperationList(actor), []schema.Key{schema.ListedOperation(actor, at, "op")}},
		"reveals":            {schema.Reveals(ann), []schema.Key{schema.Reveal(ann, at)}},
		"a set":              {schema.ScratchSet("set", ""), []schema.Key{schema.Scratch("set", "name", 0), schema.Scratch("set", "other", 1)}},
		"a part of a set":    {schema.ScratchSet("set", "na"), []schema.Key{schema.Scratch("set", "name", 0)}},
		"catalog document":   {schema.CatalogDocument(hash), []schema.Key{schema.CatalogChunk(hash, 0)}},
		"catalog requests":   {schema.CatalogRequests(), []schema.Key{schema.CatalogRequest("r")}},
		"approvals":          {schema.Approvals(), []schema.Key{schema.Approval(at, ann, 7)}},
		"dead letters":       {schema.DeadLetters(), []schema.Key{schema.DeadLetter("m")}},
		"dead letter's body": {schema.DeadLetterBody(hash), []schema.Key{schema.DeadLetterPart(hash, 0)}},
		"now":                {v.Now(ann), []schema.Key{v.Profile(ann), v.Key(ann, "k"), v.Subscription(ann, "p")}},
		"holders":            {v.Holders("p"), []schema.Key{v.Holder("p", "gw")}},
		"activities":         {v.Activities(ann), []schema.Key{v.Activity(ann, 7)}},
		"operation's steps":  {v.OperationSteps("op"), []schema.Key{v.OperationStep("op", stream, 7)}},
		"wish's steps":       {v.WishSteps(stream, 3), []schema.Key{v.WishStep(stream, 3, 7)}},
	} {
		var got []schema.Key
		for _, key := range all {
			if key.PK == c.all.PK && strings.HasPrefix(key.SK, c.all.Begins) {
				got = append(got, key)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		condition, values := "pk = :pk", 1
		if c.all.Begins != "" {
			condition, values = "pk = :pk AND begins_with(sk, :sk)", 2
		}
		if *c.all.Condition() != condition || len(c.all.Values()) != values {
			t.Errorf("%s: the condition is %q with %v", name, *c.all.Condition(), c.all.Values())
		}
	}
}

func TestWhatAKeyWasBuiltFromIsReadBack(t *testing.T) {
	t.Parallel()
	stream, key := portal.AccountStream(ann), schema.Fact(portal.AccountStream(ann), 7)
	if got := schema.KeyOf(key.Attributes()); got != key {
		t.Errorf("the key of an item is %v, want %v", got, key)
	}
	if got := schema.SequenceOf(key); got != 7 {
		t.Errorf("the sequence is %d", got)
	}
	if got := schema.StreamOf(schema.RegisteredStream(stream)); got != stream {
		t.Errorf("the stream is %s", got)
	}
	if got, ok := schema.PersonOf(schema.Person(ann)); got != ann || !ok {
		t.Errorf("the person is of %s, %v", got, ok)
	}
	if _, ok := schema.PersonOf(schema.Limits(portal.AccountActor(ann))); ok {
		t.Error("the row of limits counts as a person")
	}
	for piece, want := range map[int]bool{0: true, 1: false} {
		if name, first := schema.ScratchOf(schema.Scratch("set", "name", piece)); name != "name" || first != want {
			t.Errorf("piece %d is of %s, the first: %v", piece, name, first)
		}
	}
	if g, ok := schema.GenerationOf(schema.Generation(12).Profile(ann)); g != 12 || !ok {
		t.Errorf("the generation is %d, %v", g, ok)
	}
	if _, ok := schema.GenerationOf(schema.LiveGeneration()); ok {
		t.Error("the row that names the live generation counts as one of a generation")
	}
}

func TestAttributesOfOtherTypesAreReadAsNothing(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]types.AttributeValue{
		"none": nil, "bytes": &types.AttributeValueMemberB{}, "no number": &types.AttributeValueMemberN{Value: "x"},
	} {
		if text, number := schema.TextOf(v), schema.NumberOf(v); text != "" || number != 0 {
			t.Errorf("%s is read as %q and %d", name, text, number)
		}
	}
	if got := schema.NumberOf(schema.Expiry(at)); got != at.Unix() {
		t.Errorf("the expiry is %d", got)
	}
	if got := schema.TextOf(schema.Time(at)); got != "2026-07-01T12:00:00.005Z" {
		t.Errorf("the time is %s", got)
	}
}

func TestNoOtherPackageSpellsTheAttributesOfKeys(t *testing.T) {
	t.Parallel()
	spelled := regexp.MustCompile(`"(pk|sk)"`)
	// They know nothing of Gatehouse's tables.
	strangers := []string{"../conformance", "../localaws", "../tools"}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "../schema" || slices.Contains(strangers, path) || strings.HasPrefix(entry.Name(), ".") && path != ".."):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if spelled.Match(source) {
			t.Errorf("%s spells %s; keys are built by package schema", path, spelled.Find(source))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
