package jobs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/due"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state"
)

const dueBatch = 100

type queries interface {
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

type accountReader interface {
	Account(ctx context.Context, id portal.AccountID) (accounts.History, error)
}

type journalReader interface {
	Read(ctx context.Context, stream portal.Stream, after int64) ([]events.Event, error)
}

type rowWriter interface {
	Write(ctx context.Context, rows ...journal.Row) error
}

type sender interface {
	Send(ctx context.Context, messages ...events.Event) error
}

type republisher interface {
	Republish(ctx context.Context, operation portal.OperationID) (done bool, err error)
}

// waking handles due rows of another package.
type waking interface {
	Wake(ctx context.Context, row due.Row) (done bool, err error)
}

// DueRows is the job that handles due rows. Two runs at once may send messages twice, which is harmless. It
// passes over a row that this version does not know or cannot decode, and the row stays as it is. A row
// whose stream cannot be read is put off.
type DueRows struct {
	Records    string
	Tables     queries
	Accounts   accountReader
	Journal    journalReader
	Rows       rowWriter
	Operations republisher
	Deliveries waking
	AdminItems waking
	Metering   waking
	Sender     sender
	Now        func() time.Time
	// Only is the kind of row that this job handles. "" means all kinds except those in Elsewhere.
	Only due.Kind
	// Elsewhere has the kinds of row that take long, each with the job that handles it, so that other rows are
	// on time. This job leaves rows of these kinds alone and asks for a run of their job.
	Elsewhere map[due.Kind]string
	// PassedOver, if not nil, hears of each row that is passed over, by its kind, or "" if the row could not be
	// decoded.
	PassedOver func(kind string)
	// Oldest, if not nil, gets the time when the oldest due row of a shard fell due, without the kinds in
	// Elsewhere. It gets the present time if no row is due.
	Oldest func(due time.Time)
}

type found struct {
	due.Row
	at schema.Key
}

func (f found) gone() journal.Row { return journal.Row{Key: f.at} }

// stepTime is the time after which a step leaves the rest of its batch to the next step.
const stepTime = 10 * time.Second

// Run handles a batch of one shard's due rows, or as many as take stepTime. The cursor is the shard's number and
// the sort key of the last row.
func (d DueRows) Run(ctx context.Context, cursor string) (next string, err error) {
	number, after, _ := strings.Cut(cursor, " ")
	shard, _ := strconv.Atoi(number)
	rows, last, err := d.due(ctx, shard, after)
	if err != nil {
		return "", err
	}
	if d.Oldest != nil && after == "" {
		d.Oldest(d.oldest(rows))
	}
	began, woken, elsewhere := d.Now(), map[portal.Stream]bool{}, map[string]bool{}
	for _, row := range rows {
		if d.Now().Sub(began) >= stepTime {
			break
		}
		after = row.at.SK
		if job, apart := d.Elsewhere[row.Kind]; apart {
			elsewhere[job] = true
			continue
		}
		if d.Only != "" && row.Kind != d.Only {
			continue
		}
		err := portal.Guard(func() error { return d.handle(ctx, row, woken) })()
		var postponed *portal.Postponed
		if errors.As(err, &postponed) {
			return "", err
		}
		if err != nil {
			if err := d.passOver(ctx, row, err); err != nil {
				return "", err
			}
		}
	}
	if err := d.demand(ctx, elsewhere); err != nil {
		return "", err
	}
	if n := len(rows); n > 0 && after != rows[n-1].at.SK {
		last = after
	}
	switch {
	case last != "":
		return fmt.Sprintf("%d %s", shard, last), nil
	case shard+1 < schema.DueShards:
		return strconv.Itoa(shard + 1), nil
	}
	return "", nil
}

// demand asks for runs of the jobs that handle the rows left alone, at most one run of each job a minute.
func (d DueRows) demand(ctx context.Context, elsewhere map[string]bool) error {
	now := d.Now()
	for job := range elsewhere {
		id := portal.DeriveID("due", job, now.UTC().Truncate(time.Minute).Format(time.RFC3339))
		if err := d.Sender.Send(ctx, Demand(job, id, id, now)); err != nil {
			return portal.Postpone("the queues do not answer", fmt.Errorf("asking for a run of the job %s: %w", job, err))
		}
	}
	return nil
}

func (d DueRows) due(ctx context.Context, shard int, after string) (rows []found, last string, err error) {
	out, err := d.Tables.Query(ctx, &dynamodb.QueryInput{
		TableName:              &d.Records,
		ConsistentRead:         aws.Bool(true),
		KeyConditionExpression: aws.String("pk = :shard AND sk BETWEEN :after AND :now"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":shard": schema.Text(schema.DuePartition(shard)),
			":after": schema.Text(after + "!"), // the first text after it
			":now":   schema.Text(schema.Milliseconds(d.Now())),
		},
		Limit: aws.Int32(dueBatch),
	})
	if err != nil {
		return nil, "", portal.Postpone("the records do not answer", fmt.Errorf("reading due rows: %w", err))
	}
	for _, item := range out.Items {
		row := found{at: schema.KeyOf(item)}
		last = row.at.SK
		if err := attributevalue.UnmarshalMap(item, &row.Row); err != nil {
			d.reportPassedOver(ctx, "", row.at.SK, err)
			continue
		}
		rows = append(rows, row)
	}
	if len(out.Items) < dueBatch {
		last = ""
	}
	return rows, last, nil
}

// oldest returns when the first of a shard's rows fell due, which begins its sort key; see schema.DueRow.
func (d DueRows) oldest(rows []found) time.Time {
	for _, row := range rows {
		if _, apart := d.Elsewhere[row.Kind]; apart {
			continue
		}
		text, _, _ := strings.Cut(row.at.SK, "#")
		if at, err := strconv.ParseInt(text, 10, 64); err == nil {
			return time.UnixMilli(at)
		}
	}
	return d.Now()
}

var errUnknownKind = errors.New("its kind is not known here; newer workers may know it")

// passOver gives a row that cannot be handled a later time, unless it is for newer workers.
func (d DueRows) passOver(ctx context.Context, row found, cause error) error {
	d.reportPassedOver(ctx, string(row.Kind), row.at.SK, cause)
	if errors.Is(cause, errUnknownKind) {
		return nil
	}
	return d.Rows.Write(ctx, row.gone(), journal.PutDue(row.Next(d.Now())))
}

func (d DueRows) reportPassedOver(ctx context.Context, kind, sk string, err error) {
	portal.WithStack(zerolog.Ctx(ctx).Error().Err(err).Str("kind", kind).Str("row", sk), err).
		Msg("a due row is passed over")
	if d.PassedOver != nil {
		d.PassedOver(kind)
	}
}

// handle does what a row says, then puts the row off or deletes it. After a crash in between, the next run
// does both again. woken has the streams for which this batch has woken the converger.
func (d DueRows) handle(ctx context.Context, row found, woken map[portal.Stream]bool) error {
	done, err := false, error(nil)
	switch row.Kind {
	case due.Wish:
		done, err = d.wakeConverger(ctx, row, woken)
	case due.Operation:
		done, err = d.Operations.Republish(ctx, row.Operation)
	case due.IdleKey:
		done, err = d.requestRelease(ctx, row)
	case due.KeyEnd, due.KeyEndSoon, due.KeyRemoval:
		done, err = d.serveKey(ctx, row)
	case due.Licence:
		done, err = d.tellOfLicence(ctx, row)
	case due.Metering:
		done, err = d.Metering.Wake(ctx, row.Row)
	case due.Delivery:
		done, err = d.Deliveries.Wake(ctx, row.Row)
	case due.AdminItem:
		done, err = d.AdminItems.Wake(ctx, row.Row)
	default:
		return errUnknownKind
	}
	if err != nil {
		return err
	}
	if done {
		return d.Rows.Write(ctx, row.gone())
	}
	return d.Rows.Write(ctx, row.gone(), journal.PutDue(row.Next(d.Now())))
}

// account reads the row's account. Rows about other streams are for newer workers.
func (d DueRows) account(ctx context.Context, row found) (state.Account, error) {
	id, ok := row.Stream.Account()
	if !ok {
		return state.Account{}, errUnknownKind
	}
	history, err := d.Accounts.Account(ctx, id)
	return history.Account, err
}

// wakeConverger wakes the converger for the row's stream, at most once in a batch. done is true if the wish
// has ended.
func (d DueRows) wakeConverger(ctx context.Context, row found, woken map[portal.Stream]bool) (done bool, err error) {
	account, err := d.account(ctx, row)
	if err != nil {
		return false, err
	}
	// A fact that this worker does not understand may have opened the wish again: leave it to
	// newer workers.
	if account.NotUnderstood == "" && !account.WishOpen(row.Opened) {
		return true, nil
	}
	if woken[row.Stream] {
		return false, nil
	}
	fact := journal.FactID(row.Stream, row.Opened)
	err = d.Sender.Send(ctx, events.Event{
		ID: portal.DeriveID("provision", fact, strconv.Itoa(row.Asked+1)), Source: "/gatehouse/jobs", Subject: row.Stream, Time: d.Now(),
		Causation: fact, Correlation: row.Correlation, Data: events.ProvisionRequested{},
	})
	woken[row.Stream] = err == nil
	return false, portal.Postpone("the queues do not answer", err)
}

// requestRelease asks for the release of an idle key, unless its ring is in use again.
func (d DueRows) requestRelease(ctx context.Context, row found) (done bool, err error) {
	account, err := d.account(ctx, row)
	if err != nil {
		return false, err
	}
	key := account.Keys[row.Key]
	if !key.Created() || account.Rings[key.Ring].EmptiedBy != row.Emptied {
		return true, nil
	}
	if key.Releasing == 0 {
		request := portal.DeriveID("release", string(row.Stream), string(row.Key), strconv.FormatInt(row.Emptied, 10))
		err = d.Sender.Send(ctx, events.Event{
			ID: request, Source: "/gatehouse/jobs", Subject: row.Stream, Time: d.Now(), Correlation: request,
			Data: events.KeyReleaseRequested{Key: row.Key, Emptied: row.Emptied},
		})
	}
	return false, portal.Postpone("the queues do not answer", err)
}
