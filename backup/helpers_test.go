package backup_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/schema"
)

type item = map[string]types.AttributeValue

var began = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// world is the tables of an installation.
type world struct {
	*dynamodb.Client
	t     *testing.T
	names backup.Names
}

func newWorld(t *testing.T) world {
	t.Helper()
	server := localawstest.Start(t)
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Setup(t.Context(), server.AWSConfig(), cfg); err != nil {
		t.Fatal(err)
	}
	n := app.NamesFor(cfg.Prefix)
	return world{dynamodb.NewFromConfig(server.AWSConfig()), t, backup.Names{
		Journal: n.Journal, Records: n.Records, Usage: n.Usage, Views: n.Views, Sessions: n.Sessions,
	}}
}

func text(s string) types.AttributeValue { return schema.Text(s) }

func row(key schema.Key, more item) item {
	all := key.Attributes()
	maps.Copy(all, more)
	return all
}

func (w world) put(table string, rows ...item) {
	w.t.Helper()
	for _, one := range rows {
		if _, err := w.PutItem(w.t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: one}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// rows are a table's rows but for those that a backup leaves out.
func (w world) rows(table string) map[schema.Key]item {
	w.t.Helper()
	all := map[schema.Key]item{}
	pages := dynamodb.NewScanPaginator(w.Client, &dynamodb.ScanInput{TableName: &table})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, one := range page.Items {
			if key := schema.KeyOf(one); table != w.names.Records || !schema.LeftOut(key) {
				all[key] = one
			}
		}
	}
	return all
}

// fill has rows of many kinds: streams of the account ann with three facts, and of n other accounts.
func (w world) fill(n int) {
	w.t.Helper()
	stream := func(account string, facts int) {
		w.put(w.names.Journal, row(schema.Key{PK: schema.Registry(3).PK, SK: "account/" + account}, nil))
		for i := range facts {
			w.put(w.names.Journal, row(schema.Fact("account/ann", int64(i+1)), item{"pk": text("account/" + account), "event": text(`{"id":"` + account + `"}`)}))
		}
	}
	stream("ann", 3)
	for i := range n {
		stream(fmt.Sprintf("a%04d", i), 1)
	}
	w.put(w.names.Journal, row(schema.Identity("hash"), item{"account": text("ann")}))
	w.put(w.names.Records,
		row(schema.Operation("op"), item{
			"id": text("op"), "subject": text("account/ann"), "created_at": schema.Time(began.Add(-time.Hour)), "flag": &types.AttributeValueMemberBOOL{Value: false},
			"empty": text(""), "bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}}, "none": &types.AttributeValueMemberNULL{Value: true},
			"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("x"), &types.AttributeValueMemberN{Value: "1.5"}}}, "nothing": &types.AttributeValueMemberL{},
			"map": &types.AttributeValueMemberM{Value: item{"a": text("<&\u2028>")}}, "texts": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
			"numbers": &types.AttributeValueMemberNS{Value: []string{"1", "2"}}, "blobs": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
		}),
		row(schema.DueRow("account/ann", began, "x"), item{"kind": text("key_end")}),
		row(schema.Person("ann"), item{"identity": text("hash"), "email": text("ann@example.com")}),
		row(schema.Told("ann"), item{"seq": schema.Number(2)}),
		row(schema.JobRun("sweep"), item{"cursor": text("x")}), row(schema.Budget(""), nil), row(schema.Snapshot("account/ann", "1"), nil),
		row(schema.Scratch(schema.SweepResult(), "last", 0), nil), row(schema.Scratch(schema.CatalogFolder(), "last", 0), item{"x": text("y")}),
	)
	w.put(w.names.Usage, row(schema.UsageCycle(), item{"at": text("now")}))
	w.put(w.names.Views, row(schema.LiveGeneration(), nil))
	w.put(w.names.Sessions, row(schema.Session("s"), nil))
}

func noWait(context.Context, time.Duration) error { return nil }

func clock() time.Time { return began }

func (w world) backup(from backup.Source) []byte {
	w.t.Helper()
	var file bytes.Buffer
	b := backup.Backup{Source: from, Names: w.names, Prefix: "gatehouse", Region: "us-east-1", Version: "0.1", Now: clock, Wait: noWait}
	if _, err := b.Write(w.t.Context(), &file, func(backup.Table, int) {}); err != nil {
		w.t.Fatal(err)
	}
	return file.Bytes()
}

func (w world) restorer(into backup.Destination) backup.Restore {
	return backup.Restore{Destination: into, Names: w.names, Now: clock, Wait: noWait, Head: journal.New(w.Client, w.names.Journal, w.names.Records).Head}
}

// backedUp is a filled world, an empty one, and the checked backup of the first.
func backedUp(t *testing.T, n int) (from, to world, file []byte, checked backup.Checked) {
	t.Helper()
	from, to = newWorld(t), newWorld(t)
	from.fill(n)
	file = from.backup(from)
	return from, to, file, check(t, file)
}

func check(t *testing.T, file []byte) backup.Checked {
	t.Helper()
	checked, err := backup.Check(bytes.NewReader(file), func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	return checked
}

func (w world) restore(file []byte) {
	w.t.Helper()
	r := w.restorer(w)
	if err := r.Run(w.t.Context(), bytes.NewReader(file), check(w.t, file), func(int, int) {}); err != nil {
		w.t.Fatal(err)
	}
}

// wantSame compares what must not be lost.
func wantSame(t *testing.T, got, want world) {
	t.Helper()
	for _, table := range []string{want.names.Journal, want.names.Records, want.names.Usage} {
		g, w := got.rows(table), want.rows(table)
		maps.DeleteFunc(g, func(k schema.Key, _ item) bool { return schema.IsKMSCheck(k) || schema.IsRegistered(k) })
		maps.DeleteFunc(w, func(k schema.Key, _ item) bool { return schema.IsKMSCheck(k) || schema.IsRegistered(k) })
		if diff := cmp.Diff(w, g, ignoreDocuments, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table, diff)
		}
	}
}

// The types of attributes have an unexported member without meaning.
var ignoreDocuments = cmpopts.IgnoreUnexported(types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{},
	types.AttributeValueMemberBOOL{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{},
	types.AttributeValueMemberSS{}, types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{})

// unpacked is a file's text.
func unpacked(t *testing.T, file []byte) string {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func packed(body string) []byte {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	_, _ = io.WriteString(zip, body)
	_ = zip.Close()
	return out.Bytes()
}

// sealed is a file of those lines with a right end.
func sealed(counts string, lines ...string) []byte {
	body := strings.Join(lines, "\n") + "\n"
	sum := sha256.Sum256([]byte(body))
	return packed(body + `{"end":{"rows":{` + counts + `},"ended":"2026-11-22T09:00:00Z","sha256":"` + hex.EncodeToString(sum[:]) + `"}}` + "\n")
}

// faulty answers every nth write with an error, or does not write all, or stops for good after some
// writes.
type faulty struct {
	world
	mu        sync.Mutex
	every     int
	stopAfter int
	calls     int
}

func (f *faulty) turn() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	return f.calls
}

func (f *faulty) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	n := f.turn()
	switch {
	case f.stopAfter > 0 && n > f.stopAfter:
		return nil, context.Canceled
	case f.every > 0 && n%f.every == 0:
		return nil, &types.ProvisionedThroughputExceededException{}
	case f.every > 0 && n%f.every == 1:
		some, left := map[string][]types.WriteRequest{}, map[string][]types.WriteRequest{}
		for table, all := range in.RequestItems {
			some[table] = all[:1]
			if len(all) > 1 {
				left[table] = all[1:]
			}
		}
		_, err := f.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: some}, opts...)
		return &dynamodb.BatchWriteItemOutput{UnprocessedItems: left}, err
	}
	return f.Client.BatchWriteItem(ctx, in, opts...)
}

func (f *faulty) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if f.every > 0 && f.turn()%2 == 1 {
		return nil, &types.ProvisionedThroughputExceededException{}
	}
	return f.Client.Scan(ctx, in, opts...)
}
