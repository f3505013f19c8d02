package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/backup"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/keys"
	"github.com/gatehouse-portal/gatehouse/members"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func (n Names) backup() backup.Names {
	return backup.Names{Journal: n.Journal, Records: n.Records, Usage: n.Usage, Views: n.Views, Sessions: n.Sessions}
}

// Backup writes all rows that must not be lost to a file, or to s3://bucket/key, while everything
// runs. It overwrites nothing. progress counts the rows so far of a table.
func Backup(ctx context.Context, p Process, to string, progress func(of backup.Table, rows int)) (backup.Counts, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	place, err := backup.ParsePlace(to, c.s3)
	if err != nil {
		return nil, err
	}
	from := backup.Backup{
		Source: c.dynamodb, Names: names.backup(), Prefix: p.Config.Prefix, Region: c.config.Region, Version: Version, Now: p.now(), Wait: wait,
	}
	if err := c.tablesAnswer(ctx, names); err != nil {
		return nil, err
	}
	var rows backup.Counts
	err = place.Write(ctx, func(out io.Writer) (err error) {
		rows, err = from.Write(ctx, out, progress)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return nil, errors.New("interrupted; there is no backup")
	}
	return rows, InWords(err)
}

// tablesAnswer fails soon if DynamoDB does not answer. Later calls wait for minutes, so that an outage does not end a
// backup or a restore that is under way.
func (c clients) tablesAnswer(ctx context.Context, names Names) error {
	quick, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	_, err := c.dynamodb.Scan(quick, &dynamodb.ScanInput{TableName: &names.Records, Limit: aws.Int32(1)})
	if err != nil && ctx.Err() != nil {
		return errors.New("interrupted before anything was written")
	}
	return InWords(err)
}

// RestoreOptions say what a restore may do all the same.
type RestoreOptions struct {
	// OtherKMSKey restores API keys that are derived from a KMS key which this process cannot use.
	OtherKMSKey bool
	// WorkersMayRun restores although workers seem to run.
	WorkersMayRun bool
}

// CheckBackup reads a backup to its end, and writes nothing.
func CheckBackup(ctx context.Context, p Process, from string, progress func(rows int)) (backup.Checked, error) {
	place, err := backup.ParsePlace(from, newClients(p.AWS).s3)
	if err != nil {
		return backup.Checked{}, err
	}
	return checkBackup(ctx, place, progress)
}

func checkBackup(ctx context.Context, place backup.Place, progress func(rows int)) (backup.Checked, error) {
	in, err := place.Open(ctx)
	if err != nil {
		return backup.Checked{}, InWords(err)
	}
	defer func() { _ = in.Close() }()
	checked, err := backup.Check(in, progress)
	return checked, whyNot(ctx, err)
}

// RestoreBackup checks a backup and restores it into empty tables, then has the workers sweep. An
// interrupted restore of the same file continues. checking and progress count rows.
func RestoreBackup(ctx context.Context, p Process, from string, options RestoreOptions, checking func(rows int), progress func(done, total int)) (backup.Checked, error) {
	c, names := newClients(p.AWS), NamesFor(p.Config.Prefix)
	place, err := backup.ParsePlace(from, c.s3)
	if err != nil {
		return backup.Checked{}, err
	}
	checked, err := checkBackup(ctx, place, checking)
	if err != nil {
		return checked, err
	}
	if err := c.tablesAnswer(ctx, names); err != nil {
		return checked, err
	}
	if !options.WorkersMayRun {
		if err := workersStopped(ctx, c, names, p, "and they would work with half of the journal"); err != nil {
			return checked, err
		}
	}
	if !options.OtherKMSKey {
		if err := c.sameKMSKeys(ctx, p.Config, checked.KMSKeys); err != nil {
			return checked, err
		}
	}
	in, err := place.Open(ctx)
	if err != nil {
		return checked, InWords(err)
	}
	defer func() { _ = in.Close() }()
	into := backup.Restore{
		Destination: c.dynamodb, Names: names.backup(), Now: p.now(), Wait: wait, Head: journal.New(c.dynamodb, names.Journal, names.Records).Head,
	}
	if err := into.Run(ctx, in, checked, progress); err != nil {
		return checked, whyNot(ctx, err)
	}
	if err := auditOperator(ctx, c, names, p.now(), members.AuditEntry{What: members.AuditRestored, Count: checked.Rows.Total()}); err != nil {
		return checked, err
	}
	_, err = demandRun(ctx, p, sweepJob)
	return checked, InWords(err)
}

// sameKMSKeys fails unless every KMS key of the backup can be used here and has the same material.
func (c clients) sameKMSKeys(ctx context.Context, cfg Config, of []backup.KMSKey) error {
	deriver, err := keys.New(c.kms, cfg.KeyPrefix)
	if err != nil {
		return err
	}
	var others []string
	for _, key := range of {
		tag, err := deriver.CheckTag(ctx, key.Name)
		var failed *keys.KMSError
		switch {
		case err == nil && tag == key.Tag:
		case err == nil:
			others = append(others, key.Name+" (its material differs)")
		case errors.As(err, &failed) && failed.Passes():
			return InWords(err)
		default:
			others = append(others, key.Name+" (it cannot be used here)")
		}
	}
	if len(others) == 0 {
		return nil
	}
	return portal.Fail(portal.Conflict, fmt.Sprintf("API keys in this backup are derived from KMS keys that this installation does not have: %s. Their values could neither be shown nor made again. "+
		"Replicate the KMS key to this Region and name it in GATEHOUSE_KMS_KEY, or allow these credentials to use it. If it is lost, add --other-kms-key.", strings.Join(others, ", ")))
}
