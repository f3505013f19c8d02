package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/backup"
)

type backupCommand struct {
	output
	To string `arg:"" name:"to" help:"A file that does not exist yet, or s3://BUCKET/KEY."`
}

func (backupCommand) Help() string {
	return `The command writes journal, records and usage to one file, while portal and workers run. The file holds no API key and no secret, but the e-mail addresses and names of people: keep it as you keep the tables. Without the KMS key, the API keys' values cannot be computed from it.

Views are not in it, because they follow from the journal, nor are sessions. An interrupted backup leaves no file.`
}

type backedUpJSON struct {
	To   string        `json:"to"`
	Rows backup.Counts `json:"rows"`
}

func (c backupCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	bar := newProgressBar(os.Stderr, "", 0)
	rows, err := app.Backup(ctx, p, c.To, func(of backup.Table, n int) {
		bar.begin("reading "+string(of)+", rows", 0)
		bar.tell(n)
	})
	bar.end()
	if err != nil {
		return err
	}
	return c.print(os.Stdout, backedUpJSON{c.To, rows}, func(w io.Writer) {
		fmt.Fprintf(w, "Wrote %s to %s: %s.\n", count(rows.Total(), "row"), oneLine(c.To), rows.Describe())
	})
}

type restoreCommand struct {
	output
	From          string `arg:"" name:"from" help:"A file, or s3://BUCKET/KEY."`
	Check         bool   `help:"Only check whether the file is a whole backup, and say what is in it."`
	OtherKMSKey   bool   `name:"other-kms-key" help:"Restore API keys that are derived from a KMS key which this process cannot use. They go on working, but their values can never be shown or made again."`
	WorkersMayRun bool   `help:"Restore although workers seem to run."`
}

func (restoreCommand) Help() string {
	return `The command restores a backup into the empty tables of a new installation: run setup first, and start no portal and no worker before it has ended. It reads the whole file first and refuses one that was cut off or altered. It refuses tables that are not empty.

You can interrupt the command and run it again with the same file; it goes on where it stopped. At the end it asks for a sweep. Once you have started the workers, they show everything again and make API Gateway match the restored journal.`
}

type restoredJSON struct {
	Restored bool          `json:"restored"`
	MadeBy   string        `json:"made_by"`
	Prefix   string        `json:"prefix"`
	Region   string        `json:"region"`
	Began    time.Time     `json:"began"`
	Rows     backup.Counts `json:"rows"`
	SHA256   string        `json:"sha256"`
}

func (c restoreCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	bar := newProgressBar(os.Stderr, "checking rows", 0)
	var checked backup.Checked
	if c.Check {
		checked, err = app.CheckBackup(ctx, p, c.From, bar.tell)
	} else {
		options := app.RestoreOptions{OtherKMSKey: c.OtherKMSKey, WorkersMayRun: c.WorkersMayRun}
		checked, err = app.RestoreBackup(ctx, p, c.From, options, bar.tell, func(done, total int) {
			bar.begin("restoring rows", total)
			bar.tell(done)
		})
	}
	bar.end()
	if err != nil {
		return err
	}
	result := restoredJSON{!c.Check, checked.MadeBy, checked.Prefix, checked.Region, checked.Began.UTC(), checked.Rows, checked.SHA256}
	return c.print(os.Stdout, result, func(w io.Writer) { printRestored(w, result) })
}

func printRestored(w io.Writer, result restoredJSON) {
	did := "This is a whole backup"
	if result.Restored {
		did = "Restored the backup"
	}
	fmt.Fprintf(w, "%s of %s in %s, begun at %s by version %s: %s (%s).\n", did, oneLine(result.Prefix), oneLine(result.Region), moment(result.Began), oneLine(result.MadeBy),
		count(result.Rows.Total(), "row"), result.Rows.Describe())
	if result.Restored {
		fmt.Fprintln(w, "Start the workers, then the portal. The workers sweep at once, and make API keys one by one.\ndocs/backup.md says what to do next.")
	}
}
