package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

func TestABackupIsRestoredAsItWas(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(700)
	file := from.backup(from)
	for _, left := range []string{"job#", "snapshot#", `"budget"`, "sweep-result", "registry#", "session#", "generation"} {
		if strings.Contains(unpacked(t, file), left) {
			t.Errorf("the file has rows of %s", left)
		}
	}
	checked := check(t, file)
	if checked.Prefix != "gatehouse" || !checked.Began.Equal(began) || len(checked.KMSKeys) != 1 || checked.KMSKeys[0].Tag == "" {
		t.Errorf("the file says %+v", checked)
	}
	to.restore(file)
	wantSame(t, to, from)
	listed := 0
	for key := range to.rows(to.names.Journal) {
		if schema.IsRegistered(key) {
			listed++
		}
	}
	if listed != 701 {
		t.Errorf("%d streams are listed, want 701", listed)
	}
}

// trickle is a table that takes one row of each batch.
type trickle struct{ world }

func (s trickle) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	out := &dynamodb.BatchWriteItemOutput{}
	first := true
	for table, all := range in.RequestItems {
		if first {
			if _, err := s.Client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: all[:1]}}, opts...); err != nil {
				return nil, err
			}
			all, first = all[1:], false
		}
		if len(all) > 0 {
			if out.UnprocessedItems == nil {
				out.UnprocessedItems = map[string][]types.WriteRequest{}
			}
			out.UnprocessedItems[table] = all
		}
	}
	return out, nil
}

func TestATableThatTakesFewRowsAtATimeIsRestored(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(30)
	file := from.backup(from)
	r := to.restorer(trickle{to})
	if err := r.Run(t.Context(), bytes.NewReader(file), check(t, file), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	wantSame(t, to, from)
}

func TestThrottledCallsAreRepeated(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(300)
	file := from.backup(&faulty{world: from, every: 3})
	r := to.restorer(&faulty{world: to, every: 3})
	if err := r.Run(t.Context(), bytes.NewReader(file), check(t, file), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	wantSame(t, to, from)
}

// meanwhile calls then once, after the journal was read.
type meanwhile struct {
	world
	then func()
}

func (m *meanwhile) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if *in.TableName == m.names.Records && m.then != nil {
		m.then()
		m.then = nil
	}
	return m.world.Scan(ctx, in, opts...)
}

func TestWhatHappensDuringABackupFitsTogether(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(0)
	late := began.Add(time.Second)
	file := from.backup(&meanwhile{from, func() {
		from.put(from.names.Journal, row(schema.Identity("new"), item{"account": text("new")}), row(schema.Fact("account/ann", 4), nil), row(schema.Fact("account/new", 1), nil))
		from.put(from.names.Records, row(schema.Person("new"), item{"identity": text("new")}), row(schema.Told("ann"), item{"seq": schema.Number(4)}),
			row(schema.Operation("late"), item{"id": text("late"), "subject": text("account/new"), "created_at": schema.Time(late)}))
		key := schema.DueRow("account/ann", began, "x").Attributes()
		if _, err := from.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &from.names.Records, Key: key}); err != nil {
			t.Error(err)
		}
	}})
	to.restore(file)
	facts, records := to.rows(to.names.Journal), to.rows(to.names.Records)
	if facts[schema.Identity("new")] == nil {
		t.Error("the identity of a person who signed in meanwhile is missing")
	}
	if facts[schema.Fact("account/ann", 4)] != nil || facts[schema.Fact("account/new", 1)] != nil {
		t.Error("it has facts that were appended after the journal was read")
	}
	if got := schema.NumberOf(records[schema.Told("ann")]["seq"]); got != 3 {
		t.Errorf("ann was told up to %d, want 3, the last fact of the journal", got)
	}
	if records[due.OfOperation("account/new", "late", late).Place()] == nil {
		t.Error("the late request would not be sent again")
	}
	if records[schema.DueRow("account/ann", began, "x")] == nil {
		t.Error("a due row that a worker deleted meanwhile is missing, although its fact may be")
	}
}

// slow has one row on a page of the journal, and each page takes half a minute. It calls on with the number of
// each page, and then with 0 before the records are read.
type slow struct {
	world
	now  time.Time
	page int
	on   func(page int, now time.Time)
}

func (s *slow) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if *in.TableName != s.names.Journal {
		s.on(0, s.now)
		return s.world.Scan(ctx, in, opts...)
	}
	s.now, s.page = s.now.Add(30*time.Second), s.page+1
	s.on(s.page, s.now)
	some := *in
	some.Limit = aws.Int32(1)
	return s.world.Scan(ctx, &some, opts...)
}

// A row about a licence falls due after two minutes, and is deleted then. No other row stands for it.
func TestADueRowThatLivesForTwoMinutesOfABackupIsInIt(t *testing.T) {
	t.Parallel()
	from, to := newWorld(t), newWorld(t)
	from.fill(4)
	written := map[string]schema.Key{}
	write := func(name string, now time.Time) {
		written[name] = due.OfLicence("licence/"+portal.Stream(name), 1, now, "ann").Place()
		from.put(from.names.Records, row(written[name], item{"kind": text("licence")}))
	}
	remove := func(name string) {
		if _, err := from.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &from.names.Records, Key: written[name].Attributes()}); err != nil {
			t.Error(err)
		}
	}
	source := &slow{world: from, now: began, on: func(page int, now time.Time) {
		switch page {
		case 1:
			write("early", now)
		case 5:
			remove("early")
			write("late", now)
		case 0:
			remove("late")
		}
	}}
	var file bytes.Buffer
	b := backup.Backup{Source: source, Names: from.names, Now: func() time.Time { return source.now }, Wait: noWait}
	if _, err := b.Write(t.Context(), &file, func(backup.Table, int) {}); err != nil {
		t.Fatal(err)
	}
	to.restore(file.Bytes())
	records := to.rows(to.names.Records)
	for name, key := range written {
		if records[key] == nil {
			t.Errorf("the %s row is missing", name)
		}
	}
	if len(written) != 2 || source.page < 5 {
		t.Errorf("%d rows were written on %d pages", len(written), source.page)
	}
}

func TestAnInterruptedRestoreGoesOn(t *testing.T) {
	t.Parallel()
	from, to, file, checked := backedUp(t, 900)
	stopping := &faulty{world: to, stopAfter: 19}
	r := to.restorer(stopping)
	if err := r.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("it ends with %v", err)
	}
	if n := len(to.rows(to.names.Journal)); n == 0 || n > 900 {
		t.Fatalf("%d rows of the journal are written", n)
	}
	other := check(t, sealed("", `{"gatehouse_backup":1,"made_by":"x","prefix":"g","region":"r"}`))
	r = to.restorer(to)
	if err := r.Run(t.Context(), bytes.NewReader(nil), other, func(int, int) {}); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("another backup is restored over it: %v", err)
	}
	first := -1
	if err := r.Run(t.Context(), bytes.NewReader(file), checked, func(done, _ int) {
		if first < 0 {
			first = done
		}
	}); err != nil {
		t.Fatal(err)
	}
	if first <= 250 {
		t.Errorf("the second run has begun again: after its first writes %d rows are done", first)
	}
	wantSame(t, to, from)
	if err := r.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); portal.CodeOf(err) != portal.Conflict || !strings.Contains(err.Error(), "has been restored here already") || strings.Contains(err.Error(), "delete") {
		t.Errorf("after its end it is restored again: %v", err)
	}
	if err := r.Run(t.Context(), bytes.NewReader(nil), other, func(int, int) {}); portal.CodeOf(err) != portal.Conflict || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("another backup is restored over what it restored: %v", err)
	}
}

func TestARestoreThatHasNotEndedIsFound(t *testing.T) {
	t.Parallel()
	_, to, file, checked := backedUp(t, 900)
	unfinished := func() backup.Unfinished {
		t.Helper()
		left, err := backup.UnfinishedRestore(t.Context(), to, to.names.Records)
		if err != nil {
			t.Fatal(err)
		}
		return left
	}
	if left := unfinished(); left != (backup.Unfinished{}) {
		t.Errorf("before any restore it finds %+v", left)
	}
	r := to.restorer(&faulty{world: to, stopAfter: 19})
	_ = r.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {})
	if left := unfinished(); left.Rows != checked.Rows.Total() || left.Done <= 0 || left.Done >= left.Rows {
		t.Errorf("after an interruption it finds %+v", left)
	}
	r = to.restorer(to)
	if err := r.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	if left := unfinished(); left != (backup.Unfinished{}) {
		t.Errorf("after its end it finds %+v", left)
	}
}

// interrupted cancels its context while the run records how far it has come.
type interrupted struct {
	world
	cancel context.CancelFunc
	left   int
}

func (i *interrupted) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if i.left--; i.left == 0 {
		i.cancel()
	}
	return i.world.PutItem(ctx, in, opts...)
}

func TestARestoreThatWasInterruptedWhileItRecordsItsProgressGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	from, to, file, checked := backedUp(t, 900)
	for nth := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		r := to.restorer(&interrupted{to, cancel, nth + 1})
		if err := r.Run(ctx, bytes.NewReader(file), checked, func(int, int) {}); !errors.Is(err, context.Canceled) {
			t.Fatalf("it ends with %v", err)
		}
	}
	to.restore(file)
	wantSame(t, to, from)
}

// during calls then in the first write.
type during struct {
	world
	then func()
}

func (d *during) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	if d.then != nil {
		then := d.then
		d.then = nil
		then()
	}
	return d.world.BatchWriteItem(ctx, in, opts...)
}

func TestOfTwoRestoresAtOnceOneIsRefused(t *testing.T) {
	t.Parallel()
	from, to, file, checked := backedUp(t, 10)
	second := to.restorer(to)
	first := to.restorer(&during{to, func() {
		if err := second.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); portal.CodeOf(err) != portal.Conflict {
			t.Errorf("a second restore ends with %v", err)
		}
	}})
	if err := first.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); err != nil {
		t.Fatal(err)
	}
	wantSame(t, to, from)
}

// A worker's machine may be suspended while another restore begins.
func TestARestoreThatWasOvertakenStops(t *testing.T) {
	t.Parallel()
	from, to, file, checked := backedUp(t, 10)
	second := to.restorer(to)
	second.Now = func() time.Time { return began.Add(time.Hour) }
	first := to.restorer(&during{to, func() {
		if err := second.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); err != nil {
			t.Error(err)
		}
	}})
	if err := first.Run(t.Context(), bytes.NewReader(file), checked, func(int, int) {}); portal.CodeOf(err) != portal.Conflict {
		t.Errorf("it ends with %v", err)
	}
	wantSame(t, to, from)
}

func TestTablesThatAreNotEmptyAreRefused(t *testing.T) {
	t.Parallel()
	from := newWorld(t)
	from.fill(0)
	file := from.backup(from)
	n := from.names
	for table, key := range map[string]schema.Key{
		n.Journal: schema.Fact("account/bob", 1), n.Records: schema.Operation("bob"), n.Usage: schema.UsageCycle(), n.Views: schema.LiveGeneration(), n.Sessions: schema.Session("s"),
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			to := newWorld(t)
			to.put(table, row(key, nil))
			to.put(n.Records, row(schema.JobRun("due"), nil))
			r := to.restorer(to)
			err := r.Run(t.Context(), bytes.NewReader(file), check(t, file), func(int, int) {})
			if portal.CodeOf(err) != portal.Conflict || !strings.Contains(err.Error(), table) {
				t.Errorf("it ends with %v", err)
			}
		})
	}
}

// endless is a journal of that many facts, a thousand to a page, and nothing else.
type endless struct {
	facts int
	page  func()
}

func (e endless) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if *in.TableName != "journal" {
		return &dynamodb.ScanOutput{}, nil
	}
	e.page()
	from := 0
	if in.ExclusiveStartKey != nil {
		_, _ = fmt.Sscanf(schema.KeyOf(in.ExclusiveStartKey).PK, "account/%d", &from)
	}
	out := &dynamodb.ScanOutput{}
	for i := from; i < min(from+1000, e.facts); i++ {
		out.Items = append(out.Items, row(schema.Fact(portal.Stream(fmt.Sprintf("account/%d", i)), 1), item{"event": text(strings.Repeat("x", 800) + fmt.Sprint(i*i))}))
	}
	if from+1000 < e.facts {
		out.LastEvaluatedKey = schema.Fact(portal.Stream(fmt.Sprintf("account/%d", from+1000)), 1).Attributes()
	}
	return out, nil
}

func (endless) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return &dynamodb.QueryOutput{}, nil
}

func (endless) BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	return &dynamodb.BatchGetItemOutput{}, nil
}

// The test is not parallel: it measures the memory of the process.
func TestAHundredThousandFactsNeedLittleMemory(t *testing.T) {
	const facts, most = 100_000, 64 << 20
	var highest uint64
	pages := 0
	look := func() {
		if pages++; pages%10 == 0 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			highest = max(highest, now.HeapAlloc)
		}
	}
	b := backup.Backup{Source: endless{facts, look}, Names: backup.Names{Journal: "journal", Records: "records", Usage: "usage"}, Now: clock, Wait: noWait}
	reader, writer := io.Pipe()
	go func() {
		_, err := b.Write(t.Context(), writer, func(backup.Table, int) {})
		_ = writer.CloseWithError(err)
	}()
	checked, err := backup.Check(reader, func(int) { look() })
	if err != nil || checked.Rows.Total() != facts {
		t.Fatalf("the file has %v rows: %v", checked.Rows, err)
	}
	if highest > most {
		t.Errorf("the heap has grown to %d MB", highest>>20)
	}
}
