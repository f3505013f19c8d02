package backup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Destination is what a restore writes to.
type Destination interface {
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
}

// KMSKey is a KMS key that set-up has seen. Name is its name in facts. Tag tells its material from that of
// other keys.
type KMSKey struct{ Name, Tag string }

// Checked is what Check has found in a file.
type Checked struct {
	Header
	Rows   Counts
	SHA256 string
	// KMSKeys are the KMS keys from which the values of the installation's API keys may follow.
	KMSKeys []KMSKey
}

// Check reads a whole file, and writes nothing. The error is Invalid if the file is incomplete, altered
// or of a newer format.
func Check(from io.Reader, progress func(rows int)) (Checked, error) {
	var found Checked
	rows := 0
	header, last, err := readFile(from, func(of Table, row item) error {
		if key := schema.KeyOf(row); of == Records && schema.IsKMSCheck(key) {
			found.KMSKeys = append(found.KMSKeys, KMSKey{Name: schema.TextOf(row["kms_key"]), Tag: schema.TextOf(row["tag"])})
		}
		if rows++; rows%1000 == 0 {
			progress(rows)
		}
		return nil
	})
	found.Header, found.Rows, found.SHA256 = header, last.End.Rows, last.End.SHA256
	return found, err
}

// Restore restores backups into empty tables.
type Restore struct {
	Destination Destination
	Names       Names
	Now         func() time.Time
	Wait        func(ctx context.Context, d time.Duration) error
	// Head returns the last sequence of a stream in the journal, 0 for none.
	Head func(ctx context.Context, stream portal.Stream) (int64, error)
}

const (
	batchRows, batchesAtOnce = 25, 8
	gatherRows               = batchRows * batchesAtOnce
)

// Run restores the file that Check has checked. It continues an earlier run of the same file that did not
// end. Otherwise the error is a Conflict if the tables are not empty, which it says differently if this file
// has filled them. It is also a Conflict while another run restores. After any other error the tables are
// partly filled, and Run continues when it is called again. progress counts rows.
func (r *Restore) Run(ctx context.Context, from io.Reader, checked Checked, progress func(done, total int)) error {
	run, err := r.begin(ctx, checked)
	if err != nil {
		return err
	}
	w := &restoring{Restore: r, run: run, ctx: ctx, total: checked.Rows.Total(), progress: progress}
	header, last, err := readFile(from, w.add)
	if err == nil && (last.End.SHA256 != checked.SHA256 || header.Format != checked.Format) {
		err = portal.Fail(portal.Conflict, "The file was changed while it was being restored. Delete the tables, run `gatehouse setup`, and restore again.")
	}
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		w.giveUp()
		return err
	}
	return w.conclude()
}

// restoring gathers rows and writes them gatherRows at a time. No two gathered rows have the same key, so that
// a later row of the file replaces an earlier one.
type restoring struct {
	*Restore
	run      restoreRow
	ctx      context.Context
	gathered []pending
	keys     map[pendingKey]bool
	// facts counts the gathered rows of the journal.
	facts int
	// read counts the rows that were written, or are gathered.
	read     int
	total    int
	progress func(done, total int)
}

type pending struct {
	table string
	row   item
}

type pendingKey struct {
	table string
	key   schema.Key
}

func (w *restoring) add(of Table, row item) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if w.read < w.run.Done {
		w.read++
		return nil // an earlier run has written it
	}
	rows := []pending{{w.nameOf(of), row}}
	key := schema.KeyOf(row)
	stream, sequence, isFact := schema.FactOf(key)
	account, isTold := schema.ToldOf(key)
	switch {
	case of == Journal && isFact && sequence == 1:
		rows = append(rows, pending{w.Names.Journal, schema.RegisteredStream(stream).Attributes()})
	case of == Records && isTold:
		if err := w.lowerTold(row, account); err != nil {
			return err
		}
	}
	for _, one := range rows {
		at := pendingKey{one.table, schema.KeyOf(one.row)}
		if w.keys[at] {
			if err := w.flush(); err != nil {
				return err
			}
		}
		if w.keys == nil {
			w.keys = map[pendingKey]bool{}
		}
		w.keys[at], w.gathered = true, append(w.gathered, one)
	}
	if of == Journal {
		w.facts++
	}
	w.read++
	if len(w.gathered) < gatherRows {
		return nil
	}
	return w.flush()
}

func (w *restoring) nameOf(of Table) string {
	return map[Table]string{Journal: w.Names.Journal, Records: w.Names.Records, Usage: w.Names.Usage}[of]
}

// lowerTold lowers the row that says how far an account was told of its facts to the end of the account's
// stream. The file read that row after the journal, so it may be ahead; then the account would not be told
// of the next facts.
func (w *restoring) lowerTold(row item, account portal.AccountID) error {
	if w.facts > 0 {
		if err := w.flush(); err != nil {
			return err
		}
	}
	var head int64
	err := retry(w.ctx, w.Wait, func() (err error) {
		head, err = w.Head(w.ctx, portal.AccountStream(account))
		return err
	})
	if err == nil && schema.NumberOf(row["seq"]) > head {
		row["seq"] = schema.Number(head)
	}
	return err
}

func (w *restoring) flush() error {
	if len(w.gathered) == 0 {
		return nil
	}
	group, ctx := errgroup.WithContext(w.ctx)
	for begin := 0; begin < len(w.gathered); begin += batchRows {
		batch := w.gathered[begin:min(begin+batchRows, len(w.gathered))]
		group.Go(portal.Guard(func() error { return w.write(ctx, batch) }))
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("writing rows: %w", err)
	}
	w.gathered, w.keys, w.facts = w.gathered[:0], nil, 0
	w.run.Done = w.read
	if err := w.store(w.ctx, &w.run); err != nil {
		return err
	}
	w.progress(w.read, w.total)
	return nil
}

func (w *restoring) write(ctx context.Context, batch []pending) error {
	left := map[string][]types.WriteRequest{}
	for _, one := range batch {
		left[one.table] = append(left[one.table], types.WriteRequest{PutRequest: &types.PutRequest{Item: one.row}})
	}
	for {
		fewer := false
		err := retry(ctx, w.Wait, func() error {
			out, err := w.Destination.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: left})
			if err != nil {
				return err
			}
			fewer = fewer || requests(out.UnprocessedItems) < requests(left)
			if left = out.UnprocessedItems; len(left) > 0 {
				return errUnprocessed
			}
			return nil
		})
		// The tries are for a table that takes nothing. One that takes a few rows at a time is only slow.
		if !fewer || !errors.Is(err, errUnprocessed) {
			return err
		}
	}
}

func requests(byTable map[string][]types.WriteRequest) (n int) {
	for _, all := range byTable {
		n += len(all)
	}
	return n
}

// begin checks that this run may restore, and makes it the one that does.
func (r *Restore) begin(ctx context.Context, checked Checked) (restoreRow, error) {
	run, found, err := r.load(ctx)
	switch {
	case err != nil:
		return run, err
	case found && run.alive(r.Now()):
		return run, portal.Fail(portal.Conflict, "Another restore is running, or was stopped less than two minutes ago. Wait for it, or try again in two minutes.")
	case found && run.Ended.IsZero() && run.SHA256 != checked.SHA256:
		return run, portal.Fail(portal.Conflict, "The restore of another backup has not ended here. Run it again with that file; or delete all tables, run `gatehouse setup`, and restore this one.")
	case !found || !run.Ended.IsZero():
		err := r.requireEmpty(ctx)
		if portal.CodeOf(err) == portal.Conflict && found && run.SHA256 == checked.SHA256 {
			return run, portal.Fail(portal.Conflict, fmt.Sprintf("This backup has been restored here already, at %s, and nothing is left to restore. "+
				"Start the workers. If they do not show everything, run `gatehouse sweep`.", run.Ended.UTC().Format("2006-01-02 15:04:05 UTC")))
		}
		if err != nil {
			return run, err
		}
		run = restoreRow{SHA256: checked.SHA256, Rows: checked.Rows.Total(), Began: r.Now().UTC(), Version: run.Version}
	}
	run.Holder = rand.Text()
	return run, r.store(ctx, &run)
}

// requireEmpty fails if a table has rows other than those that set-up and this command write.
func (r *Restore) requireEmpty(ctx context.Context) error {
	for _, name := range []string{r.Names.Journal, r.Names.Records, r.Names.Usage, r.Names.Views, r.Names.Sessions} {
		in := &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk, sk")}
		for more := true; more; more = in.ExclusiveStartKey != nil {
			var page *dynamodb.ScanOutput
			err := retry(ctx, r.Wait, func() (err error) {
				page, err = r.Destination.Scan(ctx, in)
				return err
			})
			if err != nil {
				return fmt.Errorf("reading table %s: %w", name, err)
			}
			for _, row := range page.Items {
				if key := schema.KeyOf(row); name != r.Names.Records || !schema.LeftOut(key) && !schema.IsKMSCheck(key) {
					return portal.Fail(portal.Conflict, fmt.Sprintf("Table %s is not empty. A backup is restored only into empty tables: stop portals and workers, delete all five tables, and run `gatehouse setup`.", name))
				}
			}
			in.ExclusiveStartKey = page.LastEvaluatedKey
		}
	}
	return nil
}

// giveUp lets the next run begin at once.
func (w *restoring) giveUp() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), storeTimeout)
	defer cancel()
	w.run.Holder = ""
	_ = w.store(ctx, &w.run) // otherwise the next run waits for two minutes
}

func (w *restoring) conclude() error {
	w.run.Holder, w.run.Ended = "", w.Now().UTC()
	return w.store(w.ctx, &w.run)
}
